"""The row every town has here, and the number that tells that its rules have changed."""

from __future__ import annotations

from preau_chassis.database import UnitOfWork

_DEFAULT_ZONE = "Europe/Paris"
DEFAULT_HOLD_MINUTES = 60

# Staff may be quicker than identity's news; these set the zone and the hold right when they come.
_ENSURE = """
INSERT INTO town (tenant_id, slug, time_zone, hold_minutes) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id) DO UPDATE SET rules_version = town.rules_version + 1"""


async def change_rules(uow: UnitOfWork) -> None:
    """Make every process read the town's rules again. Also serialises what staff change at the same time."""
    ctx = uow.context
    await uow.execute(_ENSURE, ctx.tenant_id, ctx.tenant_slug, _DEFAULT_ZONE, DEFAULT_HOLD_MINUTES)
