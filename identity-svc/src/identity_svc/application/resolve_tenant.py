"""Find the town of a host name."""

from __future__ import annotations

from identity_svc.application.ports import TenantDirectory
from identity_svc.domain.errors import UnknownTownError
from identity_svc.domain.hosts import local_slug, normalise_host
from identity_svc.domain.tenants import Tenant


async def resolve_tenant(host: str, directory: TenantDirectory) -> Tenant:
    """A host name belongs to one town at most; ``<slug>.localhost`` always leads to the town of that slug."""
    name = normalise_host(host)
    tenant = await directory.by_host(name, local_slug(name)) if name.isprintable() and name else None
    if tenant is None:
        raise UnknownTownError
    return tenant
