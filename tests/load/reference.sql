-- What the database alone can do with the same rows, checks included, in one set-based statement: the yardstick A.
-- :hot = 1 puts every client on the same 72 sessions of the shared centre.
WITH pick AS MATERIALIZED (
  SELECT nextval('bench_pick') AS n
), who AS MATERIALIZED (
  SELECT c.child_key, c.household_key, p.first_key, p.last_key,
         CASE WHEN :hot = 1 THEN c.centre ELSE c.school END AS activities
  FROM pick
  JOIN bench_child c ON c.n = pick.n / (CASE WHEN :hot = 1 THEN 1 ELSE :periods END)
  JOIN bench_period p ON p.n = CASE WHEN :hot = 1 THEN 0 ELSE pick.n % :periods END
), wanted AS MATERIALIZED (
  SELECT w.child_key, w.household_key, s.session_key, a.activity_key
  FROM who w
  CROSS JOIN unnest(w.activities) AS u(activity_key)
  JOIN activity a ON a.tenant_id = :tenant AND a.activity_key = u.activity_key
  CROSS JOIN LATERAL generate_series(w.first_key >> 16, w.last_key >> 16) AS d(day)
  JOIN session s ON s.tenant_id = :tenant AND s.session_key = (d.day << 16 | a.activity_key)
  JOIN enrolment e ON e.tenant_id = :tenant AND e.child_key = w.child_key AND e.activity_key = a.activity_key
       AND d.day BETWEEN e.first_day AND e.last_day
  WHERE (s.capacity IS NULL OR s.booked < s.capacity)
    AND (a.booking_cutoff IS NULL OR now() < 'epoch'::timestamptz + (d.day - a.booking_cutoff[1]) * interval '1 day')
    AND NOT EXISTS (SELECT FROM reservation r WHERE r.tenant_id = :tenant AND r.child_key = w.child_key
                    AND r.session_key = s.session_key AND r.status IN (1, 2))
), allowed AS MATERIALIZED (
  SELECT x.* FROM wanted x JOIN bench_requires q ON q.activity_key = x.activity_key
  WHERE q.required_key IS NULL
     OR EXISTS (SELECT FROM wanted y WHERE y.session_key = (x.session_key >> 16 << 16 | q.required_key))
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
), locked AS MATERIALIZED (
  SELECT session_key FROM session WHERE tenant_id = :tenant AND session_key IN (SELECT session_key FROM created)
  ORDER BY session_key FOR UPDATE
), counted AS (
  UPDATE session s SET booked = s.booked + 1 FROM locked l
  WHERE s.tenant_id = :tenant AND s.session_key = l.session_key RETURNING 1
)
SELECT count(*) FROM counted;
