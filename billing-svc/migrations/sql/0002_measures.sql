-- Bookings that wait for a tariff: noted at each try, outside the transaction that fails, so that they can be counted.
-- What has been priced since has its row in inbox.
CREATE TABLE unpriced_booking (
  tenant_id integer NOT NULL,
  event_id uuid NOT NULL,
  -- The timed job acts for the town, and needs its short name for that.
  tenant_slug text NOT NULL,
  household_id uuid NOT NULL,
  noted_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);

-- The ledger check looks for the towns, and then reads each one's books under that town's own security.
CREATE POLICY work ON town FOR SELECT TO billing_work USING (true);
GRANT SELECT (tenant_id, slug) ON town TO billing_work;
