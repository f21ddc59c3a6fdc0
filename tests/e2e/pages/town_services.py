"""A small town in memory behind real gRPC: enough of the rules for every page to have something to say.

The calendar is September 2025 of the town's document: Mondays, Tuesdays, Thursdays and Fridays, Wednesdays for the
leisure centre. A test may make one day full for the meal and close another.
"""

# The names and the arguments are the contracts'.
from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc.aio
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceServicer, add_AgendaServiceServicer_to_server
from preau.billing.v1 import billing_service_pb2 as billing
from preau.billing.v1.billing_service_pb2_grpc import BillingServiceServicer, add_BillingServiceServicer_to_server
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_service_pb2 as identity
from preau.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from preau.payment.v1 import payment_service_pb2 as payment
from preau.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server
from preau_chassis.wire import date_from_wire, date_to_wire
from preau_kernel.errors import DomainError, ErrorKind, NotFoundError, PreconditionError

from tests.fixtures.fake_services import FakeIdentity, FakePayment, World, refuse

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
FIRST, LAST = date(2025, 9, 1), date(2026, 7, 3)
SCHOOL, WEDNESDAY = [1, 2, 4, 5], [3]
CATALOGUE = [
    ("matin", "Accueil périscolaire matin", SCHOOL, 45, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("meal", "Restauration scolaire", SCHOOL, 160, ["midi"], agenda.ACTIVITY_KIND_MEAL),
    ("midi", "Accueil périscolaire midi", SCHOOL, 35, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("soir", "Accueil périscolaire soir", SCHOOL, 60, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("cl-repas", "Centre de loisirs - Restauration mercredi", WEDNESDAY, 160, ["cl"], agenda.ACTIVITY_KIND_MEAL),
    ("cl-soir", "Garderie soir du centre de loisirs mercredi", WEDNESDAY, 60, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("cl", "Centre de loisirs du mercredi", WEDNESDAY, 500, [], agenda.ACTIVITY_KIND_OTHER),
]
PRICE = {item[0]: item[3] for item in CATALOGUE}
WEEKDAYS = {item[0]: item[2] for item in CATALOGUE}
REQUIRES = {item[0]: item[4] for item in CATALOGUE}
POSITION = {item[0]: index for index, item in enumerate(CATALOGUE)}
NAME = {item[0]: item[1] for item in CATALOGUE}
PAIRED = {"meal", "midi", "cl-repas", "cl"}
CHILDREN = [("child-1", "Maëlle", "CE2"), ("child-2", "Timéo", "Grande section")]
FIRST_NAMES = {key: name for key, name, _ in CHILDREN}
HELD, CONFIRMED = agenda.RESERVATION_STATUS_HELD, agenda.RESERVATION_STATUS_CONFIRMED


def euros(cents: int) -> Money:
    return Money(minor_units=cents, currency_code="EUR")


@dataclass
class SmallTown(World):
    """What the town knows of one household."""

    rows: dict[str, agenda.Reservation] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    now: datetime = NOW
    outcome: int = payment.PAYMENT_STATUS_PAID
    full_day: date | None = None
    closed_day: date | None = None
    unpaid: set[str] = field(default_factory=set)
    expired_count: int = 0
    session_ends_at: datetime | None = None

    def reset(self) -> None:
        """As on the first day."""
        fresh = SmallTown()
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    @property
    def hold_end(self) -> datetime:
        return self.now + timedelta(minutes=60)

    def on(self, child: str, day: date) -> dict[str, agenda.Reservation]:
        return {
            row.activity_id: row
            for row in self.rows.values()
            if row.child_id == child and date_from_wire(row.day) == day
        }

    def why_not(  # noqa: PLR0911 - one answer a reason
        self, child: str, activity: str, day: date, chosen: Iterable[str]
    ) -> agenda.Refusal | None:
        """The first reason that stands in the way."""
        if day.isoweekday() not in WEEKDAYS[activity]:
            return agenda.Refusal(reason="NOT_THAT_WEEKDAY")
        if not FIRST <= day <= LAST:
            return agenda.Refusal(reason="NOT_OPEN_YET")
        if day == self.closed_day:
            return agenda.Refusal(reason="SITE_CLOSED", label="Grève")
        if day <= self.now.date() + timedelta(days=1):
            refusal = agenda.Refusal(reason="BOOKING_CUTOFF_PASSED")
            refusal.cutoff_at.FromDatetime(self.now - timedelta(hours=3))
            return refusal
        if activity in self.on(child, day):
            return agenda.Refusal(reason="ALREADY_RESERVED")
        if child == "child-2" and activity.startswith("cl"):
            return agenda.Refusal(reason="NOT_ENROLLED")
        if activity == "meal" and day == self.full_day:
            return agenda.Refusal(reason="SESSION_FULL")
        for need in REQUIRES[activity]:
            if need not in chosen and need not in self.on(child, day):
                return agenda.Refusal(reason="REQUIRES_ACTIVITY", related_activity_id=need)
        return None

    def hold(self, child: str, activity: str, day: date) -> agenda.Reservation:
        row = agenda.Reservation(
            id=f"r{len(self.rows) + 1}-{child[-1]}-{activity}-{day:%m%d}",
            child_id=child,
            activity_id=activity,
            day=date_to_wire(day),
            status=HELD,
            can_cancel=True,
            can_cancel_alone=activity not in PAIRED,
        )
        row.hold_expires_at.FromDatetime(self.hold_end)
        row.created_at.FromDatetime(self.now)
        self.rows[row.id] = row
        return row

    def with_partners(self, ids: Iterable[str]) -> list[agenda.Reservation]:
        found = {item: self.rows[item] for item in ids if item in self.rows}
        for row in list(found.values()):
            mates = self.on(row.child_id, date_from_wire(row.day))
            for first, second in (("meal", "midi"), ("cl-repas", "cl")):
                if row.activity_id in {first, second} and first in mates and second in mates:
                    found.update({mates[first].id: mates[first], mates[second].id: mates[second]})
        return list(found.values())

    def pending(self) -> list[agenda.Reservation]:
        return sorted(
            (row for row in self.rows.values() if row.status == HELD and row.id not in self.unpaid),
            key=lambda row: (date_from_wire(row.day), POSITION[row.activity_id], row.child_id),
        )


def days_of(entry: agenda.BulkEntry) -> list[date]:
    first, last = date_from_wire(getattr(entry, "from")), date_from_wire(entry.to)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [day for day in days if not entry.weekdays or day.isoweekday() in entry.weekdays]


class TownIdentity(FakeIdentity):
    _world: SmallTown

    async def SignIn(self, request: Any, context: Any) -> Any:
        return self._with_end(await super().SignIn(request, context))

    async def ExchangeSession(self, request: Any, context: Any) -> Any:
        return self._with_end(await super().ExchangeSession(request, context))

    def _with_end(self, answer: Any) -> Any:
        if self._world.session_ends_at:
            answer.session_expires_at.FromDatetime(self._world.session_ends_at)
        return answer

    async def GetHousehold(self, request: Any, context: Any) -> Any:
        children = [
            identity.Child(
                id=key,
                first_name=name,
                last_name="Démo",
                school="École du Bourg",
                school_class=level,
                born_on="2017-03-04",
            )
            for key, name, level in CHILDREN
        ]
        guardians = [
            identity.Guardian(
                id="g1",
                first_name="Camille",
                last_name="Démo",
                email="camille@example.org",
                phone="0696 00 00 01",
                is_payer=True,
            ),
            identity.Guardian(id="g2", first_name="Alex", last_name="Démo"),
        ]
        address = identity.PostalAddress(line1="3 rue du Bourg", postal_code="97222", city="Case-Pilote")
        return identity.GetHouseholdResponse(
            household=identity.Household(
                id="household-1", children=children, guardians=guardians, is_resident=True, address=address
            )
        )

    async def GetAccount(self, request: Any, context: Any) -> Any:
        return identity.GetAccountResponse(account=self._account("parent.demo"))

    async def UpdateAccount(self, request: Any, context: Any) -> Any:
        await self._world.enter("UpdateAccount", request, context)
        return identity.UpdateAccountResponse(account=self._account("parent.demo"))

    async def ListSessions(self, request: Any, context: Any) -> Any:
        agents = [
            ("s1", True, "Mozilla/5.0 (X11; Linux) Firefox/140.0"),
            ("s2", False, "Mozilla/5.0 (iPhone) Safari/600"),
        ]
        sessions = []
        for key, is_current, agent in agents:
            session = identity.Session(id=key, user_agent=agent, is_current=is_current)
            session.created_at.FromDatetime(NOW - timedelta(days=2))
            session.last_seen_at.FromDatetime(NOW)
            sessions.append(session)
        return identity.ListSessionsResponse(sessions=sessions)

    async def CloseSession(self, request: Any, context: Any) -> Any:
        await self._world.enter("CloseSession", request, context)
        return identity.CloseSessionResponse()

    async def ChangePassword(self, request: Any, context: Any) -> Any:
        await self._world.enter("ChangePassword", request, context)
        if request.current_password != "Cantine-Demo-2025":
            await refuse(context, DomainError(ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED"))
        return identity.ChangePasswordResponse()

    async def RequestPasswordReset(self, request: Any, context: Any) -> Any:
        await self._world.enter("RequestPasswordReset", request, context)
        return identity.RequestPasswordResetResponse()

    async def ResetPassword(self, request: Any, context: Any) -> Any:
        await self._world.enter("ResetPassword", request, context)
        if request.token != "bon":
            await refuse(context, PreconditionError("RESET_LINK_INVALID"))
        return identity.ResetPasswordResponse()

    @staticmethod
    def _account(username: str) -> identity.Account:
        return identity.Account(
            id="account-1",
            username=username,
            first_name="Camille",
            last_name="Démo",
            email="camille@example.org",
            household_id="household-1",
        )


class TownAgenda(AgendaServiceServicer):
    def __init__(self, town: SmallTown) -> None:
        self._town = town

    async def ListActivities(self, request: Any, context: Any) -> Any:
        return agenda.ListActivitiesResponse(
            activities=[
                agenda.Activity(
                    id=key, code=key, name=name, weekdays=weekdays, requires=requires, kind=kind, position=index
                )
                for index, (key, name, weekdays, _, requires, kind) in enumerate(CATALOGUE)
            ]
        )

    async def GetMonthView(self, request: Any, context: Any) -> Any:
        first = date(request.year, request.month, 1)
        days = []
        for offset in range(31):
            day = first + timedelta(days=offset)
            if day.month == first.month:
                days += [self._child_day(child, day) for child in request.child_ids or [item[0] for item in CHILDREN]]
        held = sum(row.status == HELD for row in self._town.rows.values())
        return agenda.GetMonthViewResponse(
            days=days, revision=self._town.revision, held_count=held if request.with_held_count else None
        )

    def _child_day(self, child: str, day: date) -> agenda.ChildDay:
        mine = self._town.on(child, day)
        reasons = []
        for activity in NAME:
            refusal = self._town.why_not(child, activity, day, NAME)
            reasons.append(refusal.reason if refusal else "")
        found = agenda.DAY_STATE_CLOSED
        for reason, state in (
            ("NOT_ENROLLED", agenda.DAY_STATE_NOT_ENROLLED),
            ("BOOKING_CUTOFF_PASSED", agenda.DAY_STATE_TOO_LATE),
            ("SESSION_FULL", agenda.DAY_STATE_FULL),
            ("ALREADY_RESERVED", agenda.DAY_STATE_BOOKED),
            ("", agenda.DAY_STATE_BOOKABLE),
        ):
            found = state if reason in reasons else found
        label = "Grève" if day == self._town.closed_day else ""
        return agenda.ChildDay(
            day=date_to_wire(day), child_id=child, state=found, reservations=mine.values(), closure_label=label
        )

    async def GetDayOffer(self, request: Any, context: Any) -> Any:
        day = date_from_wire(request.day)
        mine = self._town.on(request.child_id, day)
        offers = []
        for activity in NAME:
            refusal = self._town.why_not(request.child_id, activity, day, NAME)
            offer = agenda.ActivityOffer(
                activity_id=activity, is_bookable=refusal is None, refusal=refusal, reservation=mine.get(activity)
            )
            offer.booking_cutoff_at.FromDatetime(
                datetime(day.year, day.month, day.day, 16, tzinfo=UTC) - timedelta(days=4)
            )
            if activity == "soir":
                offer.places_left = 6
            offers.append(offer)
        return agenda.GetDayOfferResponse(offers=offers, revision=self._town.revision)

    async def GetHouseholdSummary(self, request: Any, context: Any) -> Any:
        pending = self._town.pending()
        held = [row for row in self._town.rows.values() if row.status == HELD]
        answer = agenda.GetHouseholdSummaryResponse(
            held_count=len(held),
            revision=self._town.revision,
            upcoming=pending[:8],
            recently_expired_count=self._town.expired_count,
        )
        if held:
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        else:
            answer.empty_week_starts_on.CopyFrom(date_to_wire(date(2025, 9, 1)))
            answer.empty_week_cutoff_at.FromDatetime(datetime(2025, 8, 28, 16, tzinfo=UTC))
        return answer

    async def ListReservations(self, request: Any, context: Any) -> Any:
        found = [self._town.rows[item] for item in request.ids if item in self._town.rows]
        return agenda.ListReservationsResponse(reservations=found)

    async def CreateReservations(self, request: Any, context: Any) -> Any:
        await self._town.enter("CreateReservations", request, context)
        if known := await self._town.replay("CreateReservations", request, context):
            return known
        day = date_from_wire(request.day)
        for activity in request.activity_ids:
            refusal = self._town.why_not(request.child_id, activity, day, request.activity_ids)
            if refusal:
                facts = {
                    "activity_id": activity,
                    "day": day.isoformat(),
                    "related_activity_id": refusal.related_activity_id,
                }
                await refuse(context, PreconditionError(refusal.reason, **facts))
        made = [self._town.hold(request.child_id, activity, day) for activity in request.activity_ids]
        self._town.revision += 1
        answer = agenda.CreateReservationsResponse(reservations=made, revision=self._town.revision)
        return self._town.keep("CreateReservations", request, answer)

    async def PreviewCancelReservations(self, request: Any, context: Any) -> Any:
        going = self._town.with_partners(request.ids)
        coupled = [row.id for row in going if row.id not in request.ids]
        return agenda.PreviewCancelReservationsResponse(reservations=going, coupled_ids=coupled)

    async def CancelReservations(self, request: Any, context: Any) -> Any:
        await self._town.enter("CancelReservations", request, context)
        if known := await self._town.replay("CancelReservations", request, context):
            return known
        ids = [row.id for row in self._town.with_partners(request.ids)]
        for item in ids:
            del self._town.rows[item]
        self._town.revision += 1
        return self._town.keep(
            "CancelReservations", request, agenda.CancelReservationsResponse(ids=ids, revision=self._town.revision)
        )

    def _outcome(self, entry: agenda.BulkEntry) -> tuple[list[tuple[str, str, date]], list[agenda.SkippedRow]]:
        done, skipped = [], []
        for child in entry.child_ids:
            for day in days_of(entry):
                for activity in entry.activity_ids:
                    if entry.action == agenda.BULK_ACTION_DELETE:
                        if activity in self._town.on(child, day):
                            done.append((child, activity, day))
                        continue
                    refusal = self._town.why_not(child, activity, day, entry.activity_ids)
                    if refusal is None:
                        done.append((child, activity, day))
                    elif day.isoweekday() < 6 and (refusal.reason != "NOT_THAT_WEEKDAY" or entry.weekdays):
                        skipped.append(
                            agenda.SkippedRow(
                                child_id=child, activity_id=activity, day=date_to_wire(day), refusal=refusal
                            )
                        )
        return done, skipped

    @staticmethod
    def _grouped(done: list[tuple[str, str, date]]) -> list[agenda.BulkRows]:
        groups: dict[tuple[str, str], list[date]] = defaultdict(list)
        for child, activity, day in done:
            groups[child, activity].append(day)
        return [
            agenda.BulkRows(child_id=child, activity_id=activity, days=[date_to_wire(day) for day in days])
            for (child, activity), days in groups.items()
        ]

    async def PreviewBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("PreviewBulkEntry", request, context)
        done, skipped = self._outcome(request.entry)
        missing = {need for item in request.entry.activity_ids for need in REQUIRES[item]} - set(
            request.entry.activity_ids
        )
        field_name = "created" if request.entry.action == agenda.BULK_ACTION_CREATE else "removed"
        rows: dict[str, Any] = {field_name: self._grouped(done)}
        return agenda.PreviewBulkEntryResponse(skipped=skipped, missing_required_activity_ids=missing, **rows)

    async def ApplyBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("ApplyBulkEntry", request, context)
        if known := await self._town.replay("ApplyBulkEntry", request, context):
            return known
        done, skipped = self._outcome(request.entry)
        self._town.revision += 1
        rows = self._grouped(done)
        if request.entry.action == agenda.BULK_ACTION_DELETE:
            for child, activity, day in done:
                del self._town.rows[self._town.on(child, day)[activity].id]
            answer = agenda.ApplyBulkEntryResponse(
                removed_count=len(done), removed=rows, skipped=skipped, revision=self._town.revision
            )
        else:
            made = [self._town.hold(*row).id for row in done]
            entry_id = f"entry-{len(self._town.entries) + 1}"
            self._town.entries[entry_id] = made
            answer = agenda.ApplyBulkEntryResponse(
                created_count=len(done), created=rows, skipped=skipped, revision=self._town.revision, entry_id=entry_id
            )
            answer.undo_until.FromDatetime(self._town.now + timedelta(minutes=10))
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        return self._town.keep("ApplyBulkEntry", request, answer)

    async def UndoBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("UndoBulkEntry", request, context)
        gone = [item for item in self._town.entries.pop(request.entry_id, []) if self._town.rows.pop(item, None)]
        self._town.revision += 1
        return agenda.UndoBulkEntryResponse(removed_count=len(gone), revision=self._town.revision)

    async def RenewHolds(self, request: Any, context: Any) -> Any:
        await self._town.enter("RenewHolds", request, context)
        return agenda.RenewHoldsResponse(renewed_count=len(self._town.pending()), revision=self._town.revision)

    async def RestoreExpiredHolds(self, request: Any, context: Any) -> Any:
        await self._town.enter("RestoreExpiredHolds", request, context)
        restored, self._town.expired_count = self._town.expired_count, 0
        return agenda.RestoreExpiredHoldsResponse(restored_count=restored, lost_count=1, revision=self._town.revision)


class TownBilling(BillingServiceServicer):
    def __init__(self, town: SmallTown) -> None:
        self._town = town

    async def GetBasket(self, request: Any, context: Any) -> Any:
        await self._town.enter("GetBasket", request, context)
        rows = self._town.pending()
        shown = [row for row in rows if self._passes(row, request)]
        size = request.page_size or 50
        start = int(request.page_token) if request.page_token else (max(1, request.page_number) - 1) * size
        lines = [
            billing.ChargeLine(
                id=f"l-{row.id}", reservation_id=row.id, child_id=row.child_id, activity_id=row.activity_id, day=row.day,
                activity_name=NAME[row.activity_id], price=euros(PRICE[row.activity_id]), status=billing.CHARGE_LINE_STATUS_PENDING,
            )
            for row in shown[start : start + size]
        ]  # fmt: skip
        answer = billing.GetBasketResponse(
            total=euros(sum(PRICE[row.activity_id] for row in rows)), count=len(rows), lines=lines, filtered_count=len(shown),
            next_page_token=str(start + size) if start + size < len(shown) else "",
        )  # fmt: skip
        if rows:
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        return answer

    @staticmethod
    def _passes(row: agenda.Reservation, request: Any) -> bool:
        day = date_from_wire(row.day)
        first = getattr(request, "from")
        return (
            (not request.child_ids or row.child_id in request.child_ids)
            and (not request.activity_ids or row.activity_id in request.activity_ids)
            and (not first.year or day >= date_from_wire(first))
            and (not request.to.year or day <= date_from_wire(request.to))
        )

    async def QuoteReservations(self, request: Any, context: Any) -> Any:
        total = sum(PRICE[row.activity_id] * len(row.days) for row in request.rows)
        return billing.QuoteReservationsResponse(total=euros(total))

    async def ListPrices(self, request: Any, context: Any) -> Any:
        return billing.ListPricesResponse(
            prices=[billing.ActivityPrice(activity_id=key, price=euros(price)) for key, price in PRICE.items()]
        )

    async def IssueInvoice(self, request: Any, context: Any) -> Any:
        await self._town.enter("IssueInvoice", request, context)
        if known := await self._town.replay("IssueInvoice", request, context):
            return known
        rows = self._town.pending()
        due = sum(PRICE[row.activity_id] for row in rows)
        if not rows:
            await refuse(context, PreconditionError("BASKET_EMPTY"))
        if request.expected_total.minor_units != due:
            expected = str(request.expected_total.minor_units)
            await refuse(context, PreconditionError("BASKET_CHANGED", expected_minor=expected, actual_minor=str(due)))
        number = len(self._town.invoices) + 1
        lines = [
            billing.InvoiceLine(
                id=row.id, reservation_id=row.id, child_id=row.child_id, child_name=f"{FIRST_NAMES[row.child_id]} Démo",
                activity_id=row.activity_id, activity_name=NAME[row.activity_id], day=row.day, price=euros(PRICE[row.activity_id]),
                computation="Tarif commune du 01/09/2025",
            )
            for row in rows
        ]  # fmt: skip
        invoice = billing.Invoice(
            id=f"invoice-{number}", number=f"CP-2025-{number:06}", kind=billing.DOCUMENT_KIND_INVOICE, status=billing.INVOICE_STATUS_ISSUED,
            total=euros(due), lines=lines, line_count=len(lines), payer_name="Camille Démo",
        )  # fmt: skip
        invoice.issued_at.FromDatetime(self._town.now)
        invoice.payable_until.FromDatetime(self._town.hold_end)
        self._town.unpaid |= {row.id for row in rows}
        self._town.invoices[invoice.id] = invoice
        return self._town.keep("IssueInvoice", request, billing.IssueInvoiceResponse(invoice=invoice))

    async def StartPayment(self, request: Any, context: Any) -> Any:
        await self._town.enter("StartPayment", request, context)
        if known := await self._town.replay("StartPayment", request, context):
            return known
        invoice = self._town.invoices[request.invoice_id]
        attempt = f"attempt-{len(self._town.attempts) + 1}"
        url = request.return_url.replace("{attempt_id}", attempt)
        self._town.attempts[attempt] = payment.Payment(
            id=attempt,
            invoice_id=invoice.id,
            amount=invoice.total,
            status=payment.PAYMENT_STATUS_REDIRECTED,
            payment_url=url,
        )
        self._town.attempts[attempt].expires_at.FromDatetime(self._town.now + timedelta(minutes=15))
        invoice.last_attempt_id = attempt
        return self._town.keep(
            "StartPayment", request, billing.StartPaymentResponse(attempt_id=attempt, payment_url=url)
        )

    async def ReopenInvoice(self, request: Any, context: Any) -> Any:
        await self._town.enter("ReopenInvoice", request, context)
        invoice = self._town.invoices[request.invoice_id]
        invoice.status = billing.INVOICE_STATUS_CANCELLED
        self._town.unpaid -= {line.reservation_id for line in invoice.lines}
        note = billing.Invoice(
            id="note-1", number="CP-2025-000099", kind=billing.DOCUMENT_KIND_CREDIT_NOTE, related_id=invoice.id
        )
        return billing.ReopenInvoiceResponse(credit_note=note)

    async def GetInvoice(self, request: Any, context: Any) -> Any:
        if request.id not in self._town.invoices:
            await refuse(context, NotFoundError("INVOICE_NOT_FOUND"))
        return billing.GetInvoiceResponse(invoice=self._town.invoices[request.id])

    async def ListInvoices(self, request: Any, context: Any) -> Any:
        return billing.ListInvoicesResponse(invoices=list(self._town.invoices.values())[::-1])

    async def GetFamilyAccount(self, request: Any, context: Any) -> Any:
        return billing.GetFamilyAccountResponse(credit=euros(0))

    async def GetInvoicePdf(self, request: Any, context: Any) -> Any:
        return billing.GetInvoicePdfResponse(pdf=b"%PDF-1.7", file_name="CP-2025-000001.pdf")

    async def GetReceiptPdf(self, request: Any, context: Any) -> Any:
        return billing.GetReceiptPdfResponse(pdf=b"%PDF-1.7", file_name="Q-2025-000001.pdf")


class TownPayment(FakePayment):
    _world: SmallTown

    async def RefreshPayment(self, request: Any, context: Any) -> Any:
        await self._world.enter("RefreshPayment", request, context)
        found = self._world.attempts[request.id]
        found.status = self._world.outcome  # type: ignore[assignment]
        found.checked_at.FromDatetime(self._world.now)
        invoice = self._world.invoices[found.invoice_id]
        if found.status == payment.PAYMENT_STATUS_PAID:
            invoice.status = billing.INVOICE_STATUS_PAID
            invoice.receipt_number = "Q-2025-000001"
            invoice.paid_at.FromDatetime(self._world.now)
            invoice.reservations_confirmed = True
            for line in invoice.lines:
                self._world.rows[line.reservation_id].status = CONFIRMED
        return payment.RefreshPaymentResponse(payment=found)


@asynccontextmanager
async def running_town(town: SmallTown) -> AsyncIterator[str]:
    """The four services on one local port; answers its address."""
    server = grpc.aio.server()
    add_IdentityServiceServicer_to_server(TownIdentity(town), server)  # type: ignore[abstract]
    add_AgendaServiceServicer_to_server(TownAgenda(town), server)  # type: ignore[abstract]
    add_BillingServiceServicer_to_server(TownBilling(town), server)  # type: ignore[abstract]
    add_PaymentServiceServicer_to_server(TownPayment(town), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
