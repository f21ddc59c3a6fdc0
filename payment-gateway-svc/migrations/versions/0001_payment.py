"""Attempts, provider settings, notifications, towns."""

from __future__ import annotations

from alembic import op
from preau_chassis.schema import create_chassis_tables, run_sql, secure_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE payment_attempt (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    -- The poller acts for the town, and needs its short name for the subjects of what it publishes.
    tenant_slug text NOT NULL,
    invoice_id text NOT NULL,
    household_id text NOT NULL DEFAULT '',
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    debt_reference text NOT NULL,
    provider text NOT NULL,
    provider_ref text CHECK (provider_ref <> ''),
    payment_url text NOT NULL DEFAULT '',
    -- What the provider's look-up must say again, in its own words.
    facts jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN
        ('created', 'redirected', 'pending', 'paid', 'denied', 'cancelled', 'expired', 'reversed')),
    is_test boolean NOT NULL DEFAULT false,
    is_unreachable boolean NOT NULL DEFAULT false,
    is_forgotten boolean NOT NULL DEFAULT false,
    mismatched_fields text[] NOT NULL DEFAULT '{}',
    request_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    settled_at timestamptz,
    checked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, request_id),
    UNIQUE (tenant_id, provider, provider_ref),
    CHECK ((state = 'paid') <= (settled_at IS NOT NULL)),
    CHECK (state IN ('created', 'expired') OR provider_ref IS NOT NULL)
);
CREATE INDEX payment_attempt_open ON payment_attempt (checked_at NULLS FIRST, id)
    WHERE state IN ('created', 'redirected', 'pending', 'expired', 'cancelled') AND NOT is_forgotten;
CREATE INDEX payment_attempt_invoice ON payment_attempt (tenant_id, invoice_id);

CREATE TABLE provider_settings (
    tenant_id integer NOT NULL,
    provider text NOT NULL,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider)
);

CREATE TABLE notification (
    tenant_id integer NOT NULL,
    provider text NOT NULL,
    external_id text NOT NULL,
    attempt_id uuid NOT NULL,
    times integer NOT NULL DEFAULT 1,
    received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider, external_id),
    FOREIGN KEY (tenant_id, attempt_id) REFERENCES payment_attempt (tenant_id, id)
);

CREATE TABLE town (
    tenant_id integer NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    is_production boolean NOT NULL
);
"""


def upgrade() -> None:
    create_chassis_tables(op, "payment")
    run_sql(op, _TABLES)
    # The poller's role may see which attempts are due; it changes nothing and reads no settings.
    secure_table(op, "payment_attempt", "payment", work="select")
    secure_table(op, "provider_settings", "payment")
    secure_table(op, "notification", "payment")
    secure_table(op, "town", "payment")
