"""The chassis' tables and one of the test's own."""

from alembic import op
from preau_chassis.schema import create_chassis_tables, run_sql, secure_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables(op, "billing")
    run_sql(
        op, "CREATE TABLE effect (tenant_id integer, id bigserial, note text NOT NULL, PRIMARY KEY (tenant_id, id));"
    )
    secure_table(op, "effect", "billing", work="all")
