"""One household of a town whose books are in memory, and the neighbours billing asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from billing_svc.application.issue_invoice import IssuePorts
from billing_svc.application.ports import PaymentRequest, RequestKey
from billing_svc.application.queries import Basket, BasketPage
from billing_svc.application.records import BasketLines, HouseholdNames, HouseholdRecord, ProviderPayment, TownRecord
from billing_svc.domain.states import AttemptState, LineState
from billing_svc.domain.tariffs import Tariff
from preau_kernel.clock import Clock, FixedClock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, UnavailableError
from preau_kernel.ids import TenantId, TenantSlug

from tests.contract.repositories.billing_rows import Activity, BillingTables, Household, Till
from tests.contract.repositories.books_in_memory import MemoryBilling

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
HELD_UNTIL = NOW.replace(hour=14)
HOUSEHOLD = "00000000-0000-7000-8000-000000000001"
TOWN = TownRecord("casepilote", "Case-Pilote", "America/Martinique", 60, False, "", "", "", "", 1)
TILL = "CP"
PARENT = Context(TenantId(1), TenantSlug("casepilote"), "parent", frozenset({"guardian"}), HOUSEHOLD)
SYSTEM = Context.system(TenantId(1), TenantSlug("casepilote"))
PRICE = 75


class CountingIds:
    """Readable, never the same."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> UUID:
        self.last += 1
        return UUID(int=self.last)


class World(MemoryBilling):
    """The books, the desk, and the neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.towns[SYSTEM.tenant_id] = BillingTables(
            town=TOWN,
            households={HOUSEHOLD: Household(HouseholdRecord(1, HOUSEHOLD, 0), is_resident=True, version=1)},
            activities={"activity": Activity(1, "Cantine", 1, 1, version=1)},
            tariffs={"activity": [Tariff("tariff", date(2024, 9, 1), None, PRICE, 2 * PRICE)]},
            tills={TILL: Till("till", TILL, "Régie", "", "")},
        )
        self.ids = CountingIds()
        self.created: list[PaymentRequest] = []
        self.provider: dict[str, AttemptState] = {}
        self.is_provider_down = False
        self.refusal: DomainError | None = None
        self.has_online_payment = True
        self.email = "parent@example.org"

    @property
    def state(self) -> BillingTables:
        return self.towns[SYSTEM.tenant_id]

    @property
    def revision(self) -> int:
        return self.state.households[HOUSEHOLD].record.revision

    async def wait(self, context: Context, household_id: str, seconds: float) -> None:
        return

    async def names(self, token: str) -> HouseholdNames:
        return HouseholdNames("Camille Démo", "", self.email)

    async def is_open(self, token: str) -> bool:
        return self.has_online_payment

    async def basket(self, context: Context, page: BasketPage) -> Basket:
        pending = [line for line in self.state.lines.values() if line.state is LineState.PENDING]
        total = sum(line.price_minor for line in pending)
        return Basket(self.revision, HELD_UNTIL, total, len(pending), len(pending), [])

    async def create(self, token: str, request: PaymentRequest) -> ProviderPayment:
        self._answer_or_refuse()
        self.created.append(request)
        attempt_id = str(UUID(int=10_000 + len(self.created)))
        self.provider[attempt_id] = AttemptState.STARTED
        return ProviderPayment(attempt_id, f"https://provider/{attempt_id}", None)

    async def refresh(self, token: str, attempt_id: str) -> AttemptState:
        self._answer_or_refuse()
        return self.provider[attempt_id]

    def _answer_or_refuse(self) -> None:
        if self.is_provider_down:
            raise UnavailableError("PROVIDER_UNAVAILABLE")
        if self.refusal is not None:
            raise self.refusal

    async def hold(self, *reservation_ids: int) -> None:
        """The household's next reservations, each at ``PRICE``."""
        async with self.books(SYSTEM) as books:
            answer = await books.hold(HOUSEHOLD, self.revision + 1, HELD_UNTIL, make_lines(reservation_ids))
            assert answer == "APPLIED"
            await books.commit()


def make_issue_ports(world: World, clock: Clock | None = None) -> IssuePorts:
    return IssuePorts(
        desk=world,
        directory=world,
        board=world,
        reads=world,
        gateway=world,
        books=world.books,
        clock=clock or FixedClock(NOW),
        ids=world.ids,
    )


def make_lines(reservation_ids: Sequence[int]) -> BasketLines:
    count = len(reservation_ids)
    return BasketLines(reservation_ids, ["child"], ["activity"], [0] * count, [0] * count, [20_000] * count)


def make_key(request_id: str, fingerprint: bytes = b"x", method: str = "M") -> RequestKey:
    return RequestKey(method, request_id, fingerprint)
