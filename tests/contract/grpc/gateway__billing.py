"""What the gateway counts on in billing."""

from __future__ import annotations

from gateway.api.mapping import wire_day
from preau.agenda.v1.agenda_service_pb2 import (
    BULK_ACTION_DELETE,
    ApplyBulkEntryRequest,
    RenewHoldsRequest,
    UndoBulkEntryRequest,
)
from preau.billing.v1.billing_service_pb2 import (
    GetBasketRequest,
    GetInvoiceRequest,
    IssueInvoiceRequest,
    ListInvoicesRequest,
    QuoteReservationsRequest,
    QuoteRow,
)
from preau.common.v1.money_pb2 import Money
from preau_kernel.errors import ErrorKind
from preau_kernel.ids import uuid7

from tests.contract.grpc.gateway_contract import Contract, refused

NOBODY = "0190c1a8-0000-7000-8000-000000000000"


async def expect_the_basket_shows_what_was_just_booked(contract: Contract) -> None:
    token = await contract.token()
    entry = ApplyBulkEntryRequest(request_id=str(uuid7()), entry=await contract.entry(token))
    applied = await contract.clients.agenda.apply_bulk_entry(token, entry)
    request = GetBasketRequest(min_revision=applied.revision, page_size=1)
    basket = await contract.clients.billing.get_basket(token, request)
    assert basket.revision >= applied.revision
    assert basket.count >= applied.created_count
    assert len(basket.lines) == 1
    assert bool(basket.next_page_token) is (basket.count > 1)
    line = basket.lines[0]
    assert line.id
    assert line.reservation_id
    assert line.price.currency_code == basket.total.currency_code == "EUR"
    undo = UndoBulkEntryRequest(request_id=str(uuid7()), entry_id=applied.entry_id)
    undone = await contract.clients.agenda.undo_bulk_entry(token, undo)
    rest = await contract.clients.billing.get_basket(token, GetBasketRequest(min_revision=undone.revision, page_size=1))
    assert rest.count == basket.count - applied.created_count


async def expect_a_stale_total_is_refused_with_both_amounts(contract: Contract) -> None:
    token = await contract.token()
    entry = ApplyBulkEntryRequest(request_id=str(uuid7()), entry=await contract.entry(token))
    applied = await contract.clients.agenda.apply_bulk_entry(token, entry)
    renewed = await contract.clients.agenda.renew_holds(token, RenewHoldsRequest(request_id=str(uuid7())))
    assert renewed.renewed_count >= applied.created_count
    stale = IssueInvoiceRequest(
        request_id=str(uuid7()),
        min_revision=renewed.revision,
        expected_total=Money(minor_units=1, currency_code="EUR"),
    )
    error = await refused(
        contract.clients.billing.issue_invoice(token, stale), ErrorKind.PRECONDITION, "BASKET_CHANGED"
    )
    assert error.metadata["expected_minor"] == "1"
    assert int(error.metadata["actual_minor"]) > 1
    # A renewed hold can no longer be undone: its payment has begun.
    back = ApplyBulkEntryRequest(request_id=str(uuid7()), entry=entry.entry)
    back.entry.action = BULK_ACTION_DELETE
    assert (await contract.clients.agenda.apply_bulk_entry(token, back)).removed_count == applied.created_count


async def expect_a_quote_adds_up_days(contract: Contract) -> None:
    token = await contract.token()
    activity = (await contract.entry(token)).activity_ids[0]
    one = QuoteRow(activity_id=activity, days=[wire_day(contract.day)])
    quote = contract.clients.billing.quote_reservations
    single = await quote(token, QuoteReservationsRequest(rows=[one]))
    double = await quote(token, QuoteReservationsRequest(rows=[one, one]))
    assert double.total.minor_units == 2 * single.total.minor_units > 0


async def expect_an_unknown_invoice_is_not_found(contract: Contract) -> None:
    token = await contract.token()
    await refused(contract.clients.billing.get_invoice(token, GetInvoiceRequest(id=NOBODY)), ErrorKind.NOT_FOUND)


async def expect_invoices_are_listed_by_pages(contract: Contract) -> None:
    answer = await contract.clients.billing.list_invoices(await contract.token(), ListInvoicesRequest(page_size=1))
    assert len(answer.invoices) <= 1
