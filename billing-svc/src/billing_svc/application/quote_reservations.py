"""Prices of reservations that do not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from preau_kernel.context import Context

from billing_svc.application.queries import QuoteRow, Reads
from billing_svc.domain.errors import NotReadyError, TariffMissingError


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
