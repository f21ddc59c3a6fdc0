"""The payment gateway's unit of work in memory. What PostgreSQL does in test_payments.py, this does too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.domain.attempt import (
    CANCELLED_POLLING_LIMIT,
    POLLING_LIMIT,
    UNASKED_LIMIT,
    PaymentAttempt,
)
from payment_gateway_svc.domain.errors import PaymentNotFoundError
from payment_gateway_svc.domain.events import PaymentEvent
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.context import Context

from tests.contract.repositories.rows_in_memory import require

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class PaymentTables:
    """One town's rows."""

    attempts: dict[UUID, PaymentAttempt] = field(default_factory=dict)
    requests: dict[UUID, tuple[UUID, bytes]] = field(default_factory=dict)
    settings: dict[str, tuple[ProviderSettings, datetime]] = field(default_factory=dict)
    notifications: set[tuple[str, str]] = field(default_factory=set)
    town_version: int = 0
    is_production: bool = False
    events: list[PaymentEvent] = field(default_factory=list)


class MemoryPayments:
    """Copies on begin, swaps on commit: leaving without ``commit`` undoes everything."""

    def __init__(self) -> None:
        self.towns: defaultdict[int, PaymentTables] = defaultdict(PaymentTables)

    @asynccontextmanager
    async def begin(self, context: Context) -> AsyncIterator[MemoryUnitOfWork]:
        yield MemoryUnitOfWork(self, context)


class MemoryUnitOfWork:
    """Satisfies ``PaymentUnitOfWork``."""

    def __init__(self, payments: MemoryPayments, context: Context) -> None:
        self._payments = payments
        self._tenant = int(context.tenant_id)
        self.tables = deepcopy(payments.towns[self._tenant])
        self.attempts = MemoryAttempts(self.tables)
        self.settings = MemorySettings(self.tables)
        self.notifications = MemoryNotifications(self.tables)
        self.towns = MemoryTowns(self.tables)

    def publish(self, event: PaymentEvent) -> None:
        self.tables.events.append(event)

    async def commit(self) -> None:
        self._payments.towns[self._tenant] = self.tables


class MemoryAttempts:
    """Satisfies ``AttemptRepository``."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables

    async def add(self, attempt: PaymentAttempt, request_id: UUID, request_hash: bytes) -> bool:
        if request_id in self._tables.requests:
            return False
        require(attempt.id not in self._tables.attempts, "one attempt an id")
        self._tables.attempts[attempt.id] = attempt
        self._tables.requests[request_id] = (attempt.id, request_hash)
        return True

    async def find(self, attempt_id: UUID) -> PaymentAttempt | None:
        return self._tables.attempts.get(attempt_id)

    async def find_by_request(self, request_id: UUID) -> tuple[PaymentAttempt, bytes] | None:
        found = self._tables.requests.get(request_id)
        return (self._tables.attempts[found[0]], found[1]) if found else None

    async def find_by_provider_ref(self, provider: str, provider_ref: str) -> PaymentAttempt | None:
        attempts = (attempt for attempt in self._tables.attempts.values() if attempt.is_asked)
        return next((one for one in attempts if (one.provider, one.provider_ref) == (provider, provider_ref)), None)

    async def lock(self, attempt_id: UUID) -> PaymentAttempt:
        if attempt_id not in self._tables.attempts:
            raise PaymentNotFoundError
        return self._tables.attempts[attempt_id]

    async def save(self, attempt: PaymentAttempt) -> None:
        if attempt.id not in self._tables.attempts:
            return
        require(attempt.state is not PaymentState.PAID or attempt.settled_at is not None, "what is paid says when")
        is_unasked = attempt.state in {PaymentState.CREATED, PaymentState.EXPIRED}
        require(attempt.is_asked or is_unasked, "what was never asked for is created or expired")
        twin = await self.find_by_provider_ref(attempt.provider, attempt.provider_ref)
        require(twin is None or twin.id == attempt.id, "one attempt a reference of the provider")
        self._tables.attempts[attempt.id] = attempt

    async def open_ids(self, now: datetime) -> Sequence[UUID]:
        due = [one for one in self._tables.attempts.values() if _is_open(one, now)]
        return [one.id for one in sorted(due, key=lambda one: (one.checked_at or _NEVER, one.id))]


def _is_open(attempt: PaymentAttempt, now: datetime) -> bool:
    age = now - attempt.created_at
    match attempt.state:
        case PaymentState.CREATED:
            return age >= UNASKED_LIMIT
        case PaymentState.REDIRECTED | PaymentState.PENDING | PaymentState.EXPIRED:
            limit = POLLING_LIMIT
        case PaymentState.CANCELLED:
            limit = CANCELLED_POLLING_LIMIT
        case PaymentState.PAID | PaymentState.DENIED | PaymentState.REVERSED:
            return False
    return attempt.is_asked and not attempt.is_forgotten and age < limit


class MemorySettings:
    """Satisfies ``SettingsRepository``."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables

    async def find(self, provider: str) -> ProviderSettings | None:
        found = self._tables.settings.get(provider)
        return found[0] if found else None

    async def find_active(self) -> ProviderSettings | None:
        by_name = sorted(self._tables.settings.values(), key=lambda row: row[0].provider)
        latest = max(by_name, key=lambda row: row[1], default=None)
        return latest[0] if latest else None

    async def save(self, settings: ProviderSettings, now: datetime) -> None:
        self._tables.settings[settings.provider] = (replace(settings, values=dict(settings.values)), now)


class MemoryNotifications:
    """Satisfies ``NotificationRepository``."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables

    async def add(self, provider: str, external_id: str, attempt_id: UUID, now: datetime) -> bool:
        require(attempt_id in self._tables.attempts, "a notification names an attempt of the town")
        is_new = (provider, external_id) not in self._tables.notifications
        self._tables.notifications.add((provider, external_id))
        return is_new


class MemoryTowns:
    """Satisfies ``TownRepository``."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables

    async def is_production(self) -> bool:
        return self._tables.is_production

    async def save(self, version: int, *, is_production: bool) -> None:
        if version > self._tables.town_version:
            self._tables.town_version, self._tables.is_production = version, is_production
