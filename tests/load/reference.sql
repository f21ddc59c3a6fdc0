-- What the database alone can do with the same rows, checks included, in one set-based statement: the yardstick A.
-- Its end, how the counters move, is in reference.py: one for entries spread over sessions, one for the same sessions.
-- :hot = 1 puts every client on the same 72 sessions of the shared centre. Neighbouring picks are other households, other
-- schools and, sixteen on, another period: nothing but the sessions is shared.
WITH pick AS MATERIALIZED (
  SELECT nextval(CASE WHEN :hot = 1 THEN 'bench_pick_hot'::regclass ELSE 'bench_pick_spread'::regclass END) AS n
), who AS MATERIALIZED (
  SELECT c.child_key, c.household_key, p.days, CASE WHEN :hot = 1 THEN c.centre ELSE c.school END AS activities
  FROM pick
  JOIN bench_child c ON c.n = pick.n % :children
  JOIN bench_period p ON p.n = CASE WHEN :hot = 1 THEN pick.n / :children ELSE (pick.n / :children + pick.n % :children / 16) % :periods END
), rules AS MATERIALIZED (
  SELECT w.child_key, w.household_key, w.days, a.activity_key, a.booking_cutoff, q.required_key, e.first_day, e.last_day
  FROM who w
  CROSS JOIN unnest(w.activities) AS u(activity_key)
  JOIN activity a ON a.tenant_id = :tenant AND a.activity_key = u.activity_key
  JOIN bench_requires q ON q.activity_key = a.activity_key
  JOIN enrolment e ON e.tenant_id = :tenant AND e.child_key = w.child_key AND e.activity_key = a.activity_key
), wanted AS MATERIALIZED (
  SELECT r.child_key, r.household_key, (d.day << 16 | r.activity_key) AS session_key, (d.day << 16 | r.required_key) AS required
  FROM rules r CROSS JOIN LATERAL unnest(r.days) AS d(day)
  WHERE d.day BETWEEN r.first_day AND r.last_day
    AND (r.booking_cutoff IS NULL OR now() < 'epoch'::timestamptz + (d.day - r.booking_cutoff[1]) * interval '1 day')
), taken AS MATERIALIZED (
  SELECT r.session_key FROM who w JOIN reservation r ON r.tenant_id = :tenant AND r.child_key = w.child_key
    AND r.session_key BETWEEN w.days[1] << 16 AND w.days[cardinality(w.days)] << 16 | 65535 AND r.status IN (1, 2)
), free AS MATERIALIZED (
  SELECT w.* FROM wanted w
  JOIN session s ON s.tenant_id = :tenant AND s.session_key = w.session_key AND (s.capacity IS NULL OR s.booked < s.capacity)
  WHERE w.session_key NOT IN (SELECT session_key FROM taken)
), allowed AS MATERIALIZED (
  SELECT child_key, household_key, session_key FROM free
  WHERE required IS NULL OR required IN (SELECT session_key FROM free)
), created AS (
  INSERT INTO reservation (reservation_id, session_key, entry_id, hold_expires_at, created_at,
                           tenant_id, household_key, child_key, status)
  SELECT nextval('bench_reservation'), session_key, 1, now() + interval '10 years', now(), :tenant, household_key, child_key, 1
  FROM allowed RETURNING session_key
), event AS (
  INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent, published_at)
  SELECT :tenant, gen_random_uuid(), 'bench', 'bench', convert_to(string_agg(session_key::text, ','), 'UTF8'), '', now()
  FROM allowed HAVING count(*) > 0
), revised AS (
  UPDATE bench_revision SET revision = revision + 1 WHERE household_key = (SELECT household_key FROM who)
