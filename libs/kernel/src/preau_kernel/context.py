"""Who is calling, from which town: read from the verified internal token, never from a message."""

from __future__ import annotations

from dataclasses import dataclass, field

from preau_kernel.errors import ForbiddenError
from preau_kernel.ids import TenantId, TenantSlug

SYSTEM_ROLE = "system"
GUARDIAN_ROLE = "guardian"
SERVICE_ROLE = "service"


@dataclass(frozen=True, slots=True)
class Context:
    """The caller of a use case.

    ``actor`` is an account id, ``service:<name>`` for a service, or ``system`` for a worker that handles an event.
    ``household_id`` is empty when the caller has none.
    """

    tenant_id: TenantId
    tenant_slug: TenantSlug
    actor: str
    roles: frozenset[str] = field(default_factory=frozenset)
    household_id: str = ""

    @classmethod
    def system(cls, tenant_id: TenantId, tenant_slug: TenantSlug) -> Context:
        """The actor of workers: it acts for the town itself."""
        return cls(tenant_id, tenant_slug, "system", frozenset({SYSTEM_ROLE}))

    def require_role(self, *roles: str) -> None:
        """``FORBIDDEN`` unless the caller has one of ``roles``."""
        if self.roles.isdisjoint(roles):
            raise ForbiddenError

    def require_household(self) -> str:
        """The caller's household, or ``FORBIDDEN`` when there is none."""
        if not self.household_id:
            raise ForbiddenError
        return self.household_id
