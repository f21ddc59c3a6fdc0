"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from preau_kernel.context import Context
from preau_kernel.money import Money

from payment_gateway_svc.domain.attempt import Applied, LookUp, PaymentAttempt, Redirection
from payment_gateway_svc.domain.events import PaymentEvent


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A town's account at a provider; ``values`` are the provider's own words, encrypted at rest."""

    provider: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What a provider is asked to collect. The payer's address is passed on and kept nowhere."""

    amount: Money
    debt_reference: str
    description: str
    payer_email: str
    fiscal_year: int
    return_url: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A provider's notification as it came."""

    query: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class NotifiedPayment:
    """What a notification claims. ``external_id`` tells two notifications apart where the provider numbers them."""

    provider_ref: str
    external_id: str


@dataclass(frozen=True, slots=True)
class ProviderDescription:
    """Who the provider thinks the town is."""

    is_ok: bool
    labels: tuple[str, ...] = ()
    code: str = ""


class PaymentProvider(Protocol):
    """One way of asking for money. Unreachable or unreadable: ``ProviderUnavailableError``."""

    @property
    def name(self) -> str: ...

    @property
    def minimum(self) -> Money:
        """The least it takes at once."""
        ...

    def check_settings(self, settings: ProviderSettings) -> None:
        """``InvalidError`` when the settings cannot be right."""
        ...

    def is_test(self, settings: ProviderSettings) -> bool:
        """Whether no real money moves with these settings."""
        ...

    def check(self, order: PaymentOrder) -> None:
        """``InvalidError`` when the provider would refuse the order whatever its state."""
        ...

    async def create(self, order: PaymentOrder, settings: ProviderSettings, now: datetime) -> Redirection:
        """Opens an operation; the payer has not been asked for anything until the browser is sent there."""
        ...

    def parse_notification(self, notification: Notification) -> NotifiedPayment | None:
        """What it claims to be about, or nothing when it cannot be read."""
        ...

    async def fetch_status(self, provider_ref: str, settings: ProviderSettings) -> LookUp:
        """The only truth about an operation."""
        ...

    async def describe(self, settings: ProviderSettings) -> ProviderDescription:
        """A call that changes nothing, to try the settings."""
        ...


class AttemptRepository(Protocol):
    """The attempts of one town, inside a transaction."""

    async def add(self, attempt: PaymentAttempt, request_id: UUID, request_hash: bytes) -> bool:
        """False when the request is already recorded."""
        ...

    async def find(self, attempt_id: UUID) -> PaymentAttempt | None: ...

    async def find_by_request(self, request_id: UUID) -> tuple[PaymentAttempt, bytes] | None:
        """The attempt of a request, with the hash of its words."""
        ...

    async def find_by_provider_ref(self, provider: str, provider_ref: str) -> PaymentAttempt | None: ...

    async def lock(self, attempt_id: UUID) -> PaymentAttempt:
        """The attempt, held until the transaction ends."""
        ...

    async def save(self, attempt: PaymentAttempt) -> None: ...

    async def open_ids(self, now: datetime) -> Sequence[UUID]:
        """What the poller should look up, oldest check first."""
        ...


class SettingsRepository(Protocol):
    """A town's accounts at providers."""

    async def find(self, provider: str) -> ProviderSettings | None: ...

    async def find_active(self) -> ProviderSettings | None:
        """The account new payments go to: the one set last."""
        ...

    async def save(self, settings: ProviderSettings, now: datetime) -> None: ...


class NotificationRepository(Protocol):
    """Notifications that named an attempt of the town, each once."""

    async def add(self, provider: str, external_id: str, attempt_id: UUID, now: datetime) -> bool:
        """False when it had come before."""
        ...


class TownRepository(Protocol):
    """What identity says of the town."""

    async def is_production(self) -> bool:
        """False too for a town identity has not told us of yet."""
        ...

    async def save(self, version: int, *, is_production: bool) -> None:
        """Ignored when an event of a later version came first."""
        ...


class PaymentUnitOfWork(Protocol):
    """One transaction for one town; leaving without ``commit`` undoes it."""

    @property
    def attempts(self) -> AttemptRepository: ...
    @property
    def settings(self) -> SettingsRepository: ...
    @property
    def notifications(self) -> NotificationRepository: ...
    @property
    def towns(self) -> TownRepository: ...

    def publish(self, event: PaymentEvent) -> None:
        """Told to the other services if and when the transaction commits."""
        ...

    async def commit(self) -> None: ...


UnitOfWorkFactory = Callable[[Context], AbstractAsyncContextManager[PaymentUnitOfWork]]


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt to look up, and whose it is."""

    context: Context
    attempt_id: UUID


class OpenAttempts(Protocol):
    """Attempts to look up, across towns."""

    async def due(self, now: datetime, limit: int) -> Sequence[OpenAttempt]:
        """Those not asked about in the last five minutes, oldest check first."""
        ...


class LookUpRecorder(Protocol):
    """Tells operators what a look-up changed."""

    def recorded(self, context: Context, applied: Applied) -> None:
        """Called once it is committed."""
        ...

    def failed(self, attempt_id: UUID, reason: str) -> None: ...

    def test_mode_in_production(self, provider: str) -> None: ...
