-- The next number of a series; its row stays locked until the transaction ends, so a rollback leaves no gap: call it last.
CREATE FUNCTION billing_next_number(p_till_code text, p_series text, p_year integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant integer := current_setting('app.tenant_id')::integer;
  taken integer;
BEGIN
  INSERT INTO counter AS c (tenant_id, till_code, series, year, last_rank) VALUES (tenant, p_till_code, p_series, p_year, 1)
    ON CONFLICT (tenant_id, till_code, series, year) DO UPDATE SET last_rank = c.last_rank + 1
    RETURNING c.last_rank INTO taken;
  RETURN concat_ws('-', p_till_code, NULLIF(p_series, ''), p_year::text, lpad(taken::text, 6, '0'));
END $$;

-- The town and its default till as they stand, for the documents' snapshot; NULL while either is missing.
CREATE FUNCTION billing_issuer(p_tenant integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
      'town_name', w.name, 'time_zone', w.time_zone, 'office_name', w.office_name, 'office_address', w.office_address,
      'office_phone', w.office_phone, 'office_email', w.office_email, 'till_code', t.code, 'till_name', t.name,
      'siret', t.siret, 'vat_mention', t.vat_mention)
    FROM town w JOIN till t ON t.tenant_id = w.tenant_id AND t.is_default
   WHERE w.tenant_id = p_tenant
$$;

-- The whole basket becomes one invoice, in one round trip: lines, snapshot, ledger, idempotency, outbox, and the number last.
-- Answers ISSUED, REPLAYED, or why not: KEY_REUSED, BEHIND, EMPTY, CHANGED, NO_TILL. p_body is InvoiceIssued without its number.
CREATE FUNCTION billing_issue_invoice(
  p_tenant integer, p_household uuid, p_method text, p_request uuid, p_hash bytea, p_min_revision bigint, p_expected bigint,
  p_now timestamptz, p_invoice uuid, p_payer_name text, p_payer_address text, p_children uuid[], p_child_names text[],
  p_event uuid, p_subject text, p_type text, p_body bytea, p_traceparent text
) RETURNS TABLE (outcome text, invoice_id uuid, revision bigint, actual_minor bigint) LANGUAGE plpgsql AS $$
DECLARE
  h household%ROWTYPE;
  known record;
  due record;
  issuer jsonb;
  doc bigint;
  movement bigint;
  taken text;
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant::text, true);
  SELECT * INTO h FROM household k WHERE k.tenant_id = p_tenant AND k.household_id = p_household FOR UPDATE;
  SELECT i.request_hash, i.response INTO known FROM idempotency i
    WHERE i.tenant_id = p_tenant AND i.method = p_method AND i.request_id = p_request;
  IF FOUND THEN
    IF known.request_hash <> p_hash THEN
      RETURN QUERY SELECT 'KEY_REUSED', NULL::uuid, h.revision, 0::bigint;
    ELSE
      RETURN QUERY SELECT 'REPLAYED', convert_from(known.response, 'UTF8')::uuid, h.revision, 0::bigint;
    END IF;
    RETURN;
  END IF;
  IF COALESCE(h.revision, 0) < p_min_revision THEN
    RETURN QUERY SELECT 'BEHIND', NULL::uuid, COALESCE(h.revision, 0), 0::bigint;
    RETURN;
  END IF;
  SELECT count(*)::integer AS n, COALESCE(sum(l.price_minor), 0)::bigint AS total INTO due
    FROM charge_line l WHERE l.tenant_id = p_tenant AND l.household_key = h.key AND l.status = 1;
  IF due.n = 0 OR due.total <> p_expected THEN
    RETURN QUERY SELECT CASE WHEN due.n = 0 THEN 'EMPTY' ELSE 'CHANGED' END, NULL::uuid, h.revision, due.total;
    RETURN;
  END IF;
  issuer := billing_issuer(p_tenant);
  IF issuer IS NULL THEN
    RETURN QUERY SELECT 'NO_TILL', NULL::uuid, h.revision, due.total;
    RETURN;
  END IF;

  doc := nextval('document_key_seq');
  WITH moved AS (
    UPDATE charge_line l SET status = 2, invoice_id = p_invoice
     WHERE l.tenant_id = p_tenant AND l.household_key = h.key AND l.status = 1
    RETURNING l.id, l.reservation_id, l.child_key, l.activity_key, l.day, l.price_minor, l.tariff_key, l.is_resident
  )
  INSERT INTO document_line (tenant_id, document_key, rank, charge_line_id, reservation_id, child_key, child_name, activity_key,
                             activity_name, kind, day, price_minor, computation)
  SELECT p_tenant, doc, row_number() OVER (ORDER BY m.day, a.position, m.child_key, m.id), m.id, m.reservation_id, m.child_key,
         COALESCE(n.name, 'Enfant'), m.activity_key, a.name, a.kind, m.day, m.price_minor, billing_computation(m.is_resident, t.valid_from)
    FROM moved m
    JOIN activity a ON a.tenant_id = p_tenant AND a.key = m.activity_key
    JOIN child c ON c.tenant_id = p_tenant AND c.key = m.child_key
    JOIN tariff t ON t.tenant_id = p_tenant AND t.key = m.tariff_key
    LEFT JOIN unnest(p_children, p_child_names) AS n (child_id, name) ON n.child_id = c.child_id;
  INSERT INTO invoice_state (tenant_id, invoice_id, household_key, status, payable_until)
    VALUES (p_tenant, p_invoice, h.key, 1, h.hold_expires_at);
  IF due.total > 0 THEN
    INSERT INTO ledger_transaction AS x (tenant_id, kind, document_id, recorded_at) VALUES (p_tenant, 'invoice', p_invoice, p_now)
      RETURNING x.id INTO movement;
    INSERT INTO ledger_entry (tenant_id, transaction_id, account, household_key, debit_minor, credit_minor)
      VALUES (p_tenant, movement, 'receivable', h.key, due.total, 0), (p_tenant, movement, 'revenue', h.key, 0, due.total);
    -- Checked here so that nothing is left to do at commit while the number's row is locked.
    SET CONSTRAINTS ledger_balanced IMMEDIATE;
    SET CONSTRAINTS ledger_balanced DEFERRED;
  END IF;
  INSERT INTO idempotency (tenant_id, method, request_id, request_hash, response)
    VALUES (p_tenant, p_method, p_request, p_hash, convert_to(p_invoice::text, 'UTF8'));

  taken := billing_next_number(issuer ->> 'till_code', '', extract(year FROM p_now AT TIME ZONE (issuer ->> 'time_zone'))::integer);
  INSERT INTO document (tenant_id, key, id, kind, number, household_key, total_minor, issued_at, payer_name, payer_address, issuer, line_count)
    VALUES (p_tenant, doc, p_invoice, 1, taken, h.key, due.total, p_now, p_payer_name, p_payer_address, issuer, due.n);
  -- Field 2 of InvoiceIssued, appended: protobuf takes fields in any order.
  INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent)
    VALUES (p_tenant, p_event, p_subject, p_type,
            p_body || set_byte('\x1200'::bytea, 1, octet_length(taken)) || convert_to(taken, 'UTF8'), p_traceparent);
  RETURN QUERY SELECT 'ISSUED', p_invoice, h.revision, due.total;
END $$;

-- A document with its state and its lines; p_household NULL for staff, p_with_lines false for lists.
CREATE FUNCTION billing_documents(
  p_tenant integer, p_household uuid, p_id uuid, p_before_key bigint, p_limit integer, p_with_lines boolean
) RETURNS TABLE (
  key bigint, id uuid, number text, kind smallint, household_id uuid, total_minor bigint, issued_at timestamptz, payer_name text,
  payer_address text, issuer text, line_count integer, status smallint, paid_at timestamptz, payable_until timestamptz,
  related_id uuid, related_number text, related_issued_at timestamptz, receipt_number text, means text, is_confirmed boolean,
  last_attempt_id uuid, charge_line_ids bigint[], reservation_ids bigint[], child_ids uuid[], child_names text[], activity_ids uuid[],
  activity_names text[], kinds smallint[], days date[], prices integer[], computations text[]
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.tenant_id', p_tenant::text, true);
  RETURN QUERY
  SELECT d.key, d.id, d.number, d.kind, h.household_id, d.total_minor, d.issued_at, d.payer_name, d.payer_address, d.issuer::text,
         d.line_count, COALESCE(s.status, 1::smallint), s.paid_at, s.payable_until, r.id, r.number, r.issued_at,
         COALESCE(s.receipt_number, ''), COALESCE(s.means, ''), COALESCE(s.is_confirmed, false), s.last_attempt_id,
         l.charge_lines, l.reservations, l.children, l.child_names, l.activities, l.activity_names, l.kinds, l.days, l.prices, l.computations
    FROM document d
    JOIN household h ON h.tenant_id = p_tenant AND h.key = d.household_key
    LEFT JOIN invoice_state s ON s.tenant_id = p_tenant AND s.invoice_id = d.id
    LEFT JOIN LATERAL (
      SELECT o.id, o.number, o.issued_at FROM document o
       WHERE o.tenant_id = p_tenant AND (o.id = d.corrects_id OR (d.kind = 1 AND o.corrects_id = d.id))
       ORDER BY o.key DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (
      SELECT array_agg(x.charge_line_id ORDER BY x.rank) AS charge_lines, array_agg(x.reservation_id ORDER BY x.rank) AS reservations,
             array_agg(c.child_id ORDER BY x.rank) AS children, array_agg(x.child_name ORDER BY x.rank) AS child_names,
             array_agg(a.activity_id ORDER BY x.rank) AS activities, array_agg(x.activity_name ORDER BY x.rank) AS activity_names,
             array_agg(x.kind ORDER BY x.rank) AS kinds, array_agg(x.day ORDER BY x.rank) AS days,
             array_agg(x.price_minor ORDER BY x.rank) AS prices, array_agg(x.computation ORDER BY x.rank) AS computations
        FROM document_line x
        JOIN child c ON c.tenant_id = p_tenant AND c.key = x.child_key
        JOIN activity a ON a.tenant_id = p_tenant AND a.key = x.activity_key
       WHERE p_with_lines AND x.tenant_id = p_tenant AND x.document_key = d.key) l ON true
   WHERE d.tenant_id = p_tenant
     AND (p_household IS NULL OR h.household_id = p_household)
     AND (p_id IS NULL OR d.id = p_id)
     AND (p_before_key IS NULL OR d.key < p_before_key)
   ORDER BY d.key DESC LIMIT p_limit;
END $$;

GRANT USAGE ON SEQUENCE document_key_seq TO billing_app;
