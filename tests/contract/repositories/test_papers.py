"""What billing's use cases may rely on of documents, numbers and money, whichever store they run on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from billing_svc.application.ports import RequestKey
from billing_svc.application.records import AlertRecord, AttemptRecord, NewPayment, ProviderPayment
from billing_svc.domain import ledger
from billing_svc.domain.documents import ActivityKind
from billing_svc.domain.errors import KeyReusedError
from billing_svc.domain.numbering import Series
from billing_svc.domain.states import AttemptState, InvoiceState, LineState
from preau_kernel.context import Context
from preau_kernel.errors import DomainError

from tests.contract.repositories.billing_town import CARE, HOUR, MEAL, MONDAY, NOW, BillingTown
from tests.contract.repositories.rows_in_memory import BrokenRuleError

REFUSED = (BrokenRuleError, asyncpg.IntegrityConstraintViolationError)


def make_payment(household_key: int, invoice_id: str, **changes: object) -> NewPayment:
    payment = NewPayment(str(uuid4()), household_key, invoice_id, "payfip", MEAL, NOW, "service:payment", str(uuid4()))
    return replace(payment, **changes)  # type: ignore[arg-type]


def make_attempt(invoice_id: str, rank: int = 1, state: AttemptState = AttemptState.STARTING) -> AttemptRecord:
    return AttemptRecord(str(uuid4()), invoice_id, rank, state)


async def test_an_invoice_takes_all_that_waits_and_prints_it_by_day_activity_and_child(billing: BillingTown) -> None:
    later = MONDAY + timedelta(days=1)
    ids = await billing.held([later, MONDAY], [billing.meal, billing.care])
    order = billing.order(2 * (MEAL + CARE))

    answer = await billing.issue(order)

    assert (answer.outcome, answer.invoice_id, answer.revision) == ("ISSUED", order.invoice_id, 1)
    assert answer.actual_minor == 2 * (MEAL + CARE)
    document = await billing.document(order.invoice_id, billing.household)
    assert (document.total_minor, document.line_count, document.issued_at) == (2 * (MEAL + CARE), 4, NOW)
    assert (document.payer_name, document.payer_address) == ("Camille Démo", "1 rue des Flamboyants")
    assert (document.status, document.payable_until) == (InvoiceState.ISSUED, NOW + HOUR)
    assert document.household_id == billing.household
    assert [(line.rank, line.day, line.activity_id, line.price_minor) for line in document.lines] == [
        (1, MONDAY, billing.care, CARE),
        (2, MONDAY, billing.meal, MEAL),
        (3, later, billing.care, CARE),
        (4, later, billing.meal, MEAL),
    ]
    first = document.lines[0]
    assert (first.child_id, first.child_name, first.activity_name) == (billing.child, "Enfant Démo", "Accueil")
    assert (first.kind, first.computation) == (ActivityKind.CHILDCARE, "Tarif commune du 01/09/2025")
    async with billing.books(billing.context) as books:
        assert list(document.lines) == await books.document_lines(order.invoice_id)
        lines = await books.lines_of_invoice(order.invoice_id)
    assert sorted(line.reservation_id for line in lines) == sorted(ids)
    assert {line.state for line in lines} == {LineState.INVOICED}


async def test_a_line_from_elsewhere_says_so_and_a_child_without_a_name_is_a_child(billing: BillingTown) -> None:
    async with billing.books(billing.context) as books:
        await books.put_household(billing.household, [], 2, is_resident=False)
        await books.commit()
    await billing.held()
    order = billing.order(2 * MEAL, child_names={})
    await billing.issue(order)

    (line,) = (await billing.document(order.invoice_id)).lines
    assert (line.child_name, line.computation) == ("Enfant", "Tarif hors commune du 01/09/2025")


async def test_an_invoice_is_refused_with_the_reason_and_takes_no_number(billing: BillingTown) -> None:
    assert (await billing.issue(billing.order(0))).outcome == "EMPTY"
    assert (await billing.issue(billing.order(0, household_id=str(uuid4()), min_revision=0))).outcome == "EMPTY"
    early = await billing.issue(billing.order(0, household_id=str(uuid4()), min_revision=1))
    assert (early.outcome, early.revision) == ("BEHIND", 0)
    await billing.held()

    behind = await billing.issue(billing.order(MEAL, min_revision=2))
    changed = await billing.issue(billing.order(MEAL + 1))

    assert (behind.outcome, behind.revision, behind.actual_minor) == ("BEHIND", 1, 0)
    assert (changed.outcome, changed.revision, changed.actual_minor) == ("CHANGED", 1, MEAL)
    assert (await billing.document(await billing.issued(MEAL))).number == "CP-2025-000001"


async def test_a_town_without_a_till_issues_nothing(billing: BillingTown, other_town: Context) -> None:
    bare = await BillingTown.make(other_town, billing.books, billing.desk, has_till=False)
    await bare.held()

    answer = await bare.issue(bare.order(MEAL))

    assert (answer.outcome, answer.actual_minor) == ("NO_TILL", MEAL)


async def test_the_same_request_issues_once(billing: BillingTown) -> None:
    await billing.held()
    order = billing.order(MEAL)
    await billing.issue(order)

    again = await billing.issue(replace(order, invoice_id=str(uuid4())))
    other = await billing.issue(replace(order, request=replace(order.request, fingerprint=b"other")))

    assert (again.outcome, again.invoice_id) == ("REPLAYED", order.invoice_id)
    assert (other.outcome, other.invoice_id) == ("KEY_REUSED", "")


async def test_numbers_have_no_gap_and_follow_the_towns_own_calendar(billing: BillingTown) -> None:
    numbers = []
    # Three o'clock in the morning in Greenwich is still the evening before in Martinique.
    for issued_at in (NOW, datetime(2026, 1, 1, 3, tzinfo=UTC), datetime(2026, 1, 1, 4, tzinfo=UTC)):
        await billing.held()
        order = billing.order(MEAL, issued_at=issued_at)
        await billing.issue(order)
        numbers.append((await billing.document(order.invoice_id)).number)

    assert numbers == ["CP-2025-000001", "CP-2025-000002", "CP-2026-000001"]


async def test_a_number_that_was_not_committed_is_given_again(billing: BillingTown) -> None:
    async with billing.books(billing.context) as books:
        assert await books.next_number("CP", Series.RECEIPT, 2025) == "CP-QT-2025-000001"
        assert await books.next_number("CP", Series.RECEIPT, 2025) == "CP-QT-2025-000002"

    async with billing.books(billing.context) as books:
        assert await books.next_number("CP", Series.RECEIPT, 2025) == "CP-QT-2025-000001"
        assert await books.next_number("CP", Series.INVOICE, 2025) == "CP-2025-000001"
        assert await books.next_number("CP", Series.RECEIPT, 2026) == "CP-QT-2026-000001"
        assert await books.next_number("AA", Series.RECEIPT, 2025) == "AA-QT-2025-000001"


async def test_a_credit_note_has_its_own_series_and_names_what_it_corrects(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    note = await billing.credit_note(invoice_id)
    async with billing.books(billing.context) as books:
        number = await books.add_document(note)
        await books.mark_cancelled(invoice_id, note.id)
        assert await books.invoice(note.id) is None
        await books.commit()

    invoice, document = await billing.document(invoice_id), await billing.document(note.id)
    assert number == document.number == "CP-AV-2025-000001"
    assert (document.total_minor, [line.price_minor for line in document.lines]) == (-MEAL, [-MEAL])
    assert (document.related_id, document.related_number) == (invoice_id, "CP-2025-000001")
    assert (invoice.related_id, invoice.related_number, invoice.related_issued_at) == (note.id, number, NOW + HOUR)
    assert invoice.status is InvoiceState.CANCELLED


async def test_an_invoice_is_read_by_its_own_household_only(billing: BillingTown, other_town: Context) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)

    assert await billing.desk.document(billing.context, invoice_id, str(uuid4())) is None
    assert await billing.desk.document(other_town, invoice_id, None) is None
    async with billing.books(other_town) as books:
        assert await books.invoice(invoice_id) is None
        assert await books.document_lines(invoice_id) == []


async def test_what_moves_on_an_invoice_is_kept_each_by_itself(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    household = await billing.household_record()
    payment = make_payment(household.key, invoice_id)
    async with billing.books(billing.context) as books:
        await books.add_payment(payment)
        await books.set_late_payment(invoice_id, payment.id)
        late = await books.invoice(invoice_id)
        await books.set_late_payment(invoice_id, "")
        await books.mark_paid(invoice_id, "payfip", NOW + HOUR, "CP-QT-2025-000001")
        await books.mark_confirmed(invoice_id)
        await books.set_paid_by(invoice_id, payment.id)
        settled = await books.invoice(invoice_id)
        await books.commit()

    assert late is not None
    assert settled is not None
    assert (late.late_payment_id, late.status, late.is_confirmed) == (payment.id, InvoiceState.ISSUED, False)
    assert (settled.late_payment_id, settled.status, settled.is_confirmed) == ("", InvoiceState.PAID, True)
    document = await billing.document(invoice_id)
    assert (document.means, document.paid_at, document.receipt_number) == ("payfip", NOW + HOUR, "CP-QT-2025-000001")
    assert (document.is_confirmed, document.last_attempt_id) == (True, payment.attempt_id)


async def test_marking_an_invoice_that_is_none_changes_nothing(billing: BillingTown) -> None:
    async with billing.books(billing.context) as books:
        await books.mark_confirmed(str(uuid4()))
        await books.mark_paid(str(uuid4()), "cash", NOW, "")

        assert await books.invoice(str(uuid4())) is None


@pytest.mark.parametrize("same", ["id", "attempt_id", "receipt_number"])
async def test_the_same_money_is_never_written_twice(billing: BillingTown, same: str) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    household = await billing.household_record()
    first = make_payment(household.key, invoice_id, receipt_number="CP-QT-2025-000001")
    second = make_payment(household.key, invoice_id, receipt_number="CP-QT-2025-000002")
    async with billing.books(billing.context) as books:
        assert not await books.has_payment_of(first.attempt_id)
        await books.add_payment(first)
        await books.allocate(first.id, invoice_id, MEAL, NOW)
        assert await books.has_payment_of(first.attempt_id)
        await books.commit()

    with pytest.raises(REFUSED):
        async with billing.books(billing.context) as books:
            await books.add_payment(replace(second, **{same: getattr(first, same)}))
    with pytest.raises(REFUSED):
        async with billing.books(billing.context) as books:
            await books.allocate(first.id, invoice_id, 1, NOW)


async def test_money_at_the_counter_needs_neither_attempt_nor_receipt(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        for _ in range(2):
            await books.add_payment(make_payment(household.key, invoice_id, means="cash", attempt_id=""))
        await books.commit()


async def test_a_familys_credit_is_what_its_own_movements_left(billing: BillingTown) -> None:
    stranger = str(uuid4())
    async with billing.books(billing.context) as books:
        await books.put_household(stranger, [], 1, is_resident=True)
        await books.commit()
    own, other = await billing.household_record(), await billing.household_record(stranger)
    async with billing.books(billing.context) as books:
        await books.post(ledger.money_kept("payfip", 500), own.key, NOW)
        await books.post(ledger.money_allocated("family_credit", 120), own.key, NOW)
        await books.post(ledger.money_kept("payfip", 70), other.key, NOW)
        await books.commit()

    async with billing.books(billing.context) as books:
        assert await books.family_credit(billing.household) == 380
        assert await books.family_credit(stranger) == 70
        assert await books.family_credit(str(uuid4())) == 0


async def test_an_attempt_is_known_by_its_request_and_in_its_rank(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    second, first = make_attempt(invoice_id, 2), make_attempt(invoice_id, 1)
    async with billing.books(billing.context) as books:
        await books.add_attempt(second, NOW)
        await books.add_attempt(first, NOW)

        assert await books.attempts(invoice_id) == [first, second]
        assert await books.attempt_of_request(second.request_id) == second
        assert await books.attempt_of_request(str(uuid4())) is None
        assert await books.attempts(str(uuid4())) == []


async def test_starting_an_attempt_keeps_where_the_payer_was_sent_and_until_when(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    attempt, payment = make_attempt(invoice_id), ProviderPayment(str(uuid4()), "https://provider/1", NOW + HOUR)
    async with billing.books(billing.context) as books:
        await books.add_attempt(attempt, NOW)
        await books.start_attempt(attempt.request_id, payment)
        (started,) = await books.attempts(invoice_id)
        await books.commit()

    assert (started.state, started.attempt_id) == (AttemptState.STARTED, payment.attempt_id)
    assert (started.payment_url, started.expires_at) == ("https://provider/1", NOW + HOUR)
    assert (await billing.document(invoice_id)).last_attempt_id == payment.attempt_id


async def test_an_attempt_that_ended_meanwhile_is_not_started_again(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    attempt, payment = make_attempt(invoice_id), ProviderPayment(str(uuid4()), "https://provider/1", None)
    async with billing.books(billing.context) as books:
        await books.add_attempt(attempt, NOW)
        await books.start_attempt(attempt.request_id, payment)
        await books.set_attempt(payment.attempt_id, AttemptState.PAID)
        await books.set_attempt(str(uuid4()), AttemptState.FAILED)
        await books.start_attempt(attempt.request_id, payment)

        assert [one.state for one in await books.attempts(invoice_id)] == [AttemptState.PAID]


async def test_two_attempts_share_neither_request_nor_rank(billing: BillingTown) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    attempt = make_attempt(invoice_id)
    async with billing.books(billing.context) as books:
        await books.add_attempt(attempt, NOW)
        await books.commit()

    for twin in (make_attempt(invoice_id), replace(attempt, rank=2)):
        with pytest.raises(REFUSED):
            async with billing.books(billing.context) as books:
                await books.add_attempt(twin, NOW)


async def test_an_alert_is_raised_once(billing: BillingTown) -> None:
    alert = AlertRecord(str(uuid4()), "LATE_MONEY", billing.household, None, "", MEAL, NOW)
    async with billing.books(billing.context) as books:
        await books.raise_alert(alert)
        await books.commit()

    with pytest.raises(REFUSED):
        async with billing.books(billing.context) as books:
            await books.raise_alert(alert)


async def test_a_command_that_ran_answers_what_it_answered(billing: BillingTown) -> None:
    key = RequestKey("Reopen", str(uuid4()), b"words")
    async with billing.books(billing.context, key) as books:
        assert books.replayed is None
        await books.commit("first")

    async with billing.books(billing.context, key) as books:
        assert books.replayed == "first"
        await books.commit("second")
    async with billing.books(billing.context, key) as books:
        assert books.replayed == "first"
    async with billing.books(billing.context, replace(key, method="Other")) as books:
        assert books.replayed is None


async def test_a_command_that_was_not_committed_runs_again(billing: BillingTown) -> None:
    key = RequestKey("Reopen", str(uuid4()), b"words")
    async with billing.books(billing.context, key):
        pass

    async with billing.books(billing.context, key) as books:
        assert books.replayed is None


async def test_a_request_that_comes_with_other_words_is_refused(billing: BillingTown) -> None:
    key = RequestKey("Reopen", str(uuid4()), b"words")
    async with billing.books(billing.context, key) as books:
        await books.commit("first")

    with pytest.raises(DomainError) as caught:
        async with billing.books(billing.context, replace(key, fingerprint=b"other")):
            pass
    assert (caught.value.kind, caught.value.reason) == (KeyReusedError().kind, KeyReusedError().reason)
