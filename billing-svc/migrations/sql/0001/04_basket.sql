-- Prices a whole bulk entry in one statement. Answers 'APPLIED', 'SEEN', 'GAP', or what is missing; the caller rolls back then.
CREATE FUNCTION billing_hold(
  p_household uuid, p_revision bigint, p_hold_expires_at timestamptz,
  p_reservations bigint[], p_children uuid[], p_activities uuid[], p_child_indexes integer[], p_activity_indexes integer[],
  p_days integer[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant integer := current_setting('app.tenant_id')::integer;
  h household%ROWTYPE;
  has_other boolean;
  child_keys integer[];
  activity_keys integer[];
  priced integer;
BEGIN
  SELECT * INTO h FROM household WHERE tenant_id = tenant AND household_id = p_household FOR UPDATE;
  IF NOT FOUND OR h.version = 0 THEN
    RETURN 'HOUSEHOLD_UNKNOWN';
  ELSIF p_revision <= h.revision THEN
    RETURN 'SEEN';
  ELSIF p_revision > h.revision + 1 THEN
    RETURN 'GAP';
  END IF;
  has_other := EXISTS (SELECT FROM charge_line l WHERE l.tenant_id = tenant AND l.household_key = h.key AND l.status = 1);
  -- The few ids are looked up once, not once per row.
  child_keys := ARRAY (
    SELECT k.key FROM unnest(p_children) WITH ORDINALITY c (id, rank)
    LEFT JOIN child k ON k.tenant_id = tenant AND k.child_id = c.id ORDER BY c.rank);
  IF array_position(child_keys, NULL) IS NOT NULL THEN
    INSERT INTO child (tenant_id, child_id) SELECT tenant, c FROM unnest(p_children) c ON CONFLICT DO NOTHING;
    child_keys := ARRAY (
      SELECT k.key FROM unnest(p_children) WITH ORDINALITY c (id, rank)
      JOIN child k ON k.tenant_id = tenant AND k.child_id = c.id ORDER BY c.rank);
  END IF;
  activity_keys := ARRAY (
    SELECT a.key FROM unnest(p_activities) WITH ORDINALITY x (id, rank)
    LEFT JOIN activity a ON a.tenant_id = tenant AND a.activity_id = x.id AND a.version > 0 ORDER BY x.rank);
  IF array_position(activity_keys, NULL) IS NOT NULL THEN
    RETURN 'ACTIVITY_UNKNOWN';
  END IF;
  WITH price AS MATERIALIZED (
    SELECT t.key, t.activity_key, t.valid_from, t.valid_to,
           CASE WHEN h.is_resident THEN t.resident_minor ELSE t.non_resident_minor END AS minor
      FROM tariff t WHERE t.tenant_id = tenant AND t.activity_key = ANY (activity_keys)
  ), line AS MATERIALIZED (
    SELECT r.reservation_id, child_keys[r.child_index + 1] AS child_key, activity_keys[r.activity_index + 1] AS activity_key,
           DATE '1970-01-01' + r.day AS day
      FROM unnest(p_reservations, p_child_indexes, p_activity_indexes, p_days) AS r (reservation_id, child_index, activity_index, day)
  )
  INSERT INTO charge_line (
    tenant_id, reservation_id, household_key, child_key, activity_key, day, price_minor, tariff_key, is_resident)
  SELECT tenant, l.reservation_id, h.key, l.child_key, l.activity_key, l.day, p.minor, p.key, h.is_resident
    FROM line l
    JOIN price p ON p.activity_key = l.activity_key AND p.valid_from <= l.day AND (p.valid_to IS NULL OR p.valid_to >= l.day)
   ORDER BY l.reservation_id;
  GET DIAGNOSTICS priced = ROW_COUNT;
  IF priced <> cardinality(p_reservations) THEN
    RETURN 'TARIFF_MISSING';
  END IF;
  -- The earliest end of what is held: a promise to the parent must never be too long.
  UPDATE household SET revision = p_revision,
      hold_expires_at = CASE WHEN has_other THEN LEAST(h.hold_expires_at, p_hold_expires_at) ELSE p_hold_expires_at END
    WHERE tenant_id = tenant AND key = h.key;
  RETURN 'APPLIED';
END $$;

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
