"""What a household holds is counted without reading its rows; the readings of pages are planned once, by index."""

from pathlib import Path

from alembic import op
from preau_chassis.schema import run_sql

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parents[1] / "sql"
_PLANNED_ONCE = (
    "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_material = off "
    "SET enable_hashjoin = off SET enable_mergejoin = off"
)


def upgrade() -> None:
    run_sql(op, (SQL / "0002_count_holds.sql").read_text())
    for function in ("agenda_read_offer", "agenda_read_reservations"):
        run_sql(op, f"ALTER FUNCTION {function} {_PLANNED_ONCE};")
