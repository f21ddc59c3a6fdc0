"""Sets a town's account at its provider. Test mode is allowed anywhere; what it pays settles no production town."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from payment_gateway_svc.application.access import require_operator
from payment_gateway_svc.application.ports import LookUpRecorder, ProviderSettings, UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers


@dataclass(frozen=True, slots=True)
class ConfigureProviderHandler:
    """The account set last is the one new payments go to; older attempts keep asking the provider they were made at."""

    uow_factory: UnitOfWorkFactory
    providers: Providers
    clock: Clock
    recorder: LookUpRecorder

    async def __call__(self, settings: ProviderSettings, context: Context) -> None:
        require_operator(context)
        provider = self.providers.get(settings.provider)
        provider.check_settings(settings)
        async with self.uow_factory(context) as uow:
            await uow.settings.save(settings, self.clock.now())
            is_production = await uow.towns.is_production()
            await uow.commit()
        if is_production and provider.is_test(settings):
            self.recorder.test_mode_in_production(settings.provider)
