"""List the caller's open sessions."""

from __future__ import annotations

from dataclasses import replace

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_account
from identity_svc.application.ports import UnitOfWorkFactory
from identity_svc.domain.sessions import OpenSession

# A program that signs in for each of its calls opens thousands.
MOST_LISTED = 100


async def list_sessions(
    context: Context, session_id: str, uow_factory: UnitOfWorkFactory, clock: Clock
) -> list[OpenSession]:
    """Latest first, the latest hundred; the session of the call itself is marked."""
    account_id = require_account(context)
    async with uow_factory(context) as uow:
        sessions = await uow.sessions.list_open(account_id, clock.now(), MOST_LISTED)
    return [replace(session, is_current=str(session.id) == session_id) for session in sessions]
