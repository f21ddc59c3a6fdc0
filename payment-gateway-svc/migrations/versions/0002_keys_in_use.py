"""The worker may see under which key a town's settings are sealed, so that it can have them sealed again."""

from __future__ import annotations

from alembic import op
from preau_chassis.schema import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_GRANTS = """
CREATE POLICY work ON provider_settings FOR SELECT TO payment_work USING (true);
-- Not what is sealed: that is opened by the town's own role alone.
GRANT SELECT (tenant_id, key_id) ON provider_settings TO payment_work;
"""


def upgrade() -> None:
    run_sql(op, _GRANTS)
