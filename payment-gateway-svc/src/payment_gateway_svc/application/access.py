"""Who may touch a town's provider."""

from __future__ import annotations

from preau_kernel.context import Context
from preau_kernel.errors import ForbiddenError

OPERATOR_ROLES = frozenset({"operator", "staff"})
OPERATOR_ACTOR = "service:operator"


def require_operator(context: Context) -> None:
    """``FORBIDDEN`` unless the caller is a platform operator acting for a town, or staff of the town."""
    if not context.tenant_slug:
        raise ForbiddenError
    if context.actor != OPERATOR_ACTOR and context.roles.isdisjoint(OPERATOR_ROLES):
        raise ForbiddenError
