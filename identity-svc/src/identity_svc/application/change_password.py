"""Change the caller's password."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError

from identity_svc.application.access import require_account
from identity_svc.application.attempts import Limit, register
from identity_svc.application.ports import MailOrder, PasswordHasher, SecretFactory, UnitOfWorkFactory
from identity_svc.domain.errors import AccountNotFoundError, SignInFailedError
from identity_svc.domain.passwords import MAXIMUM_LENGTH, check_password, normalise_password
from identity_svc.domain.throttle import SIGN_IN_BY_ACCOUNT


@dataclass(frozen=True, slots=True)
class ChangePassword:
    current_password: str
    new_password: str
    session_id: str


async def change_password(
    command: ChangePassword,
    context: Context,
    uow_factory: UnitOfWorkFactory,
    hasher: PasswordHasher,
    secrets: SecretFactory,
    clock: Clock,
) -> None:
    """Needs the current one, closes the caller's other sessions, ends reset links, and tells the owner by e-mail."""
    account_id = require_account(context)
    now = clock.now()
    limit = Limit(secrets.fingerprint(context.tenant_id, "change-password", str(account_id)), SIGN_IN_BY_ACCOUNT)
    async with uow_factory(context) as uow:
        credentials = await uow.accounts.credentials(account_id)
        if credentials is None:
            raise AccountNotFoundError
        check_password(command.new_password, credentials.account.username)
        await register(uow.throttle, [limit], now)
        await uow.commit()
    current = normalise_password(command.current_password[: MAXIMUM_LENGTH + 1])
    if not await hasher.verify(credentials.password_hash, current):
        raise SignInFailedError
    password_hash = await hasher.hash(normalise_password(command.new_password))
    async with uow_factory(context) as uow:
        if await uow.accounts.hold_password(account_id) != credentials.password_hash:
            # Reset or changed while this one was being looked at: what was shown may be worth nothing any more.
            raise ConflictError
        await uow.throttle.forget([limit.key])
        await uow.accounts.set_password(account_id, password_hash, now)
        await uow.resets.spend_all(account_id, now)
        keep = int(command.session_id) if command.session_id.isdigit() else None
        await uow.sessions.close_all(account_id, now, except_id=keep)
        await uow.mail.add(MailOrder("password_changed", account_id=account_id), now)
        await uow.commit()
