"""The whole first schema; the statements are in migrations/sql/0001, in order."""

from pathlib import Path

from alembic import op
from preau_chassis.schema import create_chassis_tables, run_sql, secure_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "0001"
TABLES = (
    "town",
    "household",
    "child",
    "activity",
    "till",
    "tariff",
    "charge_line",
    "counter",
    "document",
    "document_line",
    "invoice_state",
    "payment_attempt",
    "payment",
    "allocation",
    "alert",
    "ledger_transaction",
    "ledger_entry",
)


def upgrade() -> None:
    create_chassis_tables(op, "billing")
    for path in sorted(STATEMENTS.glob("*.sql")):
        run_sql(op, path.read_text(encoding="utf-8"))
    for table in TABLES:
        secure_table(op, table, "billing")
