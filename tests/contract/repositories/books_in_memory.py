"""Billing's transactions and its desk in memory: copied at the start of a transaction, kept at its commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace

from billing_svc.application.ports import IssueAnswer, IssueOrder, RequestKey
from billing_svc.application.records import NewDocument
from billing_svc.domain import ledger
from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine, Issuer
from billing_svc.domain.errors import KeyReusedError
from billing_svc.domain.events import BillingEvent, InvoiceIssued
from billing_svc.domain.numbering import year_on
from billing_svc.domain.states import InvoiceState, LineState
from billing_svc.domain.withdrawal import Line
from preau_kernel.context import Context

from tests.contract.repositories.billing_rows import BillingTables, InvoiceFacts
from tests.contract.repositories.bookings_in_memory import MemoryBookings, MemoryProjections
from tests.contract.repositories.papers_in_memory import MemoryMoneys, MemoryPapers


class MemoryBooks(MemoryBookings, MemoryPapers, MemoryMoneys, MemoryProjections):
    """Satisfies ``Books``."""

    def __init__(self, tables: BillingTables, request: RequestKey | None = None) -> None:
        super().__init__(tables)
        self._request = request
        self.replayed = tables.reply_to(request) if request else None
        self.is_committed = False

    def publish(self, event: BillingEvent) -> None:
        self.tables.events.append(event)

    async def commit(self, result: str = "") -> None:
        if self._request is not None and self.replayed is None:
            key = (self._request.method, self._request.request_id)
            self.tables.replies[key] = (self._request.fingerprint, result)
        self.is_committed = True


class MemoryBilling:
    """Satisfies ``BooksFactory`` by ``books``, and ``InvoiceDesk``."""

    def __init__(self) -> None:
        self.towns: defaultdict[int, BillingTables] = defaultdict(BillingTables)

    @asynccontextmanager
    async def books(self, context: Context, request: RequestKey | None = None) -> AsyncIterator[MemoryBooks]:
        books = MemoryBooks(deepcopy(self.towns[context.tenant_id]), request)
        yield books
        if books.is_committed:
            self.towns[context.tenant_id] = books.tables

    async def issue(self, context: Context, order: IssueOrder) -> IssueAnswer:
        tables = self.towns[context.tenant_id]
        household = tables.households.get(order.household_id)
        revision = household.record.revision if household else 0
        try:
            known = tables.reply_to(order.request)
        except KeyReusedError:
            return IssueAnswer("KEY_REUSED", "", revision, 0)
        if known is not None:
            return IssueAnswer("REPLAYED", known, revision, 0)
        if revision < order.min_revision:
            return IssueAnswer("BEHIND", "", revision, 0)
        async with self.books(context) as books:
            pending = books.pending(household.record.key) if household else []
            total = sum(line.price_minor for line in pending)
            if household is None or not pending or total != order.expected_minor:
                return IssueAnswer("CHANGED" if pending else "EMPTY", "", revision, total)
            issuer = make_issuer(books.tables)
            if issuer is None:
                return IssueAnswer("NO_TILL", "", revision, total)
            for line in pending:
                books.tables.lines[line.id] = replace(line, state=LineState.INVOICED, invoice_id=order.invoice_id)
            if total:
                await books.post(ledger.invoice_issued(total), household.record.key, order.issued_at)
            document = NewDocument(
                id=order.invoice_id,
                kind=DocumentKind.INVOICE,
                household_key=household.record.key,
                total_minor=total,
                issued_at=order.issued_at,
                payer_name=order.payer_name,
                payer_address=order.payer_address,
                issuer=issuer,
                year=year_on(order.issued_at, issuer.time_zone),
                lines=print_lines(books.tables, pending, order.child_names),
            )
            number = await books.add_document(document)
            invoice = books.tables.invoices[order.invoice_id]
            books.tables.invoices[invoice.id] = replace(invoice, payable_until=household.hold_expires_at)
            books.publish(InvoiceIssued(order.invoice_id, number, order.household_id, total, order.issued_at))
            books.tables.replies[order.request.method, order.request.request_id] = (
                order.request.fingerprint,
                order.invoice_id,
            )
            await books.commit()
        return IssueAnswer("ISSUED", order.invoice_id, revision, total)

    async def document(self, context: Context, document_id: str, household_id: str | None) -> Document | None:
        tables = self.towns[context.tenant_id]
        new = tables.documents.get(document_id)
        if new is None:
            return None
        owner = tables.household_of(new.household_key).record.id
        if household_id not in {None, owner}:
            return None
        invoice = tables.invoices.get(document_id)
        facts = tables.facts.get(document_id, InvoiceFacts())
        related = [
            other
            for other in tables.documents.values()
            if other.id == new.corrects_id or (new.kind is DocumentKind.INVOICE and other.corrects_id == new.id)
        ]
        return Document(
            id=new.id,
            number=tables.numbers[new.id],
            kind=new.kind,
            household_id=owner,
            total_minor=new.total_minor,
            issued_at=new.issued_at,
            payer_name=new.payer_name,
            payer_address=new.payer_address,
            issuer=new.issuer,
            line_count=len(new.lines),
            status=invoice.status if invoice else InvoiceState.ISSUED,
            paid_at=facts.paid_at,
            payable_until=invoice.payable_until if invoice else None,
            related_id=related[-1].id if related else "",
            related_number=tables.numbers[related[-1].id] if related else "",
            related_issued_at=related[-1].issued_at if related else None,
            receipt_number=facts.receipt_number,
            means=facts.means,
            is_confirmed=invoice.is_confirmed if invoice else False,
            last_attempt_id=facts.last_attempt_id,
            lines=new.lines,
        )


def make_issuer(tables: BillingTables) -> Issuer | None:
    """The town and its first till as they stand; nothing while either is missing."""
    town, till = tables.town, next(iter(tables.tills.values()), None)
    if town is None or till is None:
        return None
    return Issuer(
        town_name=town.name,
        time_zone=town.time_zone,
        office_name=town.office_name,
        office_address=town.office_address,
        office_phone=town.office_phone,
        office_email=town.office_email,
        till_code=till.code,
        till_name=till.name,
        siret=till.siret,
        vat_mention=till.vat_mention,
    )


def print_lines(tables: BillingTables, lines: list[Line], names: dict[str, str]) -> tuple[DocumentLine, ...]:
    """By day, activity and child, as they are read."""

    def order(line: Line) -> tuple[object, ...]:
        origin = tables.origins[line.id]
        position = tables.activities[origin.activity_id].position
        return (origin.day, position, tables.children.index(origin.child_id), line.id)

    printed = []
    for rank, line in enumerate(sorted(lines, key=order), 1):
        origin = tables.origins[line.id]
        activity = tables.activities[origin.activity_id]
        where = "commune" if origin.is_resident else "hors commune"
        printed.append(
            DocumentLine(
                rank=rank,
                charge_line_id=line.id,
                reservation_id=line.reservation_id,
                child_id=origin.child_id,
                child_name=names.get(origin.child_id, "Enfant"),
                activity_id=origin.activity_id,
                activity_name=activity.name,
                kind=ActivityKind(activity.kind),
                day=origin.day,
                price_minor=line.price_minor,
                computation=f"Tarif {where} du {origin.tariff.valid_from:%d/%m/%Y}",
            )
        )
    return tuple(printed)
