"""What happened. Ids and settings only: never a person's name, address or password."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from identity_svc.domain.tenants import Tenant


@dataclass(frozen=True, slots=True)
class TenantChanged:
    """A town was created or its settings changed."""

    tenant: Tenant


@dataclass(frozen=True, slots=True)
class HouseholdChanged:
    """A household's composition changed."""

    household_id: UUID
    child_ids: tuple[UUID, ...]
    is_resident: bool
    version: int


DomainEvent = TenantChanged | HouseholdChanged
