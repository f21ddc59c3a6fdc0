-- As before, but a series goes on after 999999: lpad cut the seventh digit off, and the number was already taken.
CREATE OR REPLACE FUNCTION billing_next_number(p_till_code text, p_series text, p_year integer) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
  tenant integer := current_setting('app.tenant_id')::integer;
  taken integer;
BEGIN
  INSERT INTO counter AS c (tenant_id, till_code, series, year, last_rank) VALUES (tenant, p_till_code, p_series, p_year, 1)
    ON CONFLICT (tenant_id, till_code, series, year) DO UPDATE SET last_rank = c.last_rank + 1
    RETURNING c.last_rank INTO taken;
  RETURN concat_ws('-', p_till_code, NULLIF(p_series, ''), p_year::text, lpad(taken::text, GREATEST(6, length(taken::text)), '0'));
END $$;

-- A tariff that has priced a line keeps its prices for ever. Told once, so that the lines need no index for the question.
-- Whoever was changing a price meanwhile has been waited for: lines that it made wrong are priced again, in another transaction.
CREATE OR REPLACE FUNCTION billing_note_tariffs(p_tenant integer, p_reservations bigint[], p_activity_keys integer[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tariff t SET is_used = true
   WHERE t.tenant_id = p_tenant AND t.activity_key = ANY (p_activity_keys) AND NOT t.is_used
     AND t.key IN (SELECT l.tariff_key FROM charge_line l
                    WHERE l.tenant_id = p_tenant AND l.reservation_id = ANY (p_reservations) AND l.status IN (1, 2, 3));
  IF EXISTS (SELECT FROM charge_line l JOIN tariff t ON t.tenant_id = p_tenant AND t.key = l.tariff_key
              WHERE l.tenant_id = p_tenant AND l.reservation_id = ANY (p_reservations) AND l.status IN (1, 2, 3)
                AND l.price_minor <> CASE WHEN l.is_resident THEN t.resident_minor ELSE t.non_resident_minor END) THEN
    RAISE EXCEPTION 'a price was changed while it was used' USING ERRCODE = 'serialization_failure';
  END IF;
END $$;
