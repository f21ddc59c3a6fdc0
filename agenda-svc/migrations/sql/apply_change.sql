-- The only way a household's reservations change: all of it or nothing, in one round trip.
-- In this order: the household's revision, the command's own row, the reservations, the event, and last the session
-- counters, behind a lock that lets entries on the same sessions queue instead of fighting. Counters come sorted by key
-- and are taken in that order.
-- Answers false when the household changed since it was read; a twin of the command waits here, then is told so too, and
-- finds the stored answer when it reads again. Raises PR001 when a session has no place left and PR002 when a row is not
-- in the state the caller saw. Nothing stays of what was not done.
CREATE FUNCTION agenda_apply_change(
    p_tenant integer, p_household integer, p_revision bigint,
    p_method text, p_request uuid, p_hash bytea, p_response bytea,
    p_now timestamptz, p_hold timestamptz, p_entry bigint,
    p_new_ids bigint[], p_new_children integer[], p_new_sessions bigint[],
    p_moved_ids bigint[], p_moved_from smallint[], p_moved_to smallint,
    p_lapsed_ids bigint[], p_lapse smallint,
    p_counted bigint[], p_deltas integer[],
    p_event uuid, p_subject text, p_type text, p_body bytea, p_traceparent text
) RETURNS boolean LANGUAGE plpgsql
-- The counters' rows must be taken in the order of the arrays: a loop over them, never a hash or a merge.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_material = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_touched integer;
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    IF p_event IS NOT NULL THEN
        UPDATE household h
        SET revision = h.revision + 1,
            next_expiry_at = CASE WHEN p_new_ids IS NOT NULL OR p_moved_to = 1
                                  THEN least(h.next_expiry_at, p_hold) ELSE h.next_expiry_at END
        WHERE h.tenant_id = p_tenant AND h.household_key = p_household AND h.revision = p_revision;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    IF p_request IS NOT NULL THEN
        INSERT INTO idempotency (tenant_id, method, request_id, request_hash, response)
        VALUES (p_tenant, p_method, p_request, p_hash, p_response)
        ON CONFLICT (tenant_id, method, request_id) DO NOTHING;
        IF NOT FOUND THEN
            IF p_event IS NULL THEN
                RETURN false;
            END IF;
            RAISE EXCEPTION 'the command was done meanwhile' USING ERRCODE = 'PR002';
        END IF;
    END IF;
    IF p_moved_ids IS NOT NULL THEN
        UPDATE reservation r
        SET status = p_moved_to,
            hold_expires_at = CASE WHEN p_moved_to = 1 THEN p_hold ELSE r.hold_expires_at END,
            closed_at = CASE WHEN p_moved_to IN (3, 4) THEN p_now END,
            lapse = 0
        WHERE r.tenant_id = p_tenant AND r.reservation_id = ANY (p_moved_ids)
          AND r.household_key = p_household AND r.status = ANY (p_moved_from);
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        IF v_touched <> cardinality(p_moved_ids) THEN
            RAISE EXCEPTION 'reservations changed' USING ERRCODE = 'PR002';
        END IF;
    END IF;
    IF p_lapsed_ids IS NOT NULL THEN
        UPDATE reservation r SET lapse = p_lapse
        WHERE r.tenant_id = p_tenant AND r.reservation_id = ANY (p_lapsed_ids)
          AND r.household_key = p_household AND r.status = 4;
    END IF;
    IF p_new_ids IS NOT NULL THEN
        INSERT INTO reservation (reservation_id, session_key, entry_id, hold_expires_at, created_at,
                                 tenant_id, household_key, child_key, status)
        SELECT n.id, n.session_key, p_entry, p_hold, p_now, p_tenant, p_household, n.child_key, 1
        FROM unnest(p_new_ids, p_new_children, p_new_sessions) AS n(id, child_key, session_key);
    END IF;
    IF p_event IS NOT NULL THEN
        INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent)
        VALUES (p_tenant, p_event, p_subject, p_type, p_body, p_traceparent);
    END IF;
    IF p_counted IS NOT NULL THEN
        -- Who holds the sessions already (p_lock of the reading functions) would wait here for one who waits for them.
        IF current_setting('app.sessions_held', true) IS DISTINCT FROM 'yes' THEN
            PERFORM pg_advisory_xact_lock(p_tenant, hashint8(p_counted[1]));
        END IF;
        UPDATE session s SET booked = s.booked + c.delta
        FROM unnest(p_counted, p_deltas) AS c(session_key, delta)
        WHERE s.tenant_id = p_tenant AND s.session_key = c.session_key
          AND (c.delta <= 0 OR s.capacity IS NULL OR s.booked + c.delta <= s.capacity);
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        IF v_touched <> cardinality(p_counted) THEN
            RAISE EXCEPTION 'a session is full' USING ERRCODE = 'PR001';
        END IF;
    END IF;
    RETURN true;
END $$;
