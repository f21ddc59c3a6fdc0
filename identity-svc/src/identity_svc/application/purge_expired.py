"""Forget what has served: old sessions, spent links, sent letters, quiet counters."""

from __future__ import annotations

from datetime import timedelta

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.attempts import ADDRESS_IS_KNOWN_FOR
from identity_svc.application.ports import TenantDirectory, UnitOfWorkFactory

KEEP_OTHERS = timedelta(days=2)


async def purge_expired(uow_factory: UnitOfWorkFactory, directory: TenantDirectory, clock: Clock) -> None:
    """Personal data is kept no longer than it serves (RGPD, art. 5-1 e).

    A town that fails is passed over; its error is raised once the others have had their turn.
    """
    problems: list[Exception] = []
    for tenant in await directory.all():
        try:
            async with uow_factory(Context.system(tenant.number, tenant.slug)) as uow:
                await uow.housekeeping.purge(clock.now(), ADDRESS_IS_KNOWN_FOR, KEEP_OTHERS)
                await uow.commit()
        except Exception as problem:  # noqa: BLE001 - a town that fails must not keep the others' data
            problems.append(problem)
    if problems:
        raise problems[0]
