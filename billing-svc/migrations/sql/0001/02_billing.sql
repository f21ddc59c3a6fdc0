-- status: 1 pending, 2 invoiced, 3 settled, 4 cancelled, 5 lapsed with its hold.
CREATE TABLE charge_line (
  tenant_id integer NOT NULL,
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  reservation_id bigint NOT NULL,
  household_key integer NOT NULL,
  child_key integer NOT NULL,
  activity_key integer NOT NULL,
  day date NOT NULL,
  price_minor integer NOT NULL,
  tariff_key integer NOT NULL,
  is_resident boolean NOT NULL,
  status smallint NOT NULL DEFAULT 1 CHECK (status BETWEEN 1 AND 5),
  invoice_id uuid,
  PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX charge_line_live ON charge_line (tenant_id, reservation_id) WHERE status IN (1, 2, 3);

CREATE INDEX charge_line_pending ON charge_line (tenant_id, household_key) WHERE status = 1;

CREATE INDEX charge_line_of_invoice ON charge_line (tenant_id, invoice_id) WHERE invoice_id IS NOT NULL;

CREATE TABLE counter (
  tenant_id integer NOT NULL,
  till_code text NOT NULL,
  series text NOT NULL,
  year integer NOT NULL,
  last_rank integer NOT NULL,
  PRIMARY KEY (tenant_id, till_code, series, year)
) WITH (fillfactor = 50);

-- What was printed. Never changes: what moves is in invoice_state.
CREATE TABLE document (
  tenant_id integer NOT NULL,
  key bigint NOT NULL,
  id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  number text NOT NULL,
  household_key integer NOT NULL,
  total_minor bigint NOT NULL,
  currency text NOT NULL DEFAULT 'EUR',
  issued_at timestamptz NOT NULL,
  payer_name text NOT NULL,
  payer_address text NOT NULL,
  issuer jsonb NOT NULL,
  line_count integer NOT NULL,
  corrects_id uuid,
  reason text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  UNIQUE (tenant_id, number)
);

CREATE INDEX document_of_household ON document (tenant_id, household_key, key DESC);

CREATE INDEX document_corrects ON document (tenant_id, corrects_id) WHERE corrects_id IS NOT NULL;

CREATE SEQUENCE document_key_seq;

CREATE TABLE document_line (
  tenant_id integer NOT NULL,
  document_key bigint NOT NULL,
  rank integer NOT NULL,
  charge_line_id bigint NOT NULL,
  reservation_id bigint NOT NULL,
  child_key integer NOT NULL,
  child_name text NOT NULL,
  activity_key integer NOT NULL,
  activity_name text NOT NULL,
  kind smallint NOT NULL,
  day date NOT NULL,
  price_minor integer NOT NULL,
  computation text NOT NULL,
  PRIMARY KEY (tenant_id, document_key, rank)
);

-- status: 1 issued, 2 paid, 3 cancelled. late_payment_id: money that came too late, while the agenda has not answered yet.
CREATE TABLE invoice_state (
  tenant_id integer NOT NULL,
  invoice_id uuid NOT NULL,
  household_key integer NOT NULL,
  status smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
  paid_at timestamptz,
  means text NOT NULL DEFAULT '',
  receipt_number text NOT NULL DEFAULT '',
  credit_note_id uuid,
  is_confirmed boolean NOT NULL DEFAULT false,
  payable_until timestamptz,
  last_attempt_id uuid,
  late_payment_id uuid,
  PRIMARY KEY (tenant_id, invoice_id)
) WITH (fillfactor = 80);

CREATE INDEX invoice_state_unpaid ON invoice_state (tenant_id, household_key) WHERE status = 1;

CREATE TABLE payment_attempt (
  tenant_id integer NOT NULL,
  request_id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  rank integer NOT NULL,
  status smallint NOT NULL CHECK (status BETWEEN 1 AND 4),
  attempt_id uuid,
  payment_url text NOT NULL DEFAULT '',
  expires_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, request_id),
  UNIQUE (tenant_id, invoice_id, rank)
);

CREATE INDEX payment_attempt_by_attempt ON payment_attempt (tenant_id, attempt_id) WHERE attempt_id IS NOT NULL;

-- Money that came in, from outside (attempt or counter) or from the family's own credit.
CREATE TABLE payment (
  tenant_id integer NOT NULL,
  id uuid NOT NULL,
  household_key integer NOT NULL,
  invoice_id uuid NOT NULL,
  attempt_id uuid,
  means text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  received_at timestamptz NOT NULL,
  provider_ref text NOT NULL DEFAULT '',
  actor text NOT NULL,
  receipt_number text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX payment_of_attempt ON payment (tenant_id, attempt_id) WHERE attempt_id IS NOT NULL;

CREATE UNIQUE INDEX payment_receipt ON payment (tenant_id, receipt_number) WHERE receipt_number <> '';

CREATE TABLE allocation (
  tenant_id integer NOT NULL,
  payment_id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  allocated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, payment_id, invoice_id)
);

CREATE TABLE alert (
  tenant_id integer NOT NULL,
  id uuid NOT NULL,
  reason text NOT NULL,
  household_key integer,
  invoice_id uuid,
  amount_minor bigint NOT NULL,
  raised_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE ledger_transaction (
  tenant_id integer NOT NULL,
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  document_id uuid,
  payment_id uuid,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE ledger_entry (
  tenant_id integer NOT NULL,
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  transaction_id bigint NOT NULL,
  account text NOT NULL,
  household_key integer,
  debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, transaction_id) REFERENCES ledger_transaction (tenant_id, id),
  CHECK ((debit_minor > 0) <> (credit_minor > 0))
);

CREATE INDEX ledger_entry_of_transaction ON ledger_entry (tenant_id, transaction_id);

CREATE INDEX ledger_entry_credit ON ledger_entry (tenant_id, household_key) WHERE account = 'family_credit';
