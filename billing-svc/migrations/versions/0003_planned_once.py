"""Issuing and the basket are planned once a connection: they were planned anew for each of its first five calls."""

from alembic import op
from preau_chassis.schema import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Not billing_documents: without its arguments at hand it would read a town's whole books to find one document.
FUNCTIONS = ("billing_issue_invoice", "billing_next_number", "billing_basket")


def upgrade() -> None:
    for function in FUNCTIONS:
        run_sql(op, f"ALTER FUNCTION {function} SET plan_cache_mode = force_generic_plan SET enable_seqscan = off;")
