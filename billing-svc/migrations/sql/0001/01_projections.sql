CREATE TABLE town (
  tenant_id integer PRIMARY KEY,
  slug text NOT NULL,
  name text NOT NULL,
  time_zone text NOT NULL,
  hold_minutes integer NOT NULL,
  is_production boolean NOT NULL,
  office_name text NOT NULL,
  office_address text NOT NULL,
  office_phone text NOT NULL,
  office_email text NOT NULL,
  version bigint NOT NULL
);

-- version 0: named by an event or a tariff before identity's own event was seen; nothing is priced with it.
CREATE TABLE household (
  tenant_id integer NOT NULL,
  key integer NOT NULL GENERATED ALWAYS AS IDENTITY,
  household_id uuid NOT NULL,
  is_resident boolean NOT NULL DEFAULT false,
  version bigint NOT NULL DEFAULT 0,
  revision bigint NOT NULL DEFAULT 0,
  hold_expires_at timestamptz,
  PRIMARY KEY (tenant_id, key),
  UNIQUE (tenant_id, household_id)
) WITH (fillfactor = 80);

CREATE TABLE child (
  tenant_id integer NOT NULL,
  key integer NOT NULL GENERATED ALWAYS AS IDENTITY,
  child_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, key),
  UNIQUE (tenant_id, child_id)
);

CREATE TABLE activity (
  tenant_id integer NOT NULL,
  key integer NOT NULL GENERATED ALWAYS AS IDENTITY,
  activity_id uuid NOT NULL,
  name text NOT NULL DEFAULT '',
  kind smallint NOT NULL DEFAULT 0,
  position integer NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, key),
  UNIQUE (tenant_id, activity_id)
);

CREATE TABLE till (
  tenant_id integer NOT NULL,
  id uuid NOT NULL,
  code text NOT NULL,
  name text NOT NULL,
  siret text NOT NULL,
  vat_mention text NOT NULL,
  is_default boolean NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);

CREATE UNIQUE INDEX till_default ON till (tenant_id) WHERE is_default;

-- Both ends included; ranges of one element stand for equality, so that no extension is needed.
CREATE TABLE tariff (
  tenant_id integer NOT NULL,
  key integer NOT NULL GENERATED ALWAYS AS IDENTITY,
  id uuid NOT NULL,
  activity_key integer NOT NULL,
  valid_from date NOT NULL,
  valid_to date,
  resident_minor integer NOT NULL CHECK (resident_minor >= 0),
  non_resident_minor integer NOT NULL CHECK (non_resident_minor >= 0),
  -- Whether a line was ever priced by it.
  is_used boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, key),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, activity_key) REFERENCES activity (tenant_id, key),
  CONSTRAINT tariff_no_overlap EXCLUDE USING gist (
    int4range(tenant_id, tenant_id, '[]') WITH &&,
    int4range(activity_key, activity_key, '[]') WITH &&,
    daterange(valid_from, valid_to, '[]') WITH &&
  ) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX tariff_by_activity ON tariff (tenant_id, activity_key, valid_from);
