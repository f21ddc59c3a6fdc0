"""The caller's account."""

from __future__ import annotations

from preau_kernel.context import Context

from identity_svc.application.access import require_account
from identity_svc.application.ports import UnitOfWorkFactory
from identity_svc.domain.errors import AccountNotFoundError
from identity_svc.domain.people import Account


async def get_account(context: Context, uow_factory: UnitOfWorkFactory) -> Account:
    """Never somebody else's."""
    account_id = require_account(context)
    async with uow_factory(context) as uow:
        account = await uow.accounts.get(account_id)
    if account is None:
        raise AccountNotFoundError
    return account
