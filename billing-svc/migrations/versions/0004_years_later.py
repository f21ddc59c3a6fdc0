"""A series beyond its millionth number, late money among years of lines, a price that is changed while it is used."""

from pathlib import Path

from alembic import op
from preau_chassis.schema import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).parents[1] / "sql" / "0004_years_later.sql"


def upgrade() -> None:
    run_sql(op, STATEMENTS.read_text(encoding="utf-8"))
