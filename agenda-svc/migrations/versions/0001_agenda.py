"""The agenda's tables, their row security and the functions of the hot calls."""

from pathlib import Path

from alembic import op
from preau_chassis.schema import create_chassis_tables, run_sql, secure_table

revision = "0001"
down_revision = None

SQL = Path(__file__).parents[1] / "sql"
TABLES = (
    "site",
    "activity",
    "calendar_period",
    "closure",
    "child",
    "household_child",
    "enrolment",
    "session",
    "reservation",
)
FUNCTIONS = ("read_offer", "read_offers", "read_reservations", "apply_change", "apply_entries")


def upgrade() -> None:
    create_chassis_tables(op, "agenda")
    run_sql(op, (SQL / "schema.sql").read_text())
    for table in TABLES:
        secure_table(op, table, "agenda")
    # The expiry job finds due households across towns; the work itself is done town by town.
    for table in ("town", "household"):
        secure_table(op, table, "agenda", work="select")
    run_sql(op, "GRANT USAGE ON SEQUENCE reservation_block TO agenda_app;")
    for name in FUNCTIONS:
        run_sql(op, (SQL / f"{name}.sql").read_text())
