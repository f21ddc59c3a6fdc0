"""Money and the family's own changes cross each other: no cent and no place is lost, whichever comes first."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from preau.billing.v1 import billing_events_pb2 as events
from preau.billing.v1 import billing_service_pb2 as pb
from preau.payment.v1 import payment_service_pb2 as payment
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.billing.town import SCHOOL_DAYS, Family, Town


async def reopen(family: Family, invoice_id: str) -> pb.ReopenInvoiceResponse:
    response: pb.ReopenInvoiceResponse = await family.client.ReopenInvoice(
        pb.ReopenInvoiceRequest(request_id=str(uuid4()), invoice_id=invoice_id)
    )
    return response


async def test_a_row_deleted_while_the_card_is_typed_costs_only_that_row(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:2])
    invoice = await family.issue(600)
    attempt = await family.start(invoice.id)
    await family.cancel(ids[:1])

    await family.pay(invoice, attempt)

    (settled,) = await town.published(events.InvoiceSettled)
    assert (settled.is_late, list(settled.reservation_ids)) == (True, ids[1:])
    await family.confirm(invoice.id, ids[1:])
    assert (await family.basket()).count == 0
    assert await family.credit() == 45
    assert await town.ledger() == {"bank:payfip": 600, "family_credit": -45, "revenue": -555}
    newest = (await family.client.ListInvoices(pb.ListInvoicesRequest())).invoices[0]
    assert (newest.status, newest.total.minor_units, newest.reservations_confirmed) == (
        pb.INVOICE_STATUS_PAID,
        555,
        True,
    )


async def test_a_row_deleted_just_after_the_money_came_is_credited_once(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id))
    await family.cancel(ids[:1])
    await family.confirm(invoice.id, ids[1:], lost=ids[:1])

    assert await family.credit() == 45
    assert await town.ledger() == {"bank:payfip": 300, "family_credit": -45, "revenue": -255}


async def test_money_of_an_older_page_pays_what_was_invoiced_again(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    first = await family.issue(300)
    attempt = await family.start(first.id)
    town.platform.payment.refreshed = payment.PAYMENT_STATUS_CANCELLED
    await reopen(family, first.id)
    more = await family.hold(SCHOOL_DAYS[1:2])
    second = await family.issue(600)

    await family.pay(first, attempt)
    await family.confirm(first.id, ids)

    assert (await family.get(second.id)).status == pb.INVOICE_STATUS_CANCELLED
    basket = await family.basket()
    assert [int(line.reservation_id) for line in basket.lines] == more
    assert await family.credit() == 0
    assert await town.ledger() == {"bank:payfip": 300, "revenue": -300}


async def test_money_for_both_pages_settles_everything_and_keeps_only_what_was_paid_twice(
    family: Family, town: Town
) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    first = await family.issue(300)
    old_page = await family.start(first.id)
    town.platform.payment.refreshed = payment.PAYMENT_STATUS_CANCELLED
    await reopen(family, first.id)
    more = await family.hold(SCHOOL_DAYS[1:2])
    second = await family.issue(600)
    new_page = await family.start(second.id)

    await family.pay(first, old_page)
    await family.confirm(first.id, ids)
    await family.pay(second, new_page)
    await family.confirm(second.id, more)

    assert (await family.basket()).count == 0
    assert await family.credit() == 300
    assert await town.ledger() == {"bank:payfip": 900, "family_credit": -300, "revenue": -600}


async def test_nobody_is_sent_to_pay_an_invoice_that_was_cancelled_meanwhile(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)

    async def cancelled_meanwhile() -> None:
        await reopen(family, invoice.id)

    town.platform.payment.meanwhile = cancelled_meanwhile
    try:
        with pytest.raises(DomainError) as refusal:
            await family.start(invoice.id)
    finally:
        town.platform.payment.meanwhile = None

    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.PRECONDITION, "INVOICE_NOT_PAYABLE")
    assert (await family.basket()).total.minor_units == 300


async def test_an_answer_lost_on_the_way_to_the_provider_gives_the_same_attempt_again(
    family: Family, town: Town
) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    request_id = str(uuid4())
    attempt = await family.start(invoice.id, request_id)
    await town.rows(
        "UPDATE payment_attempt SET attempt_id = NULL, status = 1 WHERE tenant_id = $1", town.system.tenant_id
    )

    assert await family.start(invoice.id, request_id) == attempt


async def test_a_reopened_basket_promises_no_more_time_than_its_oldest_hold_has(family: Family) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    newer = family.held(SCHOOL_DAYS[1:2])
    newer.hold_expires_at.FromJsonString("2025-08-20T14:30:00Z")
    await family.town.tell(newer)
    assert (await family.basket()).hold_expires_at.ToJsonString() == "2025-08-20T14:30:00Z"

    await reopen(family, invoice.id)

    assert (await family.basket()).hold_expires_at.ToJsonString() == "2025-08-20T14:00:00Z"


async def test_two_clicks_with_different_keys_issue_one_invoice(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])

    answers = await asyncio.gather(*(family.issue(300) for _ in range(4)), return_exceptions=True)

    issued = [answer for answer in answers if isinstance(answer, pb.Invoice)]
    refused = [answer.reason for answer in answers if isinstance(answer, DomainError)]
    assert (len(issued), refused) == (1, ["BASKET_EMPTY"] * 3)
    assert await town.ledger() == {"receivable": 300, "revenue": -300}


async def test_payment_and_reopening_at_the_same_instant_leave_one_consistent_state(family: Family, town: Town) -> None:
    for day in SCHOOL_DAYS[:6]:
        ids = await family.hold([day])
        invoice = await family.issue(300)
        attempt = await family.start(invoice.id)
        town.platform.payment.refreshed = payment.PAYMENT_STATUS_DENIED
        await asyncio.gather(family.pay(invoice, attempt), reopen(family, invoice.id), return_exceptions=True)
        await family.confirm(invoice.id, ids)

    assert (await family.basket()).count == 0
    assert await family.credit() == 0
    assert await town.ledger() == {"bank:payfip": 1800, "revenue": -1800}


async def test_payment_and_expiry_at_the_same_instant_leave_one_consistent_state(family: Family, town: Town) -> None:
    for day in SCHOOL_DAYS[:6]:
        ids = await family.hold([day])
        invoice = await family.issue(300)
        attempt = await family.start(invoice.id)
        await asyncio.gather(family.pay(invoice, attempt), family.expire(ids))
        await family.confirm(invoice.id, ids[:3], lost=ids[3:])

    assert (await family.basket()).count == 0
    assert await family.credit() == 6 * 60
    assert await town.ledger() == {"bank:payfip": 1800, "family_credit": -360, "revenue": -1440}
