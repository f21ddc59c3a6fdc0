-- What a household holds unpaid, without its rows: from p_first on, at p_now. Given p_closed_since, the rows closed since then
-- come too, with the live ones in the same places: from those the domain tells what lapsed and was not booked again.
CREATE FUNCTION agenda_count_holds(
    p_tenant integer, p_household uuid, p_now timestamptz, p_first bigint, p_closed_since timestamptz,
    OUT rules_version bigint, OUT household_key integer, OUT revision bigint,
    OUT held_count integer, OUT hold_expires_at timestamptz, OUT lapsing_count integer,
    OUT row_ids bigint[], OUT row_children integer[], OUT row_sessions bigint[], OUT row_statuses smallint[],
    OUT row_holds timestamptz[], OUT row_created timestamptz[], OUT row_entries bigint[], OUT row_households integer[],
    OUT row_closed timestamptz[], OUT row_lapses smallint[]
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_material = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_children integer[];
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    SELECT t.rules_version INTO rules_version FROM town t WHERE t.tenant_id = p_tenant;
    SELECT h.household_key, h.revision INTO household_key, revision FROM household h
    WHERE h.tenant_id = p_tenant AND h.household_id = p_household;
    IF household_key IS NULL THEN
        RETURN;
    END IF;
    v_children := ARRAY(
        SELECT m.child_key FROM household_child m
        WHERE m.tenant_id = p_tenant AND m.household_key = agenda_count_holds.household_key
    );
    SELECT count(*) FILTER (WHERE r.hold_expires_at > p_now), min(r.hold_expires_at) FILTER (WHERE r.hold_expires_at > p_now),
           count(*) FILTER (WHERE r.hold_expires_at <= p_now)
    INTO held_count, hold_expires_at, lapsing_count
    FROM reservation r
    WHERE r.tenant_id = p_tenant AND r.child_key = ANY (v_children) AND r.session_key >= p_first AND r.status = 1
      AND r.household_key = agenda_count_holds.household_key;
    IF p_closed_since IS NULL THEN
        RETURN;
    END IF;
    WITH closed AS MATERIALIZED (
        SELECT r.* FROM reservation r
        WHERE r.tenant_id = p_tenant AND r.household_key = agenda_count_holds.household_key
          AND r.closed_at >= p_closed_since AND r.session_key >= p_first AND r.status IN (3, 4)
    ), found AS (
        SELECT c.* FROM closed c
        UNION ALL
        SELECT r.* FROM (SELECT DISTINCT c.child_key, c.session_key FROM closed c) s
        JOIN reservation r ON r.tenant_id = p_tenant AND r.child_key = s.child_key AND r.session_key = s.session_key
             AND r.status IN (1, 2)
    )
    SELECT array_agg(f.reservation_id), array_agg(f.child_key), array_agg(f.session_key), array_agg(f.status),
           array_agg(f.hold_expires_at), array_agg(f.created_at), array_agg(f.entry_id), array_agg(f.household_key),
           array_agg(f.closed_at), array_agg(f.lapse)
    INTO row_ids, row_children, row_sessions, row_statuses, row_holds, row_created, row_entries, row_households,
         row_closed, row_lapses
    FROM found f;
END $$;
