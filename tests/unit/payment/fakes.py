"""In-memory parts with the rules of the real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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

from tests.contract.repositories.payments_in_memory import MemoryPayments, PaymentTables

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
    minimum = Money(100)

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


class FakeDatabase(MemoryPayments):
    """One town's payments, with an account at PayFiP."""

    def __init__(self) -> None:
        super().__init__()
        self.tables.settings["payfip"] = (ProviderSettings("payfip", {"client_number": "090909", "mode": "T"}), NOW)

    @property
    def tables(self) -> PaymentTables:
        return self.towns[SERVICE.tenant_id]

    @property
    def events(self) -> list[PaymentEvent]:
        return self.tables.events

    def put(self, attempt: PaymentAttempt) -> PaymentAttempt:
        self.tables.attempts[attempt.id] = attempt
        return attempt

    def get(self, attempt_id: UUID) -> PaymentAttempt:
        return self.tables.attempts[attempt_id]


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
