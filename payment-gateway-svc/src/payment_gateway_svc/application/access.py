"""Who may touch a town's provider."""

from __future__ import annotations

from preau_kernel.context import SERVICE_ROLE, SYSTEM_ROLE, Context
from preau_kernel.errors import ForbiddenError

from payment_gateway_svc.domain.attempt import PaymentAttempt
from payment_gateway_svc.domain.errors import PaymentNotFoundError

OPERATOR_ROLES = frozenset({"operator", "staff"})
_TOWN_ROLES = OPERATOR_ROLES | {SERVICE_ROLE, SYSTEM_ROLE, "till"}
OPERATOR_ACTOR = "service:operator"


def require_operator(context: Context) -> None:
    """``FORBIDDEN`` unless the caller is a platform operator acting for a town, or staff of the town."""
    if not context.tenant_slug:
        raise ForbiddenError
    if context.actor != OPERATOR_ACTOR and context.roles.isdisjoint(OPERATOR_ROLES):
        raise ForbiddenError


def visible_attempt(attempt: PaymentAttempt | None, context: Context) -> PaymentAttempt:
    """The attempt, or ``PAYMENT_NOT_FOUND``: a family sees its own; services and the town's people see the town's."""
    if attempt is None or not attempt.belongs_to(context.household_id):
        raise PaymentNotFoundError
    if not context.household_id and context.roles.isdisjoint(_TOWN_ROLES):
        raise PaymentNotFoundError
    return attempt
