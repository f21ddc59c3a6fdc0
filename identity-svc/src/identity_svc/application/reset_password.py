"""Set a new password with a link's token."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_gateway
from identity_svc.application.attempts import ADDRESS_IS_KNOWN_FOR, name_key
from identity_svc.application.ports import MailOrder, PasswordHasher, SecretFactory, UnitOfWorkFactory
from identity_svc.domain.errors import ResetLinkInvalidError
from identity_svc.domain.passwords import check_password, normalise_password
from identity_svc.domain.people import username_key


@dataclass(frozen=True, slots=True)
class ResetPassword:
    token: str
    new_password: str


async def reset_password(
    command: ResetPassword,
    context: Context,
    uow_factory: UnitOfWorkFactory,
    hasher: PasswordHasher,
    secrets: SecretFactory,
    clock: Clock,
) -> None:
    """A link serves once; a password refused as too weak does not spend it. Ends every session and every wait."""
    require_gateway(context)
    now = clock.now()
    token_hash = secrets.token_hash(command.token)
    async with uow_factory(context) as uow:
        account_id = await uow.resets.account_of(token_hash, now)
        account = await uow.accounts.get(account_id) if account_id else None
    if account is None:
        raise ResetLinkInvalidError
    check_password(command.new_password, account.username)
    password_hash = await hasher.hash(normalise_password(command.new_password))
    name = username_key(account.username)
    async with uow_factory(context) as uow:
        if not await uow.resets.use(token_hash, now):
            raise ResetLinkInvalidError
        await uow.resets.spend_all(account.id, now)
        await uow.accounts.set_password(account.id, password_hash, now)
        await uow.sessions.close_all(account.id, now)
        known = await uow.sessions.known_addresses(account.id, now - ADDRESS_IS_KNOWN_FOR)
        keys = [name_key(secrets, context.tenant_id, "sign-in", name, address) for address in (b"", *known)]
        await uow.throttle.forget(keys)
        await uow.mail.add(MailOrder("password_changed", account_id=account.id), now)
        await uow.commit()
