"""Holds that have ended free their places: every few seconds, town by town, many households at a time."""

from __future__ import annotations

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from agenda_svc.application.ports import ExpiryStore

_TOWNS = 500
_HOUSEHOLDS = 200
_ROUNDS = 50


async def expire_holds(store: ExpiryStore, clock: Clock) -> int:
    """How many reservations were released. A round is bounded; what is left waits for the next.

    A town that fails is passed over; its error is raised once the others have had their turn.
    """
    released = 0
    failures: list[Exception] = []
    for tenant_id, slug in await store.due_towns(clock.now(), _TOWNS):
        ctx = Context.system(TenantId(tenant_id), TenantSlug(slug))
        try:
            released += await _expire_of_town(ctx, store, clock)
        except Exception as failure:  # noqa: BLE001 - a town that fails must not keep the others' places
            failures.append(failure)
    if failures:
        raise failures[0]
    return released


async def _expire_of_town(ctx: Context, store: ExpiryStore, clock: Clock) -> int:
    released = 0
    for _ in range(_ROUNDS):
        households, rows = await store.expire(ctx, clock.now(), _HOUSEHOLDS)
        released += rows
        if households < _HOUSEHOLDS:
            break
    return released
