"""Close one of the caller's sessions."""

from __future__ import annotations

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_account
from identity_svc.application.ports import UnitOfWorkFactory
from identity_svc.domain.errors import SessionNotFoundError

LARGEST_ID = 2**63 - 1


async def close_session(session_id: str, context: Context, uow_factory: UnitOfWorkFactory, clock: Clock) -> None:
    """Somebody else's session is not found."""
    account_id = require_account(context)
    is_number = session_id.isascii() and session_id.isdigit()
    if not is_number or int(session_id) > LARGEST_ID:
        raise SessionNotFoundError
    async with uow_factory(context) as uow:
        if not await uow.sessions.close(account_id, int(session_id), clock.now()):
            raise SessionNotFoundError
        await uow.commit()
