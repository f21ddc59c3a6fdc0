-- Hot tables have int and bigint keys; what crosses services is mapped to them once. A session's key packs its day and
-- its activity (days since 1970-01-01 << 16 | activity key), so that a range of keys is a range of days.
-- The hot tables have no foreign keys: the write function proves that sessions exist by counting the rows it updates.

CREATE TABLE town (
    tenant_id integer PRIMARY KEY,
    slug text NOT NULL,
    time_zone text NOT NULL,
    hold_minutes integer NOT NULL CHECK (hold_minutes BETWEEN 1 AND 10080),
    -- Of identity's projection; 0 until its first event has come.
    version bigint NOT NULL DEFAULT 0,
    -- Grows with every change of anything a booking decision depends on except places and rights.
    rules_version bigint NOT NULL DEFAULT 1,
    school_zone text NOT NULL DEFAULT '',
    school_weekdays smallint[] NOT NULL DEFAULT '{1,2,4,5}'
);

CREATE TABLE site (
    tenant_id integer NOT NULL,
    site_key integer NOT NULL CHECK (site_key > 0),
    site_id uuid NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, site_key),
    UNIQUE (tenant_id, site_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE activity (
    tenant_id integer NOT NULL,
    activity_key integer NOT NULL CHECK (activity_key BETWEEN 1 AND 65535),
    activity_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    weekdays smallint[] NOT NULL,
    position integer NOT NULL,
    site_key integer,
    -- Codes: a town's file of activities may name one before it exists.
    requires text[] NOT NULL DEFAULT '{}',
    brings text[] NOT NULL DEFAULT '{}',
    excludes text[] NOT NULL DEFAULT '{}',
    -- Days before, hour, minute, counting.
    booking_cutoff smallint[] CHECK (cardinality(booking_cutoff) = 4),
    cancellation_cutoff smallint[] CHECK (cardinality(cancellation_cutoff) = 4),
    is_open_in_holidays boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, activity_key),
    UNIQUE (tenant_id, activity_id),
    UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, site_key) REFERENCES site (tenant_id, site_key)
);

-- School holidays and public holidays; last_day is the last one without class.
CREATE TABLE calendar_period (
    tenant_id integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('holiday', 'public_holiday')),
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    label text NOT NULL,
    -- 'demo' rows are invented and must never be shown as official.
    source_status text NOT NULL CHECK (source_status IN ('published', 'demo', 'computed')),
    PRIMARY KEY (tenant_id, kind, first_day, label)
);

CREATE TABLE closure (
    tenant_id integer NOT NULL,
    closure_id uuid NOT NULL,
    site_key integer,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    label text NOT NULL,
    PRIMARY KEY (tenant_id, closure_id),
    FOREIGN KEY (tenant_id, site_key) REFERENCES site (tenant_id, site_key)
);

CREATE TABLE household (
    tenant_id integer NOT NULL,
    household_key integer GENERATED ALWAYS AS IDENTITY,
    household_id uuid NOT NULL,
    -- Grows by one with every event about the household's reservations.
    revision bigint NOT NULL DEFAULT 0,
    -- No held reservation of the household ends before; null when none is held.
    next_expiry_at timestamptz,
    -- Of identity's projection; 0 until its first event has come.
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, household_key),
    UNIQUE (tenant_id, household_id)
) WITH (fillfactor = 70);
CREATE INDEX household_due ON household (next_expiry_at) WHERE next_expiry_at IS NOT NULL;

CREATE TABLE child (
    tenant_id integer NOT NULL,
    child_key integer GENERATED ALWAYS AS IDENTITY,
    child_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, child_key),
    UNIQUE (tenant_id, child_id)
);

-- A child may belong to several households; who has left keeps its row, for the reservations that stay.
CREATE TABLE household_child (
    tenant_id integer NOT NULL,
    household_key integer NOT NULL,
    child_key integer NOT NULL,
    is_member boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, household_key, child_key),
    FOREIGN KEY (tenant_id, household_key) REFERENCES household (tenant_id, household_key),
    FOREIGN KEY (tenant_id, child_key) REFERENCES child (tenant_id, child_key)
);

CREATE TABLE enrolment (
    tenant_id integer NOT NULL,
    child_key integer NOT NULL,
    activity_key integer NOT NULL,
    first_day integer NOT NULL,
    last_day integer NOT NULL CHECK (last_day >= first_day),
    PRIMARY KEY (tenant_id, child_key, activity_key, first_day),
    FOREIGN KEY (tenant_id, child_key) REFERENCES child (tenant_id, child_key),
    FOREIGN KEY (tenant_id, activity_key) REFERENCES activity (tenant_id, activity_key)
);

CREATE TABLE session (
    tenant_id integer NOT NULL,
    session_key bigint NOT NULL,
    -- Null: no limit. May be lowered below what is booked; then nothing more is booked.
    capacity integer CHECK (capacity >= 0),
    booked integer NOT NULL DEFAULT 0 CHECK (booked >= 0),
    PRIMARY KEY (tenant_id, session_key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE reservation (
    reservation_id bigint NOT NULL,
    session_key bigint NOT NULL,
    entry_id bigint NOT NULL,
    hold_expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    tenant_id integer NOT NULL,
    household_key integer NOT NULL,
    child_key integer NOT NULL,
    -- 1 held, 2 confirmed, 3 cancelled, 4 expired.
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 4),
    -- Of an expired one: 0 new, 1 told to the household, 2 settled.
    lapse smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, reservation_id)
);
CREATE UNIQUE INDEX reservation_live ON reservation (tenant_id, child_key, session_key) WHERE status IN (1, 2);
CREATE INDEX reservation_closed ON reservation (tenant_id, household_key, closed_at) WHERE status IN (3, 4);

-- Blocks of 1,024 reservation ids; a process takes one and numbers from it without asking again.
CREATE SEQUENCE reservation_block;
