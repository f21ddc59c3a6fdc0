"""The hot path of issuing, and reading documents: one round trip each, the tenant set inside."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from preau_chassis.database import Database
from preau_chassis.outbox import outbox_event
from preau_kernel.context import Context

from billing_svc.adapters.db.papers import issuer_of
from billing_svc.adapters.measures import count_invoice
from billing_svc.adapters.publisher import to_message
from billing_svc.application.ports import IssueAnswer, IssueOrder
from billing_svc.application.queries import ListedDocument
from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine
from billing_svc.domain.events import InvoiceIssued
from billing_svc.domain.states import InvoiceState

_ISSUE = """
SELECT * FROM billing_issue_invoice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"""
_DOCUMENTS = "SELECT * FROM billing_documents($1, $2, $3, $4, $5, $6)"


class SqlInvoiceDesk:
    """``InvoiceDesk`` on PostgreSQL functions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, context: Context, order: IssueOrder) -> IssueAnswer:
        told = InvoiceIssued(order.invoice_id, "", order.household_id, order.expected_minor, order.issued_at)
        event = outbox_event(context, to_message(told))
        (row,) = await self._database.fetch(
            _ISSUE,
            context.tenant_id,
            UUID(order.household_id),
            order.request.method,
            UUID(order.request.request_id),
            order.request.fingerprint,
            order.min_revision,
            order.expected_minor,
            order.issued_at,
            UUID(order.invoice_id),
            order.payer_name,
            order.payer_address,
            [UUID(child_id) for child_id in order.child_names],
            list(order.child_names.values()),
            event.event_id,
            event.subject,
            event.type,
            event.body,
            event.traceparent,
            label="billing_issue_invoice",
        )
        answer = IssueAnswer(
            row["outcome"], str(row["invoice_id"] or ""), row["revision"] or 0, row["actual_minor"] or 0
        )
        if answer.outcome == "ISSUED":
            self._database.nudge()
            count_invoice(context.tenant_slug)
        return answer

    async def document(self, context: Context, document_id: str, household_id: str | None) -> Document | None:
        household = None if household_id is None else UUID(household_id)
        row = await self._database.fetchrow(
            _DOCUMENTS, context.tenant_id, household, UUID(document_id), None, 1, True, label="billing_documents"
        )
        return None if row is None else _document(row)

    async def documents(
        self, context: Context, household_id: str, before_key: int | None, limit: int
    ) -> list[ListedDocument]:
        """The household's documents, latest first, without their lines."""
        rows = await self._database.fetch(
            _DOCUMENTS, context.tenant_id, UUID(household_id), None, before_key, limit, False, label="billing_documents"
        )
        return [ListedDocument(row["key"], _document(row)) for row in rows]


def _document(row: Any) -> Document:
    return Document(
        id=str(row["id"]),
        number=row["number"],
        kind=DocumentKind(row["kind"]),
        household_id=str(row["household_id"]),
        total_minor=row["total_minor"],
        issued_at=row["issued_at"],
        payer_name=row["payer_name"],
        payer_address=row["payer_address"],
        issuer=issuer_of(row["issuer"]),
        line_count=row["line_count"],
        status=InvoiceState(row["status"]),
        paid_at=row["paid_at"],
        payable_until=row["payable_until"],
        related_id=str(row["related_id"] or ""),
        related_number=row["related_number"] or "",
        related_issued_at=row["related_issued_at"],
        receipt_number=row["receipt_number"],
        means=row["means"],
        is_confirmed=row["is_confirmed"],
        last_attempt_id=str(row["last_attempt_id"] or ""),
        lines=_lines(row),
    )


def _lines(row: Any) -> tuple[DocumentLine, ...]:
    columns = (
        "charge_line_ids",
        "reservation_ids",
        "child_ids",
        "child_names",
        "activity_ids",
        "activity_names",
        "kinds",
        "days",
        "prices",
        "computations",
    )
    if row["days"] is None:
        return ()
    return tuple(
        DocumentLine(
            rank=rank,
            charge_line_id=line_id,
            reservation_id=reservation_id,
            child_id=str(child_id),
            child_name=child_name,
            activity_id=str(activity_id),
            activity_name=activity_name,
            kind=ActivityKind(kind),
            day=day,
            price_minor=price,
            computation=computation,
        )
        for rank, (
            line_id,
            reservation_id,
            child_id,
            child_name,
            activity_id,
            activity_name,
            kind,
            day,
            price,
            computation,
        ) in enumerate(zip(*(row[column] for column in columns), strict=True), 1)
    )
