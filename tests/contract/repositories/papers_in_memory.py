"""Documents, payments and the ledger in memory. What PostgreSQL does in test_papers.py, this does too."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from billing_svc.application.records import (
    AlertRecord,
    AttemptRecord,
    InvoiceRecord,
    NewDocument,
    NewPayment,
    ProviderPayment,
)
from billing_svc.domain import ledger
from billing_svc.domain.documents import DocumentKind, DocumentLine
from billing_svc.domain.ledger import Movement
from billing_svc.domain.numbering import Series, format_number
from billing_svc.domain.states import AttemptState, InvoiceState

from tests.contract.repositories.billing_rows import BillingTables, InvoiceFacts
from tests.contract.repositories.rows_in_memory import require


class MemoryPapers:
    """Satisfies ``Papers``."""

    def __init__(self, tables: BillingTables) -> None:
        self.tables = tables

    async def invoice(self, invoice_id: str) -> InvoiceRecord | None:
        return self.tables.invoices.get(invoice_id)

    async def document_lines(self, invoice_id: str) -> list[DocumentLine]:
        document = self.tables.documents.get(invoice_id)
        return sorted(document.lines, key=lambda line: line.rank) if document else []

    async def add_document(self, document: NewDocument) -> str:
        require(document.id not in self.tables.documents, "one document an id")
        series = Series.INVOICE if document.kind is DocumentKind.INVOICE else Series.CREDIT_NOTE
        number = await self.next_number(document.issuer.till_code, series, document.year)
        self.tables.documents[document.id] = document
        self.tables.numbers[document.id] = number
        if document.kind is DocumentKind.INVOICE:
            self.tables.facts[document.id] = InvoiceFacts()
            self.tables.invoices[document.id] = InvoiceRecord(
                id=document.id,
                number=number,
                household_key=document.household_key,
                household_id=self.tables.household_of(document.household_key).record.id,
                total_minor=document.total_minor,
                issued_at=document.issued_at,
                status=InvoiceState.ISSUED,
                payable_until=None,
                is_confirmed=False,
                late_payment_id="",
                payer_name=document.payer_name,
                payer_address=document.payer_address,
                issuer=document.issuer,
            )
        return number

    async def mark_paid(self, invoice_id: str, means: str, paid_at: datetime, receipt_number: str) -> None:
        self._change(invoice_id, status=InvoiceState.PAID)
        self._change_facts(invoice_id, means=means, paid_at=paid_at, receipt_number=receipt_number)

    async def mark_cancelled(self, invoice_id: str, credit_note_id: str) -> None:
        self._change(invoice_id, status=InvoiceState.CANCELLED)

    async def mark_confirmed(self, invoice_id: str) -> None:
        self._change(invoice_id, is_confirmed=True)

    async def set_late_payment(self, invoice_id: str, payment_id: str) -> None:
        self._change(invoice_id, late_payment_id=payment_id)

    async def set_paid_by(self, invoice_id: str, payment_id: str) -> None:
        payments = (one.attempt_id for one in self.tables.payments if one.id == payment_id)
        self._change_facts(invoice_id, last_attempt_id=next(payments, ""))

    async def next_number(self, till_code: str, series: Series, year: int) -> str:
        key = (till_code, series.value, year)
        self.tables.counters[key] = rank = self.tables.counters.get(key, 0) + 1
        return format_number(till_code, series, year, rank)

    def _change(self, invoice_id: str, **changes: object) -> None:
        if invoice_id in self.tables.invoices:
            self.tables.invoices[invoice_id] = replace(self.tables.invoices[invoice_id], **changes)  # type: ignore[arg-type]

    def _change_facts(self, invoice_id: str, **changes: object) -> None:
        if invoice_id in self.tables.facts:
            self.tables.facts[invoice_id] = replace(self.tables.facts[invoice_id], **changes)  # type: ignore[arg-type]


class MemoryMoneys:
    """Satisfies ``Moneys``."""

    def __init__(self, tables: BillingTables) -> None:
        self.tables = tables

    async def has_payment_of(self, attempt_id: str) -> bool:
        return any(payment.attempt_id == attempt_id for payment in self.tables.payments)

    async def add_payment(self, payment: NewPayment) -> None:
        for known in self.tables.payments:
            require(known.id != payment.id, "one payment an id")
            require(not payment.attempt_id or known.attempt_id != payment.attempt_id, "one payment an attempt")
            is_new = not payment.receipt_number or known.receipt_number != payment.receipt_number
            require(is_new, "one payment a receipt number")
        self.tables.payments.append(payment)

    async def allocate(self, payment_id: str, invoice_id: str, amount_minor: int, at: datetime) -> None:
        twins = [one for one in self.tables.allocations if one[:2] == (payment_id, invoice_id)]
        require(not twins, "one allocation of a payment to an invoice")
        self.tables.allocations.append((payment_id, invoice_id, amount_minor))

    async def post(
        self, movement: Movement, household_key: int, at: datetime, *, document_id: str = "", payment_id: str = ""
    ) -> None:
        self.tables.posted.append((household_key, movement))

    async def family_credit(self, household_id: str) -> int:
        household = self.tables.households.get(household_id)
        own = [movement for key, movement in self.tables.posted if household and key == household.record.key]
        return -ledger.balances(own).get(ledger.FAMILY_CREDIT, 0)

    async def raise_alert(self, alert: AlertRecord) -> None:
        require(all(known.id != alert.id for known in self.tables.alerts), "one alert an id")
        self.tables.alerts.append(alert)

    async def attempts(self, invoice_id: str) -> list[AttemptRecord]:
        own = [attempt for attempt in self.tables.attempts if attempt.invoice_id == invoice_id]
        return sorted(own, key=lambda attempt: attempt.rank)

    async def attempt_of_request(self, request_id: str) -> AttemptRecord | None:
        return next((attempt for attempt in self.tables.attempts if attempt.request_id == request_id), None)

    async def add_attempt(self, attempt: AttemptRecord, at: datetime) -> None:
        for known in self.tables.attempts:
            require(known.request_id != attempt.request_id, "one attempt a request")
            is_other = (known.invoice_id, known.rank) != (attempt.invoice_id, attempt.rank)
            require(is_other, "one attempt a rank of an invoice")
        self.tables.attempts.append(attempt)

    async def start_attempt(self, request_id: str, payment: ProviderPayment) -> None:
        for place, known in enumerate(self.tables.attempts):
            if known.request_id == request_id:
                self.tables.attempts[place] = replace(
                    known,
                    attempt_id=payment.attempt_id,
                    payment_url=payment.payment_url,
                    expires_at=payment.expires_at,
                    state=AttemptState.STARTED if known.state is AttemptState.STARTING else known.state,
                )
                facts = self.tables.facts.get(known.invoice_id, InvoiceFacts())
                self.tables.facts[known.invoice_id] = replace(facts, last_attempt_id=payment.attempt_id)

    async def set_attempt(self, attempt_id: str, state: AttemptState) -> None:
        self.tables.attempts = [
            replace(one, state=state) if one.attempt_id == attempt_id else one for one in self.tables.attempts
        ]
