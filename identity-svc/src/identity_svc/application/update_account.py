"""Change the caller's e-mail address or language."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_account
from identity_svc.application.ports import UnitOfWorkFactory
from identity_svc.domain.errors import AccountNotFoundError
from identity_svc.domain.people import Account, check_email, check_language


@dataclass(frozen=True, slots=True)
class UpdateAccount:
    """``None`` leaves a field as it is."""

    email: str | None = None
    language: str | None = None


async def update_account(
    command: UpdateAccount, context: Context, uow_factory: UnitOfWorkFactory, clock: Clock
) -> Account:
    """An empty address means no letters, an empty language means the browser's.

    A new address makes links worthless that were sent to the old one.
    """
    account_id = require_account(context)
    email = None if command.email is None else check_email(command.email)
    language = None if command.language is None else check_language(command.language)
    async with uow_factory(context) as uow:
        account = await uow.accounts.set_profile(account_id, email, language)
        if account is None:
            raise AccountNotFoundError
        if email is not None:
            await uow.resets.spend_all(account_id, clock.now())
        await uow.commit()
    return account
