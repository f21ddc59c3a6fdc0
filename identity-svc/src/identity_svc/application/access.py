"""Who may call: the first line of each use case."""

from __future__ import annotations

from uuid import UUID

from preau_kernel.context import GUARDIAN_ROLE, SERVICE_ROLE, Context
from preau_kernel.errors import ForbiddenError

from identity_svc.domain.tenants import PLATFORM_TENANT

GATEWAY = "service:gateway"
OPERATOR_ROLE = "operator"
STAFF_ROLE = "staff"


def require_gateway(context: Context) -> None:
    """Sessions are opened and traded by the gateway, for one town."""
    if context.actor != GATEWAY or SERVICE_ROLE not in context.roles or context.tenant_id == PLATFORM_TENANT:
        raise ForbiddenError


def require_gateway_or_account(context: Context) -> None:
    """Ending a session needs its token anyway; who holds it may be the gateway or the person."""
    if context.roles.isdisjoint({GUARDIAN_ROLE, STAFF_ROLE}):
        require_gateway(context)


def require_account(context: Context) -> UUID:
    """The caller's account: someone who signed in, not a service."""
    context.require_role(GUARDIAN_ROLE, STAFF_ROLE)
    try:
        return UUID(context.actor)
    except ValueError as error:
        raise ForbiddenError from error


def require_operator(context: Context) -> None:
    context.require_role(OPERATOR_ROLE)


def require_import(context: Context) -> None:
    """Files are imported by operators and staff, into the town of their token."""
    context.require_role(OPERATOR_ROLE, STAFF_ROLE)
    if context.tenant_id == PLATFORM_TENANT:
        raise ForbiddenError


def is_wider_than_household(context: Context) -> bool:
    """Whether the caller may read any household of its town."""
    return not context.roles.isdisjoint({OPERATOR_ROLE, STAFF_ROLE, SERVICE_ROLE})
