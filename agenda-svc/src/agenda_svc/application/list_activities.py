"""The town's activities in the order pages show them."""

from __future__ import annotations

from preau_kernel.context import Context

from agenda_svc.application.desk import Desk
from agenda_svc.domain.rules import TownRules


async def list_activities(ctx: Context, desk: Desk) -> TownRules:
    """Read anew: whoever just changed one sees it."""
    return await desk.rules.reload(ctx)
