"""What the agenda's events do to a household's lines, in the order of the household's revisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from preau_kernel.ids import IdFactory

from billing_svc.application.credit_invoice import cancel_unpaid_invoice, credit_paid_lines
from billing_svc.application.ports import Books
from billing_svc.application.records import BasketEntry, BasketLines, HouseholdRecord
from billing_svc.domain.errors import InvoiceNotFoundError, NotReadyError, RevisionGapError, UnpricedError
from billing_svc.domain.revisions import Step, next_step
from billing_svc.domain.settlement import RESERVATIONS_CANCELLED
from billing_svc.domain.states import LineState
from billing_svc.domain.withdrawal import Cause, Withdrawal, plan_withdrawal, remaining


async def hold_reservations(
    household_id: str, revision: int, hold_expires_at: datetime, lines: BasketLines, books: Books
) -> None:
    """Price a whole entry into the basket."""
    answer = await books.hold(household_id, revision, hold_expires_at, lines)
    if answer in {"APPLIED", "SEEN"}:
        return
    if answer == "GAP":
        raise RevisionGapError(-1, revision)
    if answer == "TARIFF_MISSING":
        raise UnpricedError
    raise NotReadyError(answer)


async def hold_together(entries: Sequence[BasketEntry], books: Books) -> None:
    """Price several entries at once; any that cannot be is the failure of all, and they are to be told one by one."""
    answer = await books.hold_all(entries)
    if answer != "APPLIED":
        raise NotReadyError(answer)


async def enter(household_id: str, revision: int, books: Books) -> HouseholdRecord | None:
    """The locked household when the event is next; nothing when it was seen; ``REVISION_GAP`` when it is early."""
    household = await books.lock_household(household_id)
    if household is None:
        raise NotReadyError("HOUSEHOLD_UNKNOWN")
    return household if next_step(household.revision, revision) is Step.APPLY else None


async def renew_hold(household_id: str, revision: int, hold_expires_at: datetime, books: Books) -> None:
    """The hold starts anew, for the basket and for what is invoiced and unpaid."""
    household = await enter(household_id, revision, books)
    if household is None:
        return
    await books.renew_hold(household, hold_expires_at)
    await books.advance(household, revision)


async def withdraw_reservations(
    household_id: str,
    revision: int,
    reservation_ids: Sequence[int],
    cause: Cause,
    books: Books,
    at: datetime,
    ids: IdFactory,
) -> None:
    """Cancelled or expired reservations leave the basket; unpaid invoices with them are cancelled, paid lines credited."""
    household = await enter(household_id, revision, books)
    if household is None:
        return
    await books.advance(household, revision)
    plan = plan_withdrawal(await books.live_lines(household, reservation_ids), cause)
    await end_unpaid(plan, cause.name, books, at, ids, is_reopened=cause is Cause.CANCELLED)
    for invoice_id, lines in plan.refunds.items():
        invoice = await books.invoice(invoice_id)
        if invoice is None:
            raise InvoiceNotFoundError
        await credit_paid_lines(books, invoice, [line.id for line in lines], RESERVATIONS_CANCELLED, at, ids)


async def end_unpaid(
    plan: Withdrawal, reason: str, books: Books, at: datetime, ids: IdFactory, *, is_reopened: bool
) -> None:
    """Move the plan's lines; an unpaid invoice with one of them is cancelled, its other lines are back in the basket."""
    gone: list[int] = []
    for state, line_ids in plan.ended.items():
        gone += line_ids
        await books.set_lines(line_ids, state)
    for invoice_id in plan.invoices_to_cancel:
        invoice = await books.invoice(invoice_id)
        if invoice is None:
            raise InvoiceNotFoundError
        returned = remaining(await books.lines_of_invoice(invoice_id), gone)
        await books.set_lines(returned, LineState.PENDING)
        await cancel_unpaid_invoice(books, invoice, reason, at, ids, is_reopened=is_reopened and bool(returned))
