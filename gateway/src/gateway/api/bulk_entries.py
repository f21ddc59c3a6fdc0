"""Saisie groupée: preview, apply, undo."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import JSONBody
from preau.agenda.v1.agenda_service_pb2 import (
    ApplyBulkEntryRequest,
    PreviewBulkEntryRequest,
    UndoBulkEntryRequest,
)
from preau.billing.v1.billing_service_pb2 import QuoteReservationsRequest, QuoteRow
from preau_kernel.errors import InvalidError

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS, IdempotencyKey, known_id
from gateway.api.schemas import BulkEntry, BulkPreview, BulkResult, Money, UndoneBulkEntry
from gateway.auth import require_family


class BulkEntriesController(Controller):
    path = "/bulk-entries"
    guards = (require_family,)
    security = BEARER
    tags = ("Bulk entries",)

    @post("/preview", operation_id="previewBulkEntry", responses=PROBLEMS, status_code=200)
    async def preview(
        self,
        request: AnyRequest,
        data: JSONBody[BulkEntry],
        idempotency_key: IdempotencyKey = "",
    ) -> BulkPreview:
        """What the same entry would do now: how many rows, which are skipped and why, and the price.

        With a key, the same preview again, even if places or prices changed meanwhile.
        """
        caller = caller_of(request)
        request_id = caller.request_id(idempotency_key) if idempotency_key else ""
        _check_period(data)
        found = await caller.clients.agenda.preview_bulk_entry(
            caller.token, PreviewBulkEntryRequest(entry=mapping.wire_bulk_entry(data), request_id=request_id)
        )
        total = Money(0)
        if found.created:
            quote = await caller.clients.billing.quote_reservations(
                caller.token,
                QuoteReservationsRequest(
                    rows=[QuoteRow(activity_id=row.activity_id, days=row.days) for row in found.created],
                    request_id=request_id,
                ),
            )
            total = mapping.money(quote.total)
        return BulkPreview(
            created=mapping.count_days(found.created),
            removed=mapping.count_days(found.removed),
            skipped=mapping.skipped(found.skipped),
            total=total,
            missing_required_activity_ids=list(found.missing_required_activity_ids),
        )

    @post(operation_id="applyBulkEntry", responses=PROBLEMS, status_code=200)
    async def apply(
        self,
        request: AnyRequest,
        data: JSONBody[BulkEntry],
        idempotency_key: IdempotencyKey = "",
    ) -> BulkResult:
        """Create or delete over a period, in one transaction; rows that cannot be are skipped with a reason."""
        caller = caller_of(request)
        _check_period(data)
        done = await caller.clients.agenda.apply_bulk_entry(
            caller.token,
            ApplyBulkEntryRequest(
                request_id=caller.request_id(idempotency_key),
                entry=mapping.wire_bulk_entry(data),
                compact=True,
            ),
        )
        return BulkResult(
            created=done.created_count,
            removed=done.removed_count,
            skipped=mapping.skipped(done.skipped) or mapping.skipped_days(done.skipped_days),
            entry_id=done.entry_id,
            hold_expires_at=mapping.instant(done.hold_expires_at),
            undo_until=mapping.instant(done.undo_until),
            revision=done.revision,
        )

    @post("/{entry_id:str}/undo", operation_id="undoBulkEntry", responses=PROBLEMS, status_code=200)
    async def undo(
        self,
        request: AnyRequest,
        entry_id: str,
        idempotency_key: IdempotencyKey = "",
    ) -> UndoneBulkEntry:
        """Take back what one bulk entry created, within ten minutes and while nothing of it is invoiced."""
        caller = caller_of(request)
        undone = await caller.clients.agenda.undo_bulk_entry(
            caller.token,
            UndoBulkEntryRequest(
                request_id=caller.request_id(idempotency_key),
                entry_id=known_id(entry_id),
            ),
        )
        return UndoneBulkEntry(undone.removed_count, undone.revision)


def _check_period(entry: BulkEntry) -> None:
    """The shape of a period; how long it may be is agenda's rule."""
    if entry.last < entry.first:
        raise InvalidError("PERIOD_REVERSED", "to")
