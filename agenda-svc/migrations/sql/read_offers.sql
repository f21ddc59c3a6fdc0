-- What agenda_read_offer reads, for several commands of one town that wait together: one row each, in their order. Every
-- command names its children and its sessions. Children come one after the other in p_children, those of a command from
-- p_child_from to p_child_to. Sessions are those that the caller knows nothing fresh about, of all the commands, told once
-- in the first row.
CREATE FUNCTION agenda_read_offers(
    p_tenant integer, p_methods text[], p_requests uuid[], p_households uuid[],
    p_children uuid[], p_child_from integer[], p_child_to integer[],
    p_firsts bigint[], p_lasts bigint[], p_sessions bigint[]
) RETURNS TABLE (
    rules_version bigint, stored_hash bytea, stored_response bytea,
    household_key integer, revision bigint,
    child_ids uuid[], child_keys integer[],
    session_keys bigint[], places integer[],
    enrolled_children integer[], enrolled_activities integer[],
    enrolled_first integer[], enrolled_last integer[],
    row_ids bigint[], row_children integer[], row_sessions bigint[], row_statuses smallint[],
    row_holds timestamptz[], row_created timestamptz[], row_entries bigint[], row_households integer[]
) LANGUAGE plpgsql
-- The plan of a small town's first day must do for the full tables that follow: always by index, and by all of the key.
-- A LIMIT or a scalar subquery is never made into a join, which may scan a town to look up a few keys.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_material = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    v_town text;
BEGIN
    -- An assignment is cheaper than PERFORM.
    v_town := set_config('app.tenant_id', p_tenant::text, true);
    RETURN QUERY
    SELECT t.rules_version, i.request_hash, i.response, h.household_key, h.revision, c.ids, c.keys, s.keys, s.places,
           e.children, e.activities, e.firsts, e.lasts,
           r.ids, r.children, r.sessions, r.statuses, r.holds, r.created, r.entries, r.households
    FROM unnest(p_methods, p_requests, p_households, p_child_from, p_child_to, p_firsts, p_lasts)
         WITH ORDINALITY AS q(method, request_id, household_id, child_from, child_to, first_key, last_key, number)
    LEFT JOIN LATERAL (SELECT x.rules_version FROM town x WHERE x.tenant_id = p_tenant LIMIT 1) t ON true
    LEFT JOIN LATERAL (
        SELECT x.request_hash, x.response FROM idempotency x
        WHERE x.tenant_id = p_tenant AND x.method = q.method AND x.request_id = q.request_id LIMIT 1
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT x.household_key, x.revision FROM household x
        WHERE x.tenant_id = p_tenant AND x.household_id = q.household_id AND i.request_hash IS NULL LIMIT 1
    ) h ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(k.child_id) AS ids, array_agg(k.child_key) AS keys
        FROM child k
        WHERE k.tenant_id = p_tenant AND k.child_id = ANY (p_children[q.child_from:q.child_to])
          AND (SELECT m.is_member FROM household_child m
               WHERE m.tenant_id = p_tenant AND m.household_key = h.household_key AND m.child_key = k.child_key)
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(x.session_key) AS keys, array_agg(x.capacity - x.booked) AS places
        FROM session x WHERE x.tenant_id = p_tenant AND x.session_key = ANY (p_sessions) AND q.number = 1
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(x.child_key) AS children, array_agg(x.activity_key) AS activities,
               array_agg(x.first_day) AS firsts, array_agg(x.last_day) AS lasts
        FROM enrolment x
        WHERE x.tenant_id = p_tenant AND x.child_key = ANY (c.keys)
          AND x.last_day >= q.first_key >> 16 AND x.first_day <= q.last_key >> 16
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(x.reservation_id) AS ids, array_agg(x.child_key) AS children, array_agg(x.session_key) AS sessions,
               array_agg(x.status) AS statuses, array_agg(x.hold_expires_at) AS holds, array_agg(x.created_at) AS created,
               array_agg(x.entry_id) AS entries, array_agg(x.household_key) AS households
        FROM reservation x
        WHERE x.tenant_id = p_tenant AND x.child_key = ANY (c.keys)
          AND x.session_key BETWEEN q.first_key AND q.last_key AND x.status IN (1, 2)
    ) r ON true
    ORDER BY q.number;
END $$;
