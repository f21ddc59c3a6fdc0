"""End one session."""

from __future__ import annotations

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_gateway_or_account
from identity_svc.application.ports import SecretFactory, UnitOfWorkFactory


async def sign_out(
    session_token: str, context: Context, uow_factory: UnitOfWorkFactory, secrets: SecretFactory, clock: Clock
) -> None:
    """Idempotent: a session that is over, or never was, is over."""
    require_gateway_or_account(context)
    async with uow_factory(context) as uow:
        await uow.sessions.close_by_token(secrets.token_hash(session_token), clock.now())
        await uow.commit()
