"""Paying: an attempt, another, the counter; and money that comes late, twice, or wrong."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.billing.v1 import billing_events_pb2 as events
from preau.billing.v1 import billing_service_pb2 as pb
from preau.payment.v1 import payment_events_pb2 as payment_events
from preau.payment.v1 import payment_service_pb2 as payment
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.billing.town import SCHOOL_DAYS, Family, Town, euros


async def refused(call: object) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        await call  # type: ignore[misc]
    return refusal.value


async def counter(town: Town, invoice_id: str, minor: int, request_id: str = "", role: str = "till") -> pb.Invoice:
    response = await town.client(roles=(role,)).RecordCounterPayment(
        pb.RecordCounterPaymentRequest(
            request_id=request_id or str(uuid4()),
            invoice_id=invoice_id,
            means=pb.COUNTER_MEANS_CASH,
            amount=euros(minor),
        )
    )
    invoice: pb.Invoice = response.invoice
    return invoice


async def test_a_clerk_who_is_a_parent_too_is_answered_with_the_invoice_of_the_other_family(
    family: Family, town: Town
) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    clerk = town.client(roles=("till", "guardian"), household_id=(await town.household()).id)
    taken = pb.RecordCounterPaymentRequest(
        request_id=str(uuid4()), invoice_id=invoice.id, means=pb.COUNTER_MEANS_CASH, amount=euros(300)
    )
    for _ in range(2):
        answer = await clerk.RecordCounterPayment(taken)
        assert (answer.invoice.id, answer.invoice.status) == (invoice.id, pb.INVOICE_STATUS_PAID)


async def test_an_attempt_names_the_invoice_its_amount_and_the_payer(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    request_id = str(uuid4())
    attempt = await family.start(invoice.id, request_id)
    asked = town.platform.payment.requests[-1]
    assert (asked.invoice_id, asked.amount, asked.debt_reference) == (invoice.id, euros(5400), "CP2025000001A01")
    assert (asked.payer_email, asked.fiscal_year, asked.description) == (
        "camille@example.org",
        2025,
        "Facture CP-2025-000001",
    )
    assert await family.start(invoice.id, request_id) == attempt
    assert (await family.get(invoice.id)).last_attempt_id == attempt
    await family.start(invoice.id)
    assert town.platform.payment.requests[-1].debt_reference == "CP2025000001A02"


async def test_a_provider_that_does_not_answer_leaves_the_invoice_payable(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    town.platform.payment.is_down = True
    request_id = str(uuid4())
    error = await refused(family.start(invoice.id, request_id))
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert error.metadata["invoice_id"] == invoice.id
    town.platform.payment.is_down = False
    assert await family.start(invoice.id, request_id)
    assert town.platform.payment.requests[-1].debt_reference == "CP2025000001A01"


async def test_less_than_a_euro_can_only_be_paid_at_the_counter(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1], positions=(1,))
    invoice = await family.issue(45)
    error = await refused(family.start(invoice.id))
    assert (error.reason, error.metadata["minimum_minor"]) == ("AMOUNT_TOO_SMALL", "100")
    assert (await counter(town, invoice.id, 45)).status == pb.INVOICE_STATUS_PAID


async def test_a_payer_without_an_address_is_told_so(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    town.platform.identity.email = ""
    try:
        error = await refused(family.start(invoice.id))
    finally:
        town.platform.identity.email = "camille@example.org"
    assert error.reason == "PAYER_EMAIL_MISSING"


async def test_an_invoice_whose_hold_is_over_is_not_payable(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    town.platform.clock.advance(timedelta(hours=1))
    try:
        error = await refused(family.start(invoice.id))
    finally:
        town.platform.clock.advance(-timedelta(hours=1))
    assert (error.reason, error.metadata["status"]) == ("INVOICE_NOT_PAYABLE", "HOLD_EXPIRED")


async def test_money_settles_the_invoice_with_a_receipt(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    await family.pay(invoice, await family.start(invoice.id))
    paid = await family.get(invoice.id)
    assert (paid.status, paid.receipt_number) == (pb.INVOICE_STATUS_PAID, "CP-QT-2025-000001")
    assert not paid.reservations_confirmed
    (settled,) = await town.published(events.InvoiceSettled)
    assert (settled.invoice_id, settled.household_id, settled.is_late) == (invoice.id, family.id, False)
    assert list(settled.reservation_ids) == ids
    assert await town.ledger() == {"bank:payfip": 5400, "revenue": -5400}
    await family.confirm(invoice.id, ids)
    assert (await family.get(invoice.id)).reservations_confirmed
    assert (await refused(family.start(invoice.id))).reason == "INVOICE_NOT_PAYABLE"


async def test_the_same_money_told_twice_counts_once(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    await family.pay(invoice, attempt)
    await family.pay(invoice, attempt)
    assert await town.ledger() == {"bank:payfip": 300, "revenue": -300}
    assert await family.credit() == 0
    assert await town.alerts() == []


async def test_paying_twice_makes_the_second_payment_the_familys_credit(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    first, second = await family.start(invoice.id), await family.start(invoice.id)
    await family.pay(invoice, first)
    await family.pay(invoice, second)
    assert await family.credit() == 300
    assert await town.alerts() == ["DOUBLE_PAYMENT"]
    assert await town.ledger() == {"bank:payfip": 600, "family_credit": -300, "revenue": -300}
    (credited,) = await town.published(events.FamilyAccountCredited)
    assert (credited.household_id, credited.amount, credited.reason) == (family.id, euros(300), "DOUBLE_PAYMENT")


async def test_a_test_payment_settles_nothing_in_a_production_town(town: Town) -> None:
    real = await town.platform.town(is_production=True)
    family = await real.household()
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id), is_test=True)
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_ISSUED
    assert await real.alerts() == ["TEST_PAYMENT_IN_PRODUCTION"]
    assert await real.ledger() == {"receivable": 300, "revenue": -300}


async def test_another_amount_than_due_is_kept_and_shown_to_a_clerk(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id), amount=200)
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_ISSUED
    assert await town.alerts() == ["AMOUNT_MISMATCH"]
    assert await family.credit() == 200


async def test_a_refused_card_leaves_the_invoice_payable_again(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    await town.tell(payment_events.PaymentFailed(attempt_id=attempt, invoice_id=invoice.id, outcome="DENIED"))
    again = await family.start(invoice.id)
    assert again != attempt
    await family.pay(invoice, again)
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_PAID


async def test_a_mismatch_told_by_the_gateway_is_put_before_a_clerk(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await town.tell(
        payment_events.PaymentMismatched(
            attempt_id=str(uuid4()), invoice_id=invoice.id, fields=["montant"], expected=euros(300), actual=euros(1)
        )
    )
    assert await town.alerts() == ["AMOUNT_MISMATCH"]
    assert await family.credit() == 0


async def test_the_counter_settles_the_same_invoice_once(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    assert (await refused(counter(town, invoice.id, 5400, role="guardian"))).kind is ErrorKind.FORBIDDEN
    assert (await refused(counter(town, invoice.id, 5300))).reason == "AMOUNT_MISMATCH"
    request_id = str(uuid4())
    till = town.client(roles=("till",))
    request = pb.RecordCounterPaymentRequest(
        request_id=request_id, invoice_id=invoice.id, means=pb.COUNTER_MEANS_CHEQUE, amount=euros(5400)
    )
    first, second = await till.RecordCounterPayment(request), await till.RecordCounterPayment(request)
    assert first == second
    assert first.invoice.receipt_number == "CP-QT-2025-000001"
    assert await town.ledger() == {"cheques": 5400, "revenue": -5400}
    assert len(await town.published(events.InvoiceSettled)) == 1
    assert (await refused(counter(town, invoice.id, 5400))).reason == "INVOICE_NOT_PAYABLE"


async def test_reopening_puts_the_lines_back_and_leaves_a_credit_note(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    request = pb.ReopenInvoiceRequest(request_id=str(uuid4()), invoice_id=invoice.id)
    note = (await family.client.ReopenInvoice(request)).credit_note
    assert (note.number, note.total.minor_units, note.related_number) == ("CP-AV-2025-000001", -5400, invoice.number)
    assert (await family.client.ReopenInvoice(request)).credit_note.id == note.id
    cancelled = await family.get(invoice.id)
    assert (cancelled.status, cancelled.related_number) == (pb.INVOICE_STATUS_CANCELLED, note.number)
    assert (await family.basket()).total.minor_units == 5400
    (told,) = await town.published(events.InvoiceCancelled)
    assert (told.invoice_id, told.credit_note_id, told.is_reopened) == (invoice.id, note.id, True)
    assert await town.ledger() == {}
    assert (await family.issue(5400)).number == "CP-2025-000002"


@pytest.mark.parametrize(
    ("status", "is_refused"),
    [
        (payment.PAYMENT_STATUS_PENDING, True),
        (payment.PAYMENT_STATUS_PAID, True),
        (payment.PAYMENT_STATUS_DENIED, False),
        (payment.PAYMENT_STATUS_EXPIRED, False),
    ],
)
async def test_reopening_asks_the_provider_about_an_open_attempt(
    family: Family, town: Town, status: payment.PaymentStatus.ValueType, *, is_refused: bool
) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    attempt = await family.start(invoice.id)
    town.platform.payment.refreshed = status
    reopening = family.client.ReopenInvoice(pb.ReopenInvoiceRequest(request_id=str(uuid4()), invoice_id=invoice.id))
    if is_refused:
        error = await refused(reopening)
        assert (error.reason, error.metadata["attempt_id"]) == ("PAYMENT_IN_PROGRESS", attempt)
        assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_ISSUED
    else:
        assert (await reopening).credit_note.number == "CP-AV-2025-000001"


async def test_a_hold_that_ends_unpaid_cancels_the_invoice_by_a_credit_note(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.expire(ids)
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_CANCELLED
    assert (await family.basket()).count == 0
    (told,) = await town.published(events.InvoiceCancelled)
    assert not told.is_reopened
    assert await town.ledger() == {}


async def test_lines_still_held_of_a_cancelled_invoice_return_to_the_basket(family: Family) -> None:
    ids = await family.hold(SCHOOL_DAYS[:2])
    invoice = await family.issue(600)
    await family.cancel(ids[:4])
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_CANCELLED
    assert (await family.basket()).total.minor_units == 300


async def test_a_paid_reservation_cancelled_in_time_becomes_credit(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id))
    await family.confirm(invoice.id, ids)
    await family.cancel(ids[1:3])
    assert await family.credit() == 195
    notes = (await family.client.ListInvoices(pb.ListInvoicesRequest())).invoices
    assert (notes[0].kind, notes[0].total.minor_units) == (pb.DOCUMENT_KIND_CREDIT_NOTE, -195)
    assert (await family.get(invoice.id)).status == pb.INVOICE_STATUS_PAID
    assert await town.ledger() == {"bank:payfip": 300, "family_credit": -195, "revenue": -105}


async def test_a_paid_place_that_was_lost_becomes_credit_with_an_alert(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id))
    await family.expire(ids)
    assert await family.credit() == 0
    await family.confirm(invoice.id, ids[:3], lost=ids[3:])
    assert await family.credit() == 60
    assert await town.alerts() == ["PLACES_LOST"]
    assert (await family.get(invoice.id)).reservations_confirmed


async def test_late_money_bills_what_is_regained_and_keeps_the_rest_as_credit(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    await family.expire(ids)
    await family.pay(invoice, attempt)
    (late,) = await town.published(events.InvoiceSettled)
    assert (late.is_late, list(late.reservation_ids)) == (True, ids)
    assert await family.credit() == 300
    assert await town.alerts() == ["LATE_PAYMENT"]
    await family.confirm(invoice.id, ids[:3], lost=ids[3:])
    assert await family.credit() == 60
    newest = (await family.client.ListInvoices(pb.ListInvoicesRequest())).invoices[0]
    assert (newest.number, newest.status, newest.total.minor_units) == ("CP-2025-000002", pb.INVOICE_STATUS_PAID, 240)
    assert (newest.receipt_number, newest.reservations_confirmed) == ("CP-QT-2025-000001", True)
    assert newest.last_attempt_id == attempt
    assert await town.ledger() == {"bank:payfip": 300, "family_credit": -60, "revenue": -240}
    (credited,) = await town.published(events.FamilyAccountCredited)
    assert (credited.amount, credited.reason) == (euros(60), "LATE_PAYMENT")


async def test_what_was_held_again_while_late_money_came_is_paid_by_it(family: Family, town: Town) -> None:
    event = family.held(SCHOOL_DAYS[:1])
    await town.tell(event)
    ids = list(event.rows.reservation_ids)
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    await family.expire(ids)
    await family.pay(invoice, attempt)
    family.revision += 1
    event.revision = family.revision
    await town.tell(event)
    await family.confirm(invoice.id, ids)
    assert (await family.basket()).count == 0
    assert await family.credit() == 0
    assert await town.ledger() == {"bank:payfip": 300, "revenue": -300}


async def test_late_money_for_a_reopened_basket_pays_it_and_bills_nothing_twice(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    town.platform.payment.refreshed = payment.PAYMENT_STATUS_CANCELLED
    await family.client.ReopenInvoice(pb.ReopenInvoiceRequest(request_id=str(uuid4()), invoice_id=invoice.id))
    await family.pay(invoice, attempt)
    (late,) = await town.published(events.InvoiceSettled)
    assert (late.is_late, list(late.reservation_ids)) == (True, ids)
    assert await town.alerts() == ["LATE_PAYMENT"]
    await family.confirm(invoice.id, ids)
    assert (await family.basket()).count == 0
    assert await family.credit() == 0
    assert await town.ledger() == {"bank:payfip": 300, "revenue": -300}


async def test_a_renewed_hold_prolongs_the_unpaid_invoice(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    family.revision += 1
    renewed = agenda.HoldsRenewed(household_id=family.id, revision=family.revision)
    renewed.hold_expires_at.FromJsonString("2025-08-20T15:00:00Z")
    await town.tell(renewed)
    assert (await family.get(invoice.id)).payable_until.ToJsonString() == "2025-08-20T15:00:00Z"


async def test_the_pdfs_are_tagged_and_the_receipt_needs_money(family: Family) -> None:
    await family.hold(SCHOOL_DAYS)
    invoice = await family.issue(5400)
    answer = await family.client.GetInvoicePdf(pb.GetInvoicePdfRequest(id=invoice.id))
    assert answer.file_name == "facture-CP-2025-000001.pdf"
    assert answer.pdf.startswith(b"%PDF-")
    error = await refused(family.client.GetReceiptPdf(pb.GetReceiptPdfRequest(invoice_id=invoice.id)))
    assert error.reason == "NOT_PAID"
    await family.pay(invoice, await family.start(invoice.id))
    receipt = await family.client.GetReceiptPdf(pb.GetReceiptPdfRequest(invoice_id=invoice.id))
    assert receipt.file_name == "quittance-CP-QT-2025-000001.pdf"
    assert b"pdfuaid" in receipt.pdf
