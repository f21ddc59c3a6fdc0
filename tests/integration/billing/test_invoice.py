"""Issuing: one immutable document for the whole basket, its number without gap or double."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from preau.billing.v1 import billing_events_pb2 as events
from preau.billing.v1 import billing_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.billing.neighbours import START
from tests.integration.billing.town import SCHOOL_DAYS, Family, Town, euros


async def test_the_basket_becomes_one_invoice_with_its_names_and_the_first_number(family: Family) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    assert invoice.number == "CP-2025-000001"
    assert (invoice.status, invoice.kind) == (pb.INVOICE_STATUS_ISSUED, pb.DOCUMENT_KIND_INVOICE)
    assert (invoice.total.minor_units, invoice.line_count, len(invoice.lines)) == (5400, 72, 72)
    assert invoice.payer_name == "Camille Démo"
    assert {line.child_name for line in invoice.lines} == {"Enfant1 Démo"}
    assert invoice.payable_until.ToDatetime(tzinfo=UTC) == datetime(2025, 8, 20, 14, tzinfo=UTC)
    assert (await family.basket()).count == 0


async def test_issuing_tells_the_others_once_and_books_a_receivable(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    (told,) = await town.published(events.InvoiceIssued)
    assert (told.invoice_id, told.number, told.household_id) == (invoice.id, "CP-2025-000001", family.id)
    assert told.total == euros(300)
    assert await town.ledger() == {"receivable": 300, "revenue": -300}


async def test_a_series_goes_on_after_its_millionth_number(family: Family, town: Town) -> None:
    async with town.platform.database.unit_of_work(town.system) as uow:
        await uow.execute(
            "INSERT INTO counter (tenant_id, till_code, series, year, last_rank) VALUES ($1, 'CP', '', 2025, 999998)",
            town.system.tenant_id,
        )
        await uow.commit()
    numbers = []
    for day in range(3):
        await family.hold(SCHOOL_DAYS[day : day + 1])
        numbers.append((await family.issue(300)).number)
    assert numbers == ["CP-2025-999999", "CP-2025-1000000", "CP-2025-1000001"]


async def test_the_same_request_gives_the_same_invoice(family: Family) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    request_id = str(uuid4())
    first, second = await asyncio.gather(family.issue(300, request_id), family.issue(300, request_id))
    assert first == second
    assert (await family.issue(300, request_id)).id == first.id


async def test_the_same_request_with_another_body_is_refused(family: Family) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    request_id = str(uuid4())
    await family.issue(300, request_id)
    with pytest.raises(DomainError) as refusal:
        await family.issue(301, request_id)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_a_basket_that_changed_is_refused_with_both_amounts(family: Family) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    with pytest.raises(DomainError) as refusal:
        await family.issue(5400)
    assert refusal.value.reason == "BASKET_CHANGED"
    assert refusal.value.metadata == {"expected_minor": "5400", "actual_minor": "300"}
    assert (await family.basket()).count == 4


async def test_an_empty_basket_is_refused(family: Family) -> None:
    with pytest.raises(DomainError) as refusal:
        await family.issue(0)
    assert refusal.value.reason == "BASKET_EMPTY"


async def test_a_town_without_a_till_issues_nothing(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    async with town.platform.database.unit_of_work(town.system) as uow:
        await uow.execute("DELETE FROM till WHERE tenant_id = $1", town.system.tenant_id)
        await uow.commit()
    with pytest.raises(DomainError) as refusal:
        await family.issue(300)
    assert refusal.value.reason == "TILL_MISSING"


async def test_names_that_cannot_be_asked_stop_the_issue(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    town.platform.identity.is_down = True
    with pytest.raises(DomainError) as refusal:
        await family.issue(300)
    assert refusal.value.kind is ErrorKind.UNAVAILABLE
    town.platform.identity.is_down = False
    assert (await family.issue(300)).number == "CP-2025-000001"


async def test_the_year_is_the_one_on_the_towns_clock(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    clock = town.platform.clock
    clock.advance(datetime(2026, 1, 1, 2, 0, tzinfo=UTC) - START)
    try:
        invoice = await family.issue(300)
    finally:
        clock.advance(START - datetime(2026, 1, 1, 2, 0, tzinfo=UTC))
    assert invoice.number == "CP-2025-000001"


async def test_50_invoices_at_once_have_50_numbers_without_a_gap(town: Town) -> None:
    families = [await town.household() for _ in range(50)]
    for one in families:
        await one.hold(SCHOOL_DAYS[:1])
    # Every fifth is refused on the way, which must cost no number.
    expected = [300 if rank % 5 else 299 for rank in range(50)]
    answers = await asyncio.gather(
        *(one.issue(amount) for one, amount in zip(families, expected, strict=True)), return_exceptions=True
    )
    numbers = sorted(answer.number for answer in answers if isinstance(answer, pb.Invoice))
    assert numbers == [f"CP-2025-{rank:06d}" for rank in range(1, 41)]


async def test_a_rolled_back_issue_leaves_no_gap(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    async with town.platform.database.unit_of_work(town.system) as uow:
        taken = await uow.fetchval("SELECT billing_next_number('CP', '', 2025)")
    assert taken == "CP-2025-000001"
    assert (await family.issue(300)).number == "CP-2025-000001"


async def test_a_free_basket_is_settled_at_once(family: Family, town: Town) -> None:
    await town.rows("SELECT 1")
    async with town.platform.database.unit_of_work(town.system) as uow:
        await uow.execute("UPDATE tariff SET resident_minor = 0 WHERE tenant_id = $1", town.system.tenant_id)
        await uow.commit()
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(0)
    assert (invoice.status, invoice.receipt_number) == (pb.INVOICE_STATUS_PAID, "CP-QT-2025-000001")
    assert len(await town.published(events.InvoiceSettled)) == 1


@pytest.mark.parametrize(
    "table", ["document", "document_line", "ledger_transaction", "ledger_entry", "payment", "allocation"]
)
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"])
async def test_what_was_issued_or_booked_cannot_be_changed(family: Family, town: Town, table: str, change: str) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, str(uuid4()))
    with pytest.raises(asyncpg.RestrictViolationError):
        await town.rows(change.format(table))


async def post_unbalanced(town: Town) -> None:
    tenant = town.system.tenant_id
    async with town.platform.database.unit_of_work(town.system) as uow:
        movement = await uow.fetchval(
            "INSERT INTO ledger_transaction (tenant_id, kind, recorded_at) VALUES ($1, 'x', now()) RETURNING id", tenant
        )
        await uow.execute(
            "INSERT INTO ledger_entry (tenant_id, transaction_id, account, debit_minor, credit_minor)"
            " VALUES ($1, $2, 'cash', 100, 0), ($1, $2, 'revenue', 0, 99)",
            tenant,
            movement,
        )
        await uow.commit()


async def test_a_ledger_transaction_out_of_balance_cannot_be_committed(town: Town) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await post_unbalanced(town)
    assert await town.ledger() == {}


async def test_another_household_and_another_town_see_no_invoice(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    neighbour = await town.household()
    elsewhere = await (await town.platform.town()).household()
    for stranger in (neighbour, elsewhere):
        with pytest.raises(DomainError) as refusal:
            await stranger.get(invoice.id)
        assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "INVOICE_NOT_FOUND")
        with pytest.raises(DomainError) as refusal:
            await stranger.start(invoice.id)
        assert refusal.value.kind is ErrorKind.NOT_FOUND


async def test_documents_are_listed_latest_first_page_by_page(family: Family) -> None:
    numbers = []
    for day in SCHOOL_DAYS[:3]:
        await family.hold([day])
        numbers.append((await family.issue(300)).number)
    first = await family.client.ListInvoices(pb.ListInvoicesRequest(page_size=2))
    rest = await family.client.ListInvoices(pb.ListInvoicesRequest(page_size=2, page_token=first.next_page_token))
    listed = [invoice.number for page in (first, rest) for invoice in page.invoices]
    assert listed == numbers[::-1]
    assert rest.next_page_token == ""
    assert not first.invoices[0].lines
    assert first.invoices[0].line_count == 4


async def test_a_basket_too_small_to_pay_online_consumes_no_number_and_stays_whole(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1], (1,))
    order = pb.IssueInvoiceRequest(
        request_id=str(uuid4()), min_revision=family.revision, expected_total=euros(45), pays_online=True
    )
    with pytest.raises(DomainError) as refusal:
        await family.client.IssueInvoice(order)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.PRECONDITION, "AMOUNT_TOO_SMALL")
    assert refusal.value.metadata == {
        "total_minor": "45",
        "minimum_minor": "100",
        "hold_expires_at": "2025-08-20T14:00:00+00:00",
    }
    assert await town.rows("SELECT * FROM counter WHERE tenant_id = $1", town.system.tenant_id) == []
    assert (await family.basket()).count == 1
    assert (await family.issue(45)).number == "CP-2025-000001"


async def test_a_town_without_online_payment_invoices_any_amount(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1], (1,))
    town.platform.payment.is_open = False
    order = pb.IssueInvoiceRequest(
        request_id=str(uuid4()), min_revision=family.revision, expected_total=euros(45), pays_online=True
    )
    try:
        answer = await family.client.IssueInvoice(order)
    finally:
        town.platform.payment.is_open = True
    assert answer.invoice.number == "CP-2025-000001"
