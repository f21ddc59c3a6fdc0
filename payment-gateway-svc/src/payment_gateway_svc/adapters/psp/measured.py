"""A provider whose exchanges are timed, whichever it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from preau_kernel.errors import DomainError
from preau_kernel.money import Money

from payment_gateway_svc.adapters.measures import record_exchange
from payment_gateway_svc.application.ports import (
    Notification,
    NotifiedPayment,
    PaymentOrder,
    PaymentProvider,
    ProviderDescription,
    ProviderSettings,
)
from payment_gateway_svc.domain.attempt import LookUp, Redirection
from payment_gateway_svc.domain.errors import ProviderUnavailableError


class MeasuredProvider:
    """Satisfies ``PaymentProvider`` with the one it wraps."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def minimum(self) -> Money:
        return self._provider.minimum

    def check_settings(self, settings: ProviderSettings) -> None:
        self._provider.check_settings(settings)

    def is_test(self, settings: ProviderSettings) -> bool:
        return self._provider.is_test(settings)

    def check(self, order: PaymentOrder) -> None:
        self._provider.check(order)

    async def create(self, order: PaymentOrder, settings: ProviderSettings, now: datetime) -> Redirection:
        with self._timed("create"):
            return await self._provider.create(order, settings, now)

    def parse_notification(self, notification: Notification) -> NotifiedPayment | None:
        return self._provider.parse_notification(notification)

    async def fetch_status(self, provider_ref: str, settings: ProviderSettings) -> LookUp:
        with self._timed("look_up"):
            return await self._provider.fetch_status(provider_ref, settings)

    async def describe(self, settings: ProviderSettings) -> ProviderDescription:
        return await self._provider.describe(settings)

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        started = time.perf_counter()
        # Whoever ran out of patience found it unavailable: that is a cancellation here.
        outcome = "unavailable"
        try:
            yield
            outcome = "done"
        except ProviderUnavailableError:
            raise
        except DomainError:
            outcome = "refused"
            raise
        finally:
            record_exchange(self.name, operation, outcome, time.perf_counter() - started)
