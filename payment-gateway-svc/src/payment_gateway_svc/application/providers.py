"""Which adapter goes with which name."""

from __future__ import annotations

from collections.abc import Iterable

from payment_gateway_svc.application.ports import PaymentProvider, PaymentUnitOfWork, ProviderSettings
from payment_gateway_svc.domain.errors import ProviderNotConfiguredError, ProviderUnknownError


class Providers:
    """The adapters this service was built with."""

    def __init__(self, providers: Iterable[PaymentProvider]) -> None:
        self._providers = {provider.name: provider for provider in providers}

    def get(self, name: str) -> PaymentProvider:
        """``PROVIDER_UNKNOWN`` when there is none of that name."""
        if name not in self._providers:
            raise ProviderUnknownError
        return self._providers[name]


async def settings_of(uow: PaymentUnitOfWork, provider: str) -> ProviderSettings:
    """The town's account at ``provider``, or at the one set last when empty; ``PROVIDER_NOT_CONFIGURED`` without one."""
    found = await (uow.settings.find(provider) if provider else uow.settings.find_active())
    if found is None:
        raise ProviderNotConfiguredError
    return found
