"""Create or change an activity, found by its code."""

from __future__ import annotations

from preau_kernel.context import Context

from agenda_svc.application.ports import TownStore
from agenda_svc.application.staff import require_staff
from agenda_svc.domain.activity import Activity, ActivityDraft


async def upsert_activity(ctx: Context, store: TownStore, draft: ActivityDraft) -> Activity:
    """A relation may name an activity that comes later in the file; sessions open once all of them exist."""
    require_staff(ctx)
    return await store.upsert_activity(ctx, draft)
