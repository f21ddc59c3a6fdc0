"""Create a town or change its settings."""

from __future__ import annotations

from dataclasses import replace

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError

from identity_svc.application.access import require_operator
from identity_svc.application.ports import TenantDirectory, UnitOfWorkFactory
from identity_svc.domain.errors import HostTakenError
from identity_svc.domain.events import TenantChanged
from identity_svc.domain.tenants import Tenant, check_tenant


async def upsert_tenant(
    tenant: Tenant, context: Context, uow_factory: UnitOfWorkFactory, directory: TenantDirectory, clock: Clock
) -> Tenant:
    """Platform operators only. The same settings twice change nothing and tell nobody."""
    require_operator(context)
    wanted = check_tenant(tenant)
    known = await directory.by_slug(wanted.slug)
    number = known.number if known else await directory.next_number()
    town = Context(number, wanted.slug, context.actor, context.roles)
    async with uow_factory(town) as uow:
        await uow.tenants.lock_directory()
        current = await uow.tenants.by_slug(wanted.slug)
        if current is not None and current.number != number:
            raise ConflictError
        taken = await uow.tenants.taken_host(wanted.hosts)
        if taken is not None:
            raise HostTakenError(taken)
        version = current.version if current else 0
        if current == replace(wanted, number=number, version=version):
            return current
        saved = replace(wanted, number=number, version=version + 1)
        await uow.tenants.save(saved, clock.now())
        uow.publish(TenantChanged(saved))
        await uow.commit()
    return saved
