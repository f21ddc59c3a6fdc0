"""Towns, people, sessions, signing keys.

Exceptions to "a town sees only its own rows":

- ``tenant`` and ``tenant_host`` are a directory. A host name must lead to its town before any town is known, so
  every row may be read, by the app role alone. They hold no personal data. Writes still need the town's own unit of
  work, and unique keys on ``slug`` and ``host`` span towns on purpose: one name leads to one town.
- ``signing_key`` belongs to the platform, tenant 0: no town's unit of work can see it.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import op
from preau_chassis.schema import create_chassis_tables, run_sql, secure_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE SEQUENCE tenant_number AS integer;
CREATE TABLE tenant (
    tenant_id integer PRIMARY KEY CHECK (tenant_id > 0),
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    time_zone text NOT NULL,
    locale text NOT NULL,
    primary_colour text NOT NULL,
    accent_colour text NOT NULL,
    office_name text NOT NULL,
    office_phone text NOT NULL,
    office_email text NOT NULL,
    office_hours text NOT NULL,
    office_address text NOT NULL,
    news text NOT NULL,
    hold_minutes integer NOT NULL CHECK (hold_minutes > 0),
    is_production boolean NOT NULL,
    accessibility_state text NOT NULL CHECK (accessibility_state IN ('none', 'partial', 'total')),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TABLE tenant_host (
    tenant_id integer NOT NULL REFERENCES tenant,
    host text NOT NULL UNIQUE,
    position integer NOT NULL,
    PRIMARY KEY (tenant_id, host)
);
CREATE TABLE household (
    tenant_id integer NOT NULL REFERENCES tenant,
    id uuid NOT NULL,
    external_ref text NOT NULL,
    is_resident boolean NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    postal_code text NOT NULL,
    city text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_ref)
);
CREATE TABLE guardian (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    household_id uuid NOT NULL,
    position integer NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    is_payer boolean NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, household_id, position),
    FOREIGN KEY (tenant_id, household_id) REFERENCES household
);
CREATE TABLE child (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    household_id uuid NOT NULL,
    position integer NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    born_on date,
    school text NOT NULL,
    school_class text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, household_id, position),
    FOREIGN KEY (tenant_id, household_id) REFERENCES household
);
CREATE TABLE account (
    tenant_id integer NOT NULL REFERENCES tenant,
    id uuid NOT NULL,
    username text NOT NULL,
    username_key text NOT NULL,
    password_hash text NOT NULL,
    password_changed_at timestamptz NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    household_id uuid,
    roles text[] NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username_key),
    FOREIGN KEY (tenant_id, household_id) REFERENCES household
);
CREATE TABLE session (
    tenant_id integer NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    address_hash bytea NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    idle_ends_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
CREATE INDEX session_of_account ON session (tenant_id, account_id, created_at);
CREATE TABLE attempt_counter (
    tenant_id integer NOT NULL,
    key bytea NOT NULL,
    attempts integer NOT NULL,
    window_started_at timestamptz NOT NULL,
    blocked_until timestamptz,
    PRIMARY KEY (tenant_id, key)
);
CREATE TABLE password_reset (
    tenant_id integer NOT NULL,
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account
);
CREATE TABLE mail (
    tenant_id integer NOT NULL REFERENCES tenant,
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('password_reset', 'password_changed')),
    username_key text NOT NULL,
    account_id uuid,
    reset_url text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    finished_at timestamptz,
    outcome text CHECK (outcome IN ('sent', 'dropped', 'failed')),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX mail_due ON mail (due_at) WHERE finished_at IS NULL;
CREATE TABLE signing_key (
    tenant_id integer NOT NULL CHECK (tenant_id = 0),
    kid text NOT NULL,
    signs_from timestamptz NOT NULL,
    public_jwk text NOT NULL,
    sealed_private_jwk bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kid)
);
"""

_DIRECTORY = """
GRANT USAGE ON SEQUENCE tenant_number TO identity_app;
CREATE POLICY directory ON tenant FOR SELECT TO identity_app USING (true);
CREATE POLICY directory ON tenant_host FOR SELECT TO identity_app USING (true);
"""

# On the path of every page: one round trip that sets the town, checks, slides at most once a minute, and reads.
_EXCHANGE = """
CREATE FUNCTION identity_exchange_session(town integer, token bytea, instant timestamptz, idle interval)
RETURNS TABLE (session_id bigint, expires_at timestamptz, id uuid, username text, first_name text, last_name text,
               email text, language text, household_id uuid, roles text[])
LANGUAGE plpgsql SET search_path = public AS $function$
BEGIN
    PERFORM set_config('app.tenant_id', town::text, true);
    RETURN QUERY
    WITH live AS (
        SELECT s.id, s.account_id, s.idle_ends_at, least(instant + idle, s.ends_at) AS slid_to
          FROM session s
         WHERE s.tenant_id = town AND s.token_hash = token AND s.closed_at IS NULL
           AND s.idle_ends_at > instant AND s.ends_at > instant
    ), slid AS (
        UPDATE session s SET last_seen_at = instant, idle_ends_at = live.slid_to
          FROM live
         WHERE s.tenant_id = town AND s.id = live.id AND s.closed_at IS NULL AND s.last_seen_at < instant - interval '1 minute'
        RETURNING s.idle_ends_at
    )
    SELECT live.id, coalesce((SELECT slid.idle_ends_at FROM slid), live.idle_ends_at), a.id, a.username, a.first_name,
           a.last_name, a.email, a.language, a.household_id, a.roles
      FROM live JOIN account a ON a.tenant_id = town AND a.id = live.account_id;
END $function$;
REVOKE ALL ON FUNCTION identity_exchange_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity_exchange_session TO identity_app;
"""


def upgrade() -> None:
    create_chassis_tables(op, "identity")
    run_sql(op, _TABLES)
    for table in (
        "tenant",
        "tenant_host",
        "household",
        "guardian",
        "child",
        "account",
        "session",
        "attempt_counter",
        "password_reset",
        "signing_key",
    ):
        secure_table(op, table, "identity")
    secure_table(op, "mail", "identity", work="select")
    run_sql(op, _DIRECTORY)
    run_sql(op, _EXCHANGE)
