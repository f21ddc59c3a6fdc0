"""Who may decide for a town."""

from __future__ import annotations

from preau_kernel.context import SERVICE_ROLE, SYSTEM_ROLE, Context

STAFF_ROLE = "staff"
OPERATOR_ROLE = "operator"


def require_staff(ctx: Context) -> None:
    """``FORBIDDEN`` for families."""
    ctx.require_role(STAFF_ROLE, OPERATOR_ROLE, SERVICE_ROLE, SYSTEM_ROLE)
