"""Whether families of a town can pay online."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.context import Context

from payment_gateway_svc.application.ports import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class GetOnlinePaymentHandler:
    """No secret: every payer of the town may know."""

    uow_factory: UnitOfWorkFactory

    async def __call__(self, context: Context) -> bool:
        async with self.uow_factory(context) as uow:
            return await uow.settings.find_active() is not None
