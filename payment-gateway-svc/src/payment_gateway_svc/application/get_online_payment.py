"""Whether families of a town can pay online, and from what amount on."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.context import Context
from preau_kernel.money import Money

from payment_gateway_svc.application.ports import UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers


@dataclass(frozen=True, slots=True)
class GetOnlinePaymentHandler:
    """No secret: every payer of the town may know."""

    uow_factory: UnitOfWorkFactory
    providers: Providers

    async def __call__(self, context: Context) -> Money | None:
        """The least that can be paid at once; nothing where no payment is open."""
        async with self.uow_factory(context) as uow:
            account = await uow.settings.find_active()
        return None if account is None else self.providers.get(account.provider).minimum
