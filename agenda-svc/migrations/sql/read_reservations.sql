-- A household's reservations, in one round trip, as sets that the caller asks for:
--   p_ids            these, in whatever state;
--   p_with_coupled   and the live ones of the same children on the same days;
--   p_live           the live ones with keys from p_first to p_last;
--   p_closed_since   the cancelled and expired ones closed since then, with keys from p_first to p_last.
-- Rows that other households hold for the same children come with another household key. Places are those of the sessions
-- of the expired rows and, given p_offer_last, of the activities the children are enrolled in from p_first to there.
-- p_lock locks the household and those sessions.
CREATE FUNCTION agenda_read_reservations(
    p_tenant integer, p_method text, p_request uuid, p_household uuid, p_ids bigint[], p_with_coupled boolean,
    p_live boolean, p_closed_since timestamptz, p_first bigint, p_last bigint, p_offer_last bigint, p_lock boolean,
    OUT rules_version bigint, OUT stored_hash bytea, OUT stored_response bytea,
    OUT household_key integer, OUT revision bigint,
    OUT child_ids uuid[], OUT child_keys integer[], OUT child_members boolean[],
    OUT session_keys bigint[], OUT places integer[],
    OUT enrolled_children integer[], OUT enrolled_activities integer[],
    OUT enrolled_first integer[], OUT enrolled_last integer[],
    OUT row_ids bigint[], OUT row_children integer[], OUT row_sessions bigint[], OUT row_statuses smallint[],
    OUT row_holds timestamptz[], OUT row_created timestamptz[], OUT row_entries bigint[], OUT row_households integer[],
    OUT row_closed timestamptz[], OUT row_lapses smallint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_lapsed bigint[];
    v_wanted bigint[];
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    SELECT t.rules_version INTO rules_version FROM town t WHERE t.tenant_id = p_tenant;
    IF p_request IS NOT NULL THEN
        SELECT i.request_hash, i.response INTO stored_hash, stored_response FROM idempotency i
        WHERE i.tenant_id = p_tenant AND i.method = p_method AND i.request_id = p_request;
        IF stored_hash IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    SELECT h.household_key, h.revision INTO household_key, revision FROM household h
    WHERE h.tenant_id = p_tenant AND h.household_id = p_household;
    IF household_key IS NULL THEN
        RETURN;
    END IF;
    IF p_lock THEN
        SELECT h.revision INTO revision FROM household h
        WHERE h.tenant_id = p_tenant AND h.household_key = agenda_read_reservations.household_key FOR UPDATE;
    END IF;
    SELECT array_agg(c.child_id), array_agg(c.child_key), array_agg(m.is_member)
    INTO child_ids, child_keys, child_members
    FROM household_child m JOIN child c ON c.tenant_id = p_tenant AND c.child_key = m.child_key
    WHERE m.tenant_id = p_tenant AND m.household_key = agenda_read_reservations.household_key;
    WITH asked AS MATERIALIZED (
        SELECT r.* FROM reservation r
        WHERE r.tenant_id = p_tenant AND r.reservation_id = ANY (p_ids)
          AND r.household_key = agenda_read_reservations.household_key
    ), found AS (
        SELECT a.* FROM asked a
        UNION
        SELECT r.* FROM (SELECT DISTINCT a.child_key, a.session_key >> 16 AS day FROM asked a WHERE p_with_coupled) d
        JOIN reservation r ON r.tenant_id = p_tenant AND r.child_key = d.child_key
             AND r.session_key BETWEEN d.day << 16 AND d.day << 16 | 65535 AND r.status IN (1, 2)
        UNION
        SELECT r.* FROM reservation r
        WHERE p_live AND r.tenant_id = p_tenant AND r.child_key = ANY (child_keys)
          AND r.session_key BETWEEN p_first AND p_last AND r.status IN (1, 2)
        UNION
        SELECT r.* FROM reservation r
        WHERE r.tenant_id = p_tenant AND r.household_key = agenda_read_reservations.household_key
          AND r.closed_at >= p_closed_since AND r.session_key BETWEEN p_first AND p_last AND r.status IN (3, 4)
    )
    SELECT array_agg(f.reservation_id), array_agg(f.child_key), array_agg(f.session_key), array_agg(f.status),
           array_agg(f.hold_expires_at), array_agg(f.created_at), array_agg(f.entry_id), array_agg(f.household_key),
           array_agg(f.closed_at), array_agg(f.lapse), array_agg(f.session_key) FILTER (WHERE f.status = 4)
    INTO row_ids, row_children, row_sessions, row_statuses, row_holds, row_created, row_entries, row_households,
         row_closed, row_lapses, v_lapsed
    FROM found f;
    IF v_lapsed IS NULL AND p_offer_last IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(e.child_key), array_agg(e.activity_key), array_agg(e.first_day), array_agg(e.last_day)
    INTO enrolled_children, enrolled_activities, enrolled_first, enrolled_last
    FROM enrolment e WHERE e.tenant_id = p_tenant AND e.child_key = ANY (child_keys);
    IF p_offer_last IS NOT NULL THEN
        v_wanted := ARRAY(
            SELECT d.day << 16 | a.activity_key
            FROM generate_series(p_first >> 16, p_offer_last >> 16) AS d(day),
                 (SELECT DISTINCT unnest(enrolled_activities)::bigint AS activity_key) AS a
        );
    END IF;
    v_wanted := v_wanted || v_lapsed;
    IF p_lock THEN
        PERFORM 1 FROM session s WHERE s.tenant_id = p_tenant AND s.session_key = ANY (v_wanted)
        ORDER BY s.session_key FOR UPDATE;
        PERFORM set_config('app.sessions_held', 'yes', true);
    END IF;
    SELECT array_agg(s.session_key), array_agg(s.capacity - s.booked) INTO session_keys, places
    FROM session s WHERE s.tenant_id = p_tenant AND s.session_key = ANY (v_wanted);
END $$;
