"""Prices of reservations that do not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from preau_kernel.context import Context

from billing_svc.application.ports import BooksFactory, RequestKey
from billing_svc.application.queries import QuoteRow, Reads
from billing_svc.domain.errors import NotReadyError, TariffMissingError


async def quote_once(
    request: RequestKey, rows: Sequence[QuoteRow], context: Context, reads: Reads, books_of: BooksFactory
) -> list[int]:
    """As ``quote_reservations``; the same request is given its first answer again."""
    totals = await quote_reservations(rows, context, reads)
    async with books_of(context, request) as books:
        if books.replayed is not None:
            return [int(total) for total in books.replayed.split()]
        await books.commit(" ".join(map(str, totals)))
    return totals


async def quote_reservations(rows: Sequence[QuoteRow], context: Context, reads: Reads) -> list[int]:
    """The sum of each row for the caller's household, or ``PRECONDITION/TARIFF_MISSING``."""
    household_id = context.require_household()
    if not rows:
        return []
    quote = await reads.quote(context, household_id, rows)
    if not quote.is_ready:
        raise NotReadyError("HOUSEHOLD_NOT_READY")
    if quote.missing is not None:
        activity_id, day = quote.missing
        raise TariffMissingError(activity_id, day.isoformat())
    return quote.row_totals


async def list_prices(day: date | None, context: Context, reads: Reads, now: datetime) -> list[tuple[str, int]]:
    """The price of each activity for the caller's household on one day, by default today on the town's clock."""
    return await reads.prices(context, context.require_household(), day, now)
