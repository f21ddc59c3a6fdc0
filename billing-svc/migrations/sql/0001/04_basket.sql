-- Prices the bulk entries that waited together, one message of the town each, in their order. Answers 'APPLIED', or the
-- first thing that is in the way ('HOUSEHOLD_UNKNOWN', 'SEEN', 'GAP', 'ACTIVITY_UNKNOWN', 'TARIFF_MISSING'); the caller
-- rolls back then. The lines' columns follow each other: p_owners tells the message (1, 2, ...) that a line belongs to,
-- p_children and p_activities the places of its ids in p_child_ids and p_activity_ids.
CREATE FUNCTION billing_hold(
  p_households uuid[], p_revisions bigint[], p_hold_expires_at timestamptz[],
  p_child_ids uuid[], p_activity_ids uuid[],
  p_owners integer[], p_reservations bigint[], p_children integer[], p_activities integer[], p_days integer[]
) RETURNS text LANGUAGE plpgsql
-- Plans that do for empty tables and for full ones: tables by index, never row by row what can be hashed once.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_nestloop = off
SET enable_mergejoin = off
AS $$
DECLARE
  tenant integer := current_setting('app.tenant_id')::integer;
  answer text;
  household_keys integer[];
  residents boolean[];
  with_others integer[];
  child_keys integer[];
  activity_keys integer[];
  priced integer;
BEGIN
  WITH locked AS MATERIALIZED (
    SELECT h.key, h.household_id, h.revision, h.is_resident FROM household h
     WHERE h.tenant_id = tenant AND h.household_id = ANY (p_households) AND h.version > 0 ORDER BY h.household_id FOR UPDATE
  ), told AS (
    SELECT m.number, l.key, l.is_resident,
           CASE WHEN l.key IS NULL THEN 'HOUSEHOLD_UNKNOWN'
                WHEN m.revision < l.revision + m.turn THEN 'SEEN'
                WHEN m.revision > l.revision + m.turn THEN 'GAP' END AS problem
      FROM (SELECT u.*, row_number() OVER (PARTITION BY u.household_id ORDER BY u.number) AS turn
              FROM unnest(p_households, p_revisions) WITH ORDINALITY u (household_id, revision, number)) m
      LEFT JOIN locked l ON l.household_id = m.household_id
  )
  SELECT array_agg(t.key ORDER BY t.number), array_agg(t.is_resident ORDER BY t.number),
         (array_agg(t.problem ORDER BY t.number) FILTER (WHERE t.problem IS NOT NULL))[1]
    INTO household_keys, residents, answer FROM told t;
  IF answer IS NOT NULL THEN
    RETURN answer;
  END IF;
  -- Subqueries that are never made into joins: one look into an index each.
  with_others := ARRAY (
    SELECT k.key FROM unnest(household_keys) k (key)
     WHERE (SELECT true FROM charge_line l WHERE l.tenant_id = tenant AND l.household_key = k.key AND l.status = 1 LIMIT 1));
  child_keys := ARRAY (
    SELECT (SELECT k.key FROM child k WHERE k.tenant_id = tenant AND k.child_id = c.id)
      FROM unnest(p_child_ids) WITH ORDINALITY c (id, rank) ORDER BY c.rank);
  IF array_position(child_keys, NULL) IS NOT NULL THEN
    INSERT INTO child (tenant_id, child_id) SELECT DISTINCT tenant, c.id FROM unnest(p_child_ids) c (id) ORDER BY c.id ON CONFLICT DO NOTHING;
    child_keys := ARRAY (
      SELECT (SELECT k.key FROM child k WHERE k.tenant_id = tenant AND k.child_id = c.id)
        FROM unnest(p_child_ids) WITH ORDINALITY c (id, rank) ORDER BY c.rank);
  END IF;
  activity_keys := ARRAY (
    SELECT (SELECT a.key FROM activity a WHERE a.tenant_id = tenant AND a.activity_id = x.id AND a.version > 0)
      FROM unnest(p_activity_ids) WITH ORDINALITY x (id, rank) ORDER BY x.rank);
  IF array_position(activity_keys, NULL) IS NOT NULL THEN
    RETURN 'ACTIVITY_UNKNOWN';
  END IF;
  WITH price AS MATERIALIZED (
    SELECT t.key, t.activity_key, t.valid_from, t.valid_to, t.resident_minor, t.non_resident_minor
      FROM tariff t WHERE t.tenant_id = tenant AND t.activity_key = ANY (activity_keys)
  ), line AS MATERIALIZED (
    SELECT r.owner, r.reservation_id, child_keys[r.child] AS child_key, activity_keys[r.activity] AS activity_key,
           DATE '1970-01-01' + r.day AS day
      FROM unnest(p_owners, p_reservations, p_children, p_activities, p_days) AS r (owner, reservation_id, child, activity, day)
  )
  INSERT INTO charge_line (
    tenant_id, reservation_id, household_key, child_key, activity_key, day, price_minor, tariff_key, is_resident)
  SELECT tenant, l.reservation_id, household_keys[l.owner], l.child_key, l.activity_key, l.day,
         CASE WHEN residents[l.owner] THEN p.resident_minor ELSE p.non_resident_minor END, p.key, residents[l.owner]
    FROM line l
    JOIN price p ON p.activity_key = l.activity_key AND p.valid_from <= l.day AND (p.valid_to IS NULL OR p.valid_to >= l.day)
   ORDER BY l.reservation_id;
  GET DIAGNOSTICS priced = ROW_COUNT;
  IF priced <> cardinality(p_reservations) THEN
    RETURN 'TARIFF_MISSING';
  END IF;
  IF EXISTS (SELECT FROM tariff t WHERE t.tenant_id = tenant AND t.activity_key = ANY (activity_keys) AND NOT t.is_used) THEN
    PERFORM billing_note_tariffs(tenant, p_reservations, activity_keys);
  END IF;
  -- The earliest end of what is held: a promise to the parent must never be too long.
  UPDATE household h SET
      revision = (SELECT max(m.revision) FROM unnest(household_keys, p_revisions) m (key, revision) WHERE m.key = h.key),
      hold_expires_at = LEAST(
        (SELECT min(m.ends_at) FROM unnest(household_keys, p_hold_expires_at) m (key, ends_at) WHERE m.key = h.key),
        CASE WHEN h.key = ANY (with_others) THEN h.hold_expires_at END)
    WHERE h.tenant_id = tenant AND h.key = ANY (household_keys);
  RETURN 'APPLIED';
END $$;

-- A tariff that has priced a line keeps its prices for ever. Told once, so that the lines need no index for the question.
CREATE FUNCTION billing_note_tariffs(p_tenant integer, p_reservations bigint[], p_activity_keys integer[]) RETURNS void
LANGUAGE sql AS $$
  UPDATE tariff t SET is_used = true
   WHERE t.tenant_id = p_tenant AND t.activity_key = ANY (p_activity_keys) AND NOT t.is_used
     AND t.key IN (SELECT l.tariff_key FROM charge_line l
                    WHERE l.tenant_id = p_tenant AND l.reservation_id = ANY (p_reservations) AND l.status IN (1, 2, 3))
$$;

-- One page of the basket, its totals and the revision it shows, in one round trip.
CREATE FUNCTION billing_basket(
  p_tenant integer, p_household uuid, p_min_revision bigint, p_limit integer, p_offset integer,
  p_children uuid[], p_activities uuid[], p_from date, p_to date
) RETURNS TABLE (
  revision bigint, hold_expires_at timestamptz, total_minor bigint, line_count integer, filtered_count integer,
  ids bigint[], reservation_ids bigint[], child_ids uuid[], activity_ids uuid[], activity_names text[], kinds smallint[], days date[],
  prices integer[], computations text[]
) LANGUAGE plpgsql AS $$
DECLARE
  h household%ROWTYPE;
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant::text, true);
  SELECT * INTO h FROM household k WHERE k.tenant_id = p_tenant AND k.household_id = p_household;
  IF COALESCE(h.revision, 0) < p_min_revision OR h.key IS NULL THEN
    RETURN QUERY SELECT COALESCE(h.revision, 0), NULL::timestamptz, 0::bigint, 0, 0, '{}'::bigint[], '{}'::bigint[], '{}'::uuid[],
      '{}'::uuid[], '{}'::text[], '{}'::smallint[], '{}'::date[], '{}'::integer[], '{}'::text[];
    RETURN;
  END IF;
  RETURN QUERY
  WITH pending AS MATERIALIZED (
    SELECT l.id, l.reservation_id, l.child_key, l.activity_key, l.day, l.price_minor, l.tariff_key, l.is_resident
      FROM charge_line l WHERE l.tenant_id = p_tenant AND l.household_key = h.key AND l.status = 1
  ), shown AS (
    SELECT p.*, c.child_id, a.activity_id, a.name, a.kind, a.position
      FROM pending p
      JOIN child c ON c.tenant_id = p_tenant AND c.key = p.child_key
      JOIN activity a ON a.tenant_id = p_tenant AND a.key = p.activity_key
     WHERE (p_children IS NULL OR c.child_id = ANY (p_children))
       AND (p_activities IS NULL OR a.activity_id = ANY (p_activities))
       AND (p_from IS NULL OR p.day >= p_from) AND (p_to IS NULL OR p.day <= p_to)
  ), page AS (
    SELECT s.*, t.valid_from FROM shown s JOIN tariff t ON t.tenant_id = p_tenant AND t.key = s.tariff_key
     ORDER BY s.day, s.position, s.child_key, s.id LIMIT p_limit OFFSET p_offset
  )
  SELECT h.revision, CASE WHEN q.n > 0 THEN h.hold_expires_at END, COALESCE(q.total, 0)::bigint, q.n, f.n,
         COALESCE(g.ids, '{}'), COALESCE(g.reservations, '{}'), COALESCE(g.children, '{}'), COALESCE(g.activities, '{}'),
         COALESCE(g.names, '{}'), COALESCE(g.kinds, '{}'), COALESCE(g.days, '{}'), COALESCE(g.prices, '{}'),
         COALESCE(g.computations, '{}')
    FROM (SELECT sum(price_minor) AS total, count(*)::integer AS n FROM pending) q,
         (SELECT count(*)::integer AS n FROM shown) f,
         (SELECT array_agg(x.id ORDER BY x.day, x.position, x.child_key, x.id) AS ids,
                 array_agg(x.reservation_id ORDER BY x.day, x.position, x.child_key, x.id) AS reservations,
                 array_agg(x.child_id ORDER BY x.day, x.position, x.child_key, x.id) AS children,
                 array_agg(x.activity_id ORDER BY x.day, x.position, x.child_key, x.id) AS activities,
                 array_agg(x.name ORDER BY x.day, x.position, x.child_key, x.id) AS names,
                 array_agg(x.kind ORDER BY x.day, x.position, x.child_key, x.id) AS kinds,
                 array_agg(x.day ORDER BY x.day, x.position, x.child_key, x.id) AS days,
                 array_agg(x.price_minor ORDER BY x.day, x.position, x.child_key, x.id) AS prices,
                 array_agg(billing_computation(x.is_resident, x.valid_from) ORDER BY x.day, x.position, x.child_key, x.id) AS computations
            FROM page x) g;
END $$;

-- How a flat price came about, as printed.
CREATE FUNCTION billing_computation(p_is_resident boolean, p_valid_from date) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_is_resident THEN 'Tarif commune du ' ELSE 'Tarif hors commune du ' END || to_char(p_valid_from::timestamp, 'DD/MM/YYYY')
$$;

-- The sum of each row of a preview, and the first activity and day without a tariff, if any.
CREATE FUNCTION billing_quote(p_tenant integer, p_household uuid, p_activities uuid[], p_rows integer[], p_days date[])
RETURNS TABLE (is_ready boolean, totals bigint[], missing_activity uuid, missing_day date) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant::text, true);
  RETURN QUERY
  WITH priced AS MATERIALIZED (
    SELECT q.row_index, q.day, p_activities[q.row_index + 1] AS activity_id, t.key AS tariff_key,
           CASE WHEN h.is_resident THEN t.resident_minor ELSE t.non_resident_minor END AS price_minor
      FROM unnest(p_rows, p_days) AS q (row_index, day)
      JOIN household h ON h.tenant_id = p_tenant AND h.household_id = p_household AND h.version > 0
      LEFT JOIN activity a ON a.tenant_id = p_tenant AND a.activity_id = p_activities[q.row_index + 1]
      LEFT JOIN tariff t ON t.tenant_id = p_tenant AND t.activity_key = a.key
       AND t.valid_from <= q.day AND (t.valid_to IS NULL OR t.valid_to >= q.day)
  )
  SELECT EXISTS (SELECT FROM household h WHERE h.tenant_id = p_tenant AND h.household_id = p_household AND h.version > 0),
         ARRAY (SELECT COALESCE(sum(p.price_minor), 0)::bigint
                  FROM generate_subscripts(p_activities, 1) AS g (i) LEFT JOIN priced p ON p.row_index = g.i - 1
                 GROUP BY g.i ORDER BY g.i),
         m.activity_id, m.day
    FROM (SELECT 1) one LEFT JOIN LATERAL (
      SELECT p.activity_id, p.day FROM priced p WHERE p.tariff_key IS NULL ORDER BY p.row_index, p.day LIMIT 1) m ON true;
END $$;

CREATE FUNCTION billing_prices(p_tenant integer, p_household uuid, p_day date, p_now timestamptz)
RETURNS TABLE (activity_id uuid, price_minor integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant::text, true);
  RETURN QUERY
  SELECT a.activity_id, CASE WHEN h.is_resident THEN t.resident_minor ELSE t.non_resident_minor END
    FROM household h
    CROSS JOIN LATERAL (
      SELECT COALESCE(p_day, (p_now AT TIME ZONE COALESCE((SELECT w.time_zone FROM town w WHERE w.tenant_id = p_tenant), 'UTC'))::date) AS day) d
    JOIN activity a ON a.tenant_id = p_tenant
    JOIN tariff t ON t.tenant_id = p_tenant AND t.activity_key = a.key AND t.valid_from <= d.day AND (t.valid_to IS NULL OR t.valid_to >= d.day)
   WHERE h.tenant_id = p_tenant AND h.household_id = p_household AND h.version > 0
   ORDER BY a.position, a.key;
END $$;
