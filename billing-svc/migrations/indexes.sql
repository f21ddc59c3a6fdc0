-- Built beside those who write, after the migrations' transaction, where they are missing (preau_chassis.migrations).
-- Late money asks what became of its reservations: without this, by reading every line the town ever had.
CREATE INDEX CONCURRENTLY IF NOT EXISTS charge_line_ended ON charge_line (tenant_id, reservation_id) WHERE status IN (4, 5);
