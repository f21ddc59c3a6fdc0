"""A town's billing as its ports show it, on either store."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from billing_svc.application.ports import BooksFactory, InvoiceDesk, IssueAnswer, IssueOrder, RequestKey
from billing_svc.application.records import BasketEntry, BasketLines, HouseholdRecord, NewDocument, TownRecord
from billing_svc.domain.documents import Document, DocumentKind
from billing_svc.domain.tariffs import Tariff, TariffPlan
from preau_kernel.context import Context

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONDAY = date(2025, 9, 1)
MEAL, CARE = 160, 35
TOWN = TownRecord(
    "case-pilote", "Case-Pilote", "America/Martinique", 60, False, "Service", "1 rue", "0596", "s@example.org", 1
)
_reservations = itertools.count(7_000_001)


def days_since_epoch(day: date) -> int:
    return (day - date(1970, 1, 1)).days


@dataclass
class BillingTown:
    """One town; ``household`` is a resident's with one child, ``meal`` and ``care`` are priced from September 2025 on."""

    context: Context
    books: BooksFactory
    desk: InvoiceDesk
    household: str = field(default_factory=lambda: str(uuid4()))
    child: str = field(default_factory=lambda: str(uuid4()))
    meal: str = field(default_factory=lambda: str(uuid4()))
    care: str = field(default_factory=lambda: str(uuid4()))
    revisions: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def make(
        cls, context: Context, books: BooksFactory, desk: InvoiceDesk, *, has_till: bool = True
    ) -> BillingTown:
        town = cls(context, books, desk)
        async with books(context) as one:
            await one.put_town(TOWN)
            if has_till:
                await one.put_till(str(uuid4()), "CP", "Régie", "21972200500011", "")
            await one.put_household(town.household, [town.child], 1, is_resident=True)
            # The care comes before the meal on paper.
            for activity, name, kind, position, price in (
                (town.meal, "Restauration", 1, 2, MEAL),
                (town.care, "Accueil", 2, 1, CARE),
            ):
                await one.put_activity(activity, name, kind, position, 1)
                await one.lock_tariffs(activity)
                tariff = Tariff(str(uuid4()), MONDAY, None, price, 2 * price)
                await one.apply_tariffs(activity, TariffPlan(tariff.id, insert=tariff))
            await one.commit()
        return town

    def entry(
        self,
        days: Sequence[date] = (MONDAY,),
        activities: Sequence[str] = (),
        *,
        household: str = "",
        until: datetime = NOW + HOUR,
    ) -> BasketEntry:
        """The household's next event: these activities (the meal) on these days."""
        household, activities = household or self.household, list(activities or [self.meal])
        self.revisions[household] = revision = self.revisions.get(household, 0) + 1
        cells = [(day, index) for day in days for index in range(len(activities))]
        lines = BasketLines(
            [next(_reservations) for _ in cells],
            [self.child],
            activities,
            [0] * len(cells),
            [index for _, index in cells],
            [days_since_epoch(day) for day, _ in cells],
        )
        return BasketEntry(household, revision, until, lines)

    async def put(self, entry: BasketEntry) -> str:
        """Its answer; kept if it was applied."""
        async with self.books(self.context) as books:
            answer = await books.hold(entry.household_id, entry.revision, entry.hold_expires_at, entry.lines)
            if answer == "APPLIED":
                await books.commit()
        return answer

    async def held(self, days: Sequence[date] = (MONDAY,), activities: Sequence[str] = (), **more: object) -> list[int]:
        """The reservations of lines that wait."""
        entry = self.entry(days, activities, **more)  # type: ignore[arg-type]
        assert await self.put(entry) == "APPLIED"
        return list(entry.lines.reservation_ids)

    async def household_record(self, household: str = "") -> HouseholdRecord:
        async with self.books(self.context) as books:
            record = await books.lock_household(household or self.household)
        assert record is not None
        return record

    def order(self, expected: int, **changes: object) -> IssueOrder:
        order = IssueOrder(
            household_id=self.household,
            request=RequestKey("IssueInvoice", str(uuid4()), b"words"),
            min_revision=self.revisions.get(self.household, 0),
            expected_minor=expected,
            invoice_id=str(uuid4()),
            issued_at=NOW,
            payer_name="Camille Démo",
            payer_address="1 rue des Flamboyants",
            child_names={self.child: "Enfant Démo"},
        )
        return replace(order, **changes)  # type: ignore[arg-type]

    async def issue(self, order: IssueOrder) -> IssueAnswer:
        return await self.desk.issue(self.context, order)

    async def issued(self, expected: int) -> str:
        """The invoice of all that waits."""
        answer = await self.issue(self.order(expected))
        assert answer.outcome == "ISSUED"
        return answer.invoice_id

    async def document(self, document_id: str, household: str | None = None) -> Document:
        document = await self.desk.document(self.context, document_id, household)
        assert document is not None
        return document

    async def credit_note(self, invoice_id: str) -> NewDocument:
        """One that takes back the whole invoice, not yet written."""
        async with self.books(self.context) as books:
            invoice = await books.invoice(invoice_id)
            lines = await books.document_lines(invoice_id)
        assert invoice is not None
        return NewDocument(
            id=str(uuid4()),
            kind=DocumentKind.CREDIT_NOTE,
            household_key=invoice.household_key,
            total_minor=-invoice.total_minor,
            issued_at=NOW + HOUR,
            payer_name=invoice.payer_name,
            payer_address=invoice.payer_address,
            issuer=invoice.issuer,
            year=2025,
            lines=tuple(replace(line, price_minor=-line.price_minor) for line in lines),
            corrects_id=invoice_id,
            reason="expired",
        )
