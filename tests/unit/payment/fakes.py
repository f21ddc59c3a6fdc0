"""In-memory parts with the rules of the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from payment_gateway_svc.application.ports import (
    Notification,
    NotifiedPayment,
    PaymentOrder,
    ProviderDescription,
    ProviderSettings,
)
from payment_gateway_svc.domain.attempt import Applied, LookUp, Outcome, PaymentAttempt, Redirection
from payment_gateway_svc.domain.errors import ProviderUnavailableError
from payment_gateway_svc.domain.events import PaymentEvent
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.clock import FixedClock
from preau_kernel.context import Context
from preau_kernel.errors import InvalidError
from preau_kernel.ids import TenantId, TenantSlug
from preau_kernel.money import Money

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
FACTS = {"montant": "5400", "numcli": "090909", "refdet": "CP2025000123", "saisie": "T"}
SERVICE = Context(TenantId(1), TenantSlug("casepilote"), "service:gateway", frozenset({"service"}))
OPERATOR = Context(TenantId(1), TenantSlug("casepilote"), "service:operator", frozenset({"operator"}))


def make_guardian(household_id: str) -> Context:
    return Context(TenantId(1), TenantSlug("casepilote"), "parent", frozenset({"guardian"}), household_id)


def make_order(amount: int = 5400, email: str = "parent@example.org") -> PaymentOrder:
    return PaymentOrder(
        amount=Money(amount),
        debt_reference="CP2025000123",
        description="Cantine",
        payer_email=email,
        fiscal_year=2025,
        return_url="http://casepilote.localhost:8080/paiement/retour/{attempt_id}",
        notify_url="http://casepilote.localhost:8080/webhooks/payfip",
    )


def make_attempt(**changes: object) -> PaymentAttempt:
    values: dict[str, object] = {
        "id": uuid4(),
        "invoice_id": "invoice-1",
        "household_id": "h1",
        "amount": Money(5400),
        "debt_reference": "CP2025000123",
        "provider": "payfip",
        "created_at": NOW,
        "provider_ref": "op-1",
        "facts": FACTS,
        "state": PaymentState.REDIRECTED,
    }
    return PaymentAttempt(**(values | changes))  # type: ignore[arg-type]


def make_answer(outcome: Outcome = Outcome.PAID, **facts: str) -> LookUp:
    found = FACTS | facts
    return LookUp(outcome, found, Money(int(found["montant"])), NOW + timedelta(minutes=2), found["saisie"] == "T")


class FakeProvider:
    name = "payfip"

    def __init__(self) -> None:
        self.answer = LookUp(Outcome.WAITING)
        self.instead: Callable[[], Awaitable[LookUp]] | None = None
        self.before_create: Callable[[], Awaitable[None]] | None = None
        self.is_down = False
        self.created: list[PaymentOrder] = []
        self.asked: list[str] = []

    def check_settings(self, settings: ProviderSettings) -> None:
        if not settings.values.get("client_number"):
            raise InvalidError("CLIENT_NUMBER_INVALID", "payfip.client_number")

    def is_test(self, settings: ProviderSettings) -> bool:
        return settings.values.get("mode") == "T"

    def check(self, order: PaymentOrder) -> None:
        if order.amount.minor_units < 100:
            raise InvalidError("AMOUNT_TOO_SMALL", "amount")

    async def create(self, order: PaymentOrder, settings: ProviderSettings, now: datetime) -> Redirection:
        if self.before_create:
            await self.before_create()
        if self.is_down:
            raise ProviderUnavailableError("down")
        self.created.append(order)
        reference = f"op-{len(self.created)}"
        return Redirection(reference, f"http://pay/{reference}", now + timedelta(minutes=15), FACTS)

    def parse_notification(self, notification: Notification) -> NotifiedPayment | None:
        return NotifiedPayment(notification.query, notification.query) if notification.query else None

    async def fetch_status(self, provider_ref: str, settings: ProviderSettings) -> LookUp:
        self.asked.append(provider_ref)
        if self.is_down:
            raise ProviderUnavailableError("down")
        return await self.instead() if self.instead else self.answer

    async def describe(self, settings: ProviderSettings) -> ProviderDescription:
        return ProviderDescription(is_ok=True, labels=("REGIE",))


@dataclass
class Tables:
    attempts: dict[UUID, PaymentAttempt] = field(default_factory=dict)
    requests: dict[UUID, tuple[UUID, bytes]] = field(default_factory=dict)
    settings: dict[str, ProviderSettings] = field(default_factory=dict)
    notifications: set[tuple[str, str]] = field(default_factory=set)
    is_production: bool = False


class FakeDatabase:
    """Copies on begin, swaps on commit: leaving without ``commit`` undoes everything."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.events: list[PaymentEvent] = []
        self.tables.settings["payfip"] = ProviderSettings("payfip", {"client_number": "090909", "mode": "T"})

    @asynccontextmanager
    async def begin(self, _context: Context) -> AsyncIterator[FakeUnitOfWork]:
        yield FakeUnitOfWork(self)

    def put(self, attempt: PaymentAttempt) -> PaymentAttempt:
        self.tables.attempts[attempt.id] = attempt
        return attempt

    def get(self, attempt_id: UUID) -> PaymentAttempt:
        return self.tables.attempts[attempt_id]


class FakeUnitOfWork:
    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.tables = deepcopy(database.tables)
        self._events: list[PaymentEvent] = []
        self.attempts = FakeAttempts(self.tables)
        self.settings = FakeSettings(self.tables)
        self.notifications = FakeNotifications(self.tables)
        self.towns = FakeTowns(self.tables)

    def publish(self, event: PaymentEvent) -> None:
        self._events.append(event)

    async def commit(self) -> None:
        self._database.tables = self.tables
        self._database.events += self._events


class FakeAttempts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, attempt: PaymentAttempt, request_id: UUID, request_hash: bytes) -> bool:
        if request_id in self._tables.requests:
            return False
        self._tables.attempts[attempt.id] = attempt
        self._tables.requests[request_id] = (attempt.id, request_hash)
        return True

    async def find(self, attempt_id: UUID) -> PaymentAttempt | None:
        return self._tables.attempts.get(attempt_id)

    async def find_by_request(self, request_id: UUID) -> tuple[PaymentAttempt, bytes] | None:
        found = self._tables.requests.get(request_id)
        return (self._tables.attempts[found[0]], found[1]) if found else None

    async def find_by_provider_ref(self, provider: str, provider_ref: str) -> PaymentAttempt | None:
        attempts = self._tables.attempts.values()
        return next((a for a in attempts if (a.provider, a.provider_ref) == (provider, provider_ref)), None)

    async def lock(self, attempt_id: UUID) -> PaymentAttempt:
        return self._tables.attempts[attempt_id]

    async def save(self, attempt: PaymentAttempt) -> None:
        self._tables.attempts[attempt.id] = attempt

    async def open_ids(self, now: datetime) -> Sequence[UUID]:
        return [a.id for a in self._tables.attempts.values() if a.needs_look_up and not a.is_forgotten]


class FakeSettings:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, provider: str) -> ProviderSettings | None:
        return self._tables.settings.get(provider)

    async def find_active(self) -> ProviderSettings | None:
        return next(iter(self._tables.settings.values()), None)

    async def save(self, settings: ProviderSettings, now: datetime) -> None:
        self._tables.settings[settings.provider] = settings


class FakeNotifications:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, provider: str, external_id: str, attempt_id: UUID, now: datetime) -> bool:
        is_new = (provider, external_id) not in self._tables.notifications
        self._tables.notifications.add((provider, external_id))
        return is_new


class FakeTowns:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def is_production(self) -> bool:
        return self._tables.is_production

    async def save(self, version: int, *, is_production: bool) -> None:
        self._tables.is_production = is_production


class FakeRecorder:
    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.failures: list[str] = []
        self.warned: list[str] = []

    def recorded(self, context: Context, applied: Applied) -> None:
        self.applied.append(applied)

    def failed(self, attempt_id: UUID, reason: str) -> None:
        self.failures.append(reason)

    def test_mode_in_production(self, provider: str) -> None:
        self.warned.append(provider)


def make_clock() -> FixedClock:
    return FixedClock(NOW)
