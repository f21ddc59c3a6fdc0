"""What the timed counts need: the bookings that wait for a tariff, and the list of towns."""

from pathlib import Path

from alembic import op
from preau_chassis.schema import run_sql, secure_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "0002_measures.sql"


def upgrade() -> None:
    run_sql(op, STATEMENTS.read_text(encoding="utf-8"))
    secure_table(op, "unpriced_booking", "billing", work="select")
