"""One town's billing on a real database: its events told by hand, its neighbours real servers that say little."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import grpc
from billing_svc.adapters.db.books import SqlBooks
from billing_svc.adapters.db.unpriced import SqlUnpricedBookings
from billing_svc.entrypoints.consumers import Listener
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.agenda.v1 import agenda_service_pb2 as agenda_service
from preau.billing.v1 import billing_service_pb2 as pb
from preau.billing.v1 import billing_service_pb2_grpc as rpc
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_events_pb2 as identity_events
from preau.payment.v1 import payment_events_pb2 as payment_events
from preau_chassis.client import call
from preau_chassis.consumers import Envelope
from preau_chassis.database import Database
from preau_chassis.testing import TokenMint
from preau_chassis.wire import timestamp_to_wire
from preau_kernel.clock import FixedClock
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug, UuidV7Factory

from tests.integration.billing.neighbours import START, IdentityStandIn, PaymentStandIn

EPOCH = date(1970, 1, 1)
ACTIVITIES = (
    ("Accueil périscolaire matin", agenda_service.ACTIVITY_KIND_CHILDCARE, 45),
    ("Restauration scolaire", agenda_service.ACTIVITY_KIND_MEAL, 160),
    ("Accueil périscolaire midi", agenda_service.ACTIVITY_KIND_CHILDCARE, 35),
    ("Accueil périscolaire soir", agenda_service.ACTIVITY_KIND_CHILDCARE, 60),
)
SCHOOL_DAYS = [
    day
    for day in (date(2025, 9, 1) + timedelta(days=offset) for offset in range(30))
    if day.isoweekday() in {1, 2, 4, 5}
]
_tenants = itertools.count(101)
_reservations = itertools.count(1)


def euros(minor: int) -> Money:
    return Money(minor_units=minor, currency_code="EUR")


def wire_day(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


@dataclass
class Platform:
    """What all towns of a test session share."""

    database: Database
    channel: grpc.aio.Channel
    mint: TokenMint
    clock: FixedClock
    listener: Listener
    identity: IdentityStandIn
    payment: PaymentStandIn

    async def town(self, *, is_production: bool = False) -> Town:
        """A new town, with its activities, prices and till."""
        tenant = TenantId(next(_tenants))
        town = Town(self, Context.system(tenant, TenantSlug(f"town-{tenant}")))
        await town.tell(
            identity_events.TenantChanged(
                number=tenant,
                slug=town.system.tenant_slug,
                name="Case-Pilote",
                time_zone="America/Martinique",
                hold_minutes=60,
                is_production=is_production,
                office_name="Service scolaire",
                office_address="Place de la mairie\n97222 Case-Pilote",
                office_phone="0596 00 00 00",
                office_email="scolaire@example.org",
                version=1,
            )
        )
        for position, (name, kind, _) in enumerate(ACTIVITIES, 1):
            await town.tell(
                agenda.ActivityChanged(
                    activity_id=town.activity(position), name=name, kind=kind, position=position, version=1
                )
            )
        stub = town.as_staff()
        for position, (_, _, price) in enumerate(ACTIVITIES, 1):
            await stub.UpsertTariff(
                pb.UpsertTariffRequest(
                    activity_id=town.activity(position),
                    valid_from=wire_day(date(2025, 9, 1)),
                    resident_price=euros(price),
                    non_resident_price=euros(price * 2),
                )
            )
        await stub.UpsertTill(
            pb.UpsertTillRequest(code="CP", name="Régie cantine", siret="21972200500011", vat_mention="")
        )
        return town


class Client:
    """Calls as one caller, with a deadline."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub = rpc.BillingServiceStub(channel)
        self._token = token

    def __getattr__(self, method: str) -> Any:
        async def send(request: Message) -> Any:
            return await call(getattr(self._stub, method), request, timeout=10.0, token=self._token)

        return send


class Town:
    """One tenant."""

    def __init__(self, platform: Platform, system: Context) -> None:
        self.platform = platform
        self.system = system
        self.handlers = {
            kind: handler for consumer in platform.listener.consumers() for kind, handler in consumer.handlers.items()
        }

    def activity(self, position: int) -> str:
        return str(uuid5(UUID(int=self.system.tenant_id), f"activity {position}"))

    def client(self, *, household_id: str = "", roles: tuple[str, ...] = ("guardian",)) -> Client:
        context = Context(self.system.tenant_id, self.system.tenant_slug, str(uuid4()), frozenset(roles), household_id)
        return Client(self.platform.channel, self.platform.mint.token(context))

    def as_staff(self) -> Client:
        return self.client(roles=("staff",))

    async def household(self, *, is_resident: bool = True, children: int = 1) -> Family:
        family = Family(self, str(uuid4()), [str(uuid4()) for _ in range(children)])
        self.platform.identity.children[family.id] = family.children
        await self.tell(
            identity_events.HouseholdChanged(
                household_id=family.id, child_ids=family.children, is_resident=is_resident, version=1
            )
        )
        return family

    async def tell(self, message: Message) -> None:
        """As the chassis does: the handler inside a unit of work that commits after it."""
        handler = self.handlers[type(message)]
        envelope = Envelope(uuid4(), message.DESCRIPTOR.full_name, "", self.system, START, 1, 1)
        async with self.platform.database.unit_of_work(self.system) as uow:
            await handler(uow, message, envelope)
            await uow.commit()

    async def rows(self, sql: str, *args: object) -> list[Any]:
        async with self.platform.database.unit_of_work(self.system) as uow:
            return await uow.fetch(sql, *args)

    async def published(self, kind: type[Message]) -> list[Any]:
        rows = await self.rows(
            "SELECT body FROM outbox WHERE tenant_id = $1 AND type = $2 ORDER BY id",
            self.system.tenant_id,
            kind.DESCRIPTOR.full_name,
        )
        return [kind.FromString(row["body"]) for row in rows]

    async def ledger(self) -> dict[str, int]:
        checked = await self.as_staff().CheckLedger(pb.CheckLedgerRequest())
        assert checked.debits == checked.credits
        return {one.account: one.balance.minor_units for one in checked.accounts if one.balance.minor_units}

    async def alerts(self) -> list[str]:
        listed = await self.as_staff().ListAlerts(pb.ListAlertsRequest())
        return [alert.reason for alert in listed.alerts]


@dataclass
class Family:
    """One household and what the agenda would say about it."""

    town: Town
    id: str
    children: list[str]
    revision: int = 0
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.town.client(household_id=self.id)

    def held(
        self, days: list[date], positions: tuple[int, ...] = (1, 2, 3, 4), child: int = 0
    ) -> agenda.ReservationsHeld:
        """The next event: these activities on these days."""
        self.revision += 1
        cells = [(day, index) for day in days for index in range(len(positions))]
        return agenda.ReservationsHeld(
            household_id=self.id,
            revision=self.revision,
            rows=agenda.ReservationRows(
                reservation_ids=[next(_reservations) for _ in cells],
                child_ids=[self.children[child]],
                activity_ids=[self.town.activity(position) for position in positions],
                child_indexes=[0] * len(cells),
                activity_indexes=[index for _, index in cells],
                days=[(day - EPOCH).days for day, _ in cells],
            ),
            hold_expires_at=timestamp_to_wire(START + timedelta(hours=1)),
        )

    async def hold(self, days: list[date], positions: tuple[int, ...] = (1, 2, 3, 4), child: int = 0) -> list[int]:
        event = self.held(days, positions, child)
        await self.town.tell(event)
        return list(event.rows.reservation_ids)

    async def cancel(self, reservation_ids: list[int]) -> None:
        self.revision += 1
        await self.town.tell(
            agenda.ReservationsCancelled(household_id=self.id, revision=self.revision, reservation_ids=reservation_ids)
        )

    async def expire(self, reservation_ids: list[int]) -> None:
        self.revision += 1
        await self.town.tell(
            agenda.ReservationsExpired(household_id=self.id, revision=self.revision, reservation_ids=reservation_ids)
        )

    async def confirm(self, invoice_id: str, reservation_ids: list[int], lost: list[int] | None = None) -> None:
        self.revision += 1
        await self.town.tell(
            agenda.ReservationsConfirmed(
                household_id=self.id,
                revision=self.revision,
                reservation_ids=reservation_ids,
                invoice_id=invoice_id,
                lost_reservation_ids=lost or [],
            )
        )

    async def issue(self, expected_minor: int, request_id: str = "") -> pb.Invoice:
        response = await self.client.IssueInvoice(
            pb.IssueInvoiceRequest(
                request_id=request_id or str(uuid4()),
                min_revision=self.revision,
                expected_total=euros(expected_minor),
            )
        )
        invoice: pb.Invoice = response.invoice
        return invoice

    async def start(self, invoice_id: str, request_id: str = "") -> str:
        response = await self.client.StartPayment(
            pb.StartPaymentRequest(
                request_id=request_id or str(uuid4()),
                invoice_id=invoice_id,
                return_url="https://t.example/r/{attempt_id}",
                notify_url="https://t.example/n",
            )
        )
        attempt_id: str = response.attempt_id
        return attempt_id

    async def pay(
        self, invoice: pb.Invoice, attempt_id: str, *, amount: int | None = None, is_test: bool = False
    ) -> None:
        await self.town.tell(
            payment_events.PaymentSucceeded(
                attempt_id=attempt_id,
                invoice_id=invoice.id,
                amount=euros(invoice.total.minor_units if amount is None else amount),
                settled_at=timestamp_to_wire(START + timedelta(minutes=5)),
                provider="payfip",
                provider_ref="idop",
                is_test=is_test,
            )
        )

    async def get(self, invoice_id: str) -> pb.Invoice:
        response = await self.client.GetInvoice(pb.GetInvoiceRequest(id=invoice_id))
        invoice: pb.Invoice = response.invoice
        return invoice

    async def basket(self, **filters: Any) -> pb.GetBasketResponse:
        response: pb.GetBasketResponse = await self.client.GetBasket(
            pb.GetBasketRequest(min_revision=self.revision, **filters)
        )
        return response

    async def basket_now(self) -> pb.GetBasketResponse:
        """Without waiting for anything."""
        response: pb.GetBasketResponse = await self.client.GetBasket(pb.GetBasketRequest())
        return response

    async def credit(self) -> int:
        response = await self.client.GetFamilyAccount(pb.GetFamilyAccountRequest())
        amount: int = response.credit.minor_units
        return amount


def make_listener(clock: FixedClock, announce: Any, database: Database) -> Listener:
    unpriced = SqlUnpricedBookings(database)
    return Listener(books_of=SqlBooks, clock=clock, ids=UuidV7Factory(), announce=announce, unpriced=unpriced)
