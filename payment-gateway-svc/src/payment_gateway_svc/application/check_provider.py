"""« Tester mes réglages »: asks the provider who it thinks the town is."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.context import Context

from payment_gateway_svc.application.access import require_operator
from payment_gateway_svc.application.ports import ProviderDescription, UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers, settings_of


@dataclass(frozen=True, slots=True)
class CheckProviderHandler:
    """Changes nothing on either side."""

    uow_factory: UnitOfWorkFactory
    providers: Providers

    async def __call__(self, context: Context) -> ProviderDescription:
        require_operator(context)
        async with self.uow_factory(context) as uow:
            settings = await settings_of(uow, "")
        return await self.providers.get(settings.provider).describe(settings)
