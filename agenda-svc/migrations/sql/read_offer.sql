-- Everything a household's booking is decided on, in one round trip. p_children null: all of them. p_sessions null: those
-- of the activities the children are enrolled in, over the days of the keys p_first to p_last. p_lock: for the last try
-- after optimistic ones have failed; locks the household, then the sessions in the order of their keys.
CREATE FUNCTION agenda_read_offer(
    p_tenant integer, p_method text, p_request uuid, p_household uuid, p_children uuid[],
    p_sessions bigint[], p_first bigint, p_last bigint, p_lock boolean,
    OUT rules_version bigint, OUT stored_hash bytea, OUT stored_response bytea,
    OUT household_key integer, OUT revision bigint,
    OUT child_ids uuid[], OUT child_keys integer[],
    OUT session_keys bigint[], OUT places integer[],
    OUT enrolled_children integer[], OUT enrolled_activities integer[],
    OUT enrolled_first integer[], OUT enrolled_last integer[],
    OUT row_ids bigint[], OUT row_children integer[], OUT row_sessions bigint[], OUT row_statuses smallint[],
    OUT row_holds timestamptz[], OUT row_created timestamptz[], OUT row_entries bigint[], OUT row_households integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_wanted bigint[] := p_sessions;
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
        WHERE h.tenant_id = p_tenant AND h.household_key = agenda_read_offer.household_key FOR UPDATE;
        PERFORM 1 FROM session s WHERE s.tenant_id = p_tenant AND s.session_key = ANY (p_sessions)
        ORDER BY s.session_key FOR UPDATE;
        PERFORM set_config('app.sessions_held', 'yes', true);
    END IF;
    SELECT array_agg(c.child_id), array_agg(c.child_key) INTO child_ids, child_keys
    FROM household_child m JOIN child c ON c.tenant_id = p_tenant AND c.child_key = m.child_key
    WHERE m.tenant_id = p_tenant AND m.household_key = agenda_read_offer.household_key AND m.is_member
      AND (p_children IS NULL OR c.child_id = ANY (p_children));
    SELECT array_agg(e.child_key), array_agg(e.activity_key), array_agg(e.first_day), array_agg(e.last_day)
    INTO enrolled_children, enrolled_activities, enrolled_first, enrolled_last
    FROM enrolment e
    WHERE e.tenant_id = p_tenant AND e.child_key = ANY (child_keys)
      AND e.last_day >= p_first >> 16 AND e.first_day <= p_last >> 16;
    IF v_wanted IS NULL THEN
        v_wanted := ARRAY(
            SELECT d.day << 16 | a.activity_key
            FROM generate_series(p_first >> 16, p_last >> 16) AS d(day),
                 (SELECT DISTINCT unnest(enrolled_activities)::bigint AS activity_key) AS a
        );
    END IF;
    SELECT array_agg(s.session_key), array_agg(s.capacity - s.booked) INTO session_keys, places
    FROM session s WHERE s.tenant_id = p_tenant AND s.session_key = ANY (v_wanted);
    SELECT array_agg(r.reservation_id), array_agg(r.child_key), array_agg(r.session_key), array_agg(r.status),
           array_agg(r.hold_expires_at), array_agg(r.created_at), array_agg(r.entry_id), array_agg(r.household_key)
    INTO row_ids, row_children, row_sessions, row_statuses, row_holds, row_created, row_entries, row_households
    FROM reservation r
    WHERE r.tenant_id = p_tenant AND r.child_key = ANY (child_keys) AND r.session_key BETWEEN p_first AND p_last
      AND r.status IN (1, 2);
END $$;
