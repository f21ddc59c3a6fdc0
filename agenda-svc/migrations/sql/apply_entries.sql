-- What waits together is written together: the new reservations of several households of one town, one change each, in
-- one transaction. The steps and their order are those of agenda_apply_change, of which this is the special case "holds
-- new places for a command"; a session that several of them use is counted once. Households come sorted and once each.
-- All or nothing, and nothing is told apart: whatever is in the way raises, and the caller tries them one by one.
-- p_owners tells the change (1, 2, ...) that each new reservation belongs to.
CREATE FUNCTION agenda_apply_entries(
    p_tenant integer, p_households integer[], p_revisions bigint[],
    p_methods text[], p_requests uuid[], p_hashes bytea[], p_responses bytea[],
    p_nows timestamptz[], p_holds timestamptz[], p_entries bigint[],
    p_new_ids bigint[], p_owners integer[], p_new_children integer[], p_new_sessions bigint[],
    p_counted bigint[], p_deltas integer[],
    p_events uuid[], p_subjects text[], p_types text[], p_bodies bytea[], p_traceparents text[]
) RETURNS boolean LANGUAGE plpgsql
-- As in agenda_apply_change: rows are taken in the order of the arrays.
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
    UPDATE household h
    SET revision = h.revision + 1, next_expiry_at = least(h.next_expiry_at, c.hold)
    FROM unnest(p_households, p_revisions, p_holds) AS c(household_key, revision, hold)
    WHERE h.tenant_id = p_tenant AND h.household_key = c.household_key AND h.revision = c.revision;
    GET DIAGNOSTICS v_touched = ROW_COUNT;
    IF v_touched <> cardinality(p_households) THEN
        RAISE EXCEPTION 'a household changed' USING ERRCODE = 'PR002';
    END IF;
    INSERT INTO idempotency (tenant_id, method, request_id, request_hash, response)
    SELECT p_tenant, c.method, c.request_id, c.hash, c.response
    FROM unnest(p_methods, p_requests, p_hashes, p_responses) AS c(method, request_id, hash, response)
    ON CONFLICT (tenant_id, method, request_id) DO NOTHING;
    GET DIAGNOSTICS v_touched = ROW_COUNT;
    IF v_touched <> cardinality(p_requests) THEN
        RAISE EXCEPTION 'a command was done meanwhile' USING ERRCODE = 'PR002';
    END IF;
    INSERT INTO reservation (reservation_id, session_key, entry_id, hold_expires_at, created_at,
                             tenant_id, household_key, child_key, status)
    SELECT n.id, n.session_key, p_entries[n.owner], p_holds[n.owner], p_nows[n.owner],
           p_tenant, p_households[n.owner], n.child_key, 1
    FROM unnest(p_new_ids, p_owners, p_new_children, p_new_sessions) AS n(id, owner, child_key, session_key);
    INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent)
    SELECT p_tenant, e.event_id, e.subject, e.type, e.body, e.traceparent
    FROM unnest(p_events, p_subjects, p_types, p_bodies, p_traceparents) AS e(event_id, subject, type, body, traceparent);
    PERFORM pg_advisory_xact_lock(p_tenant, hashint8(p_counted[1]));
    UPDATE session s SET booked = s.booked + c.delta
    FROM unnest(p_counted, p_deltas) AS c(session_key, delta)
    WHERE s.tenant_id = p_tenant AND s.session_key = c.session_key
      AND (s.capacity IS NULL OR s.booked + c.delta <= s.capacity);
    GET DIAGNOSTICS v_touched = ROW_COUNT;
    IF v_touched <> cardinality(p_counted) THEN
        RAISE EXCEPTION 'a session is full' USING ERRCODE = 'PR001';
    END IF;
    RETURN true;
END $$;
