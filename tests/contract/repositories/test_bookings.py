"""What billing's use cases may rely on of charge lines and projections, whichever store they run on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import asyncpg
import pytest
from billing_svc.application.records import HouseholdRecord
from billing_svc.domain.states import LineState
from billing_svc.domain.tariffs import Tariff, TariffPlan
from preau_kernel.context import Context

from tests.contract.repositories.billing_town import CARE, HOUR, MEAL, MONDAY, NOW, TOWN, BillingTown
from tests.contract.repositories.rows_in_memory import BrokenRuleError

REFUSED = (BrokenRuleError, asyncpg.IntegrityConstraintViolationError)
TUESDAY = date(2025, 9, 2)


async def add_tariff(billing: BillingTown, tariff: Tariff) -> None:
    async with billing.books(billing.context) as books:
        await books.apply_tariffs(billing.meal, TariffPlan(tariff.id, insert=tariff))
        await books.commit()


async def test_lines_are_priced_by_the_households_tariff_and_wait(billing: BillingTown) -> None:
    ids = await billing.held([MONDAY, TUESDAY], [billing.meal, billing.care])

    async with billing.books(billing.context) as books:
        lines = await books.live_lines(await billing.household_record(), ids)
    assert [line.reservation_id for line in lines] == ids
    assert [line.price_minor for line in lines] == [MEAL, CARE, MEAL, CARE]
    assert {(line.state, line.invoice_id) for line in lines} == {(LineState.PENDING, "")}


async def test_a_household_from_elsewhere_pays_the_other_price(billing: BillingTown) -> None:
    stranger = str(uuid4())
    async with billing.books(billing.context) as books:
        await books.put_household(stranger, [], 1, is_resident=False)
        await books.commit()
    ids = await billing.held(household=stranger)

    async with billing.books(billing.context) as books:
        own = await books.live_lines(await billing.household_record(stranger), ids)
        assert [line.price_minor for line in own] == [2 * MEAL]
        assert await books.live_lines(await billing.household_record(), ids) == []


async def test_a_repeated_event_is_seen_and_one_too_far_ahead_is_a_gap(billing: BillingTown) -> None:
    first = billing.entry()
    assert await billing.put(first) == "APPLIED"

    assert await billing.put(first) == "SEEN"
    assert await billing.put(replace(billing.entry(), revision=3)) == "GAP"
    assert (await billing.household_record()).revision == 1


async def test_what_cannot_be_priced_yet_says_what_is_missing(billing: BillingTown) -> None:
    unknown_activity, noted_activity = str(uuid4()), str(uuid4())
    async with billing.books(billing.context) as books:
        await books.lock_tariffs(noted_activity)
        await books.commit()

    assert await billing.put(billing.entry(household=str(uuid4()))) == "HOUSEHOLD_UNKNOWN"
    entry = billing.entry()
    for days, activity, answer in (
        ([MONDAY], unknown_activity, "ACTIVITY_UNKNOWN"),
        ([MONDAY], noted_activity, "ACTIVITY_UNKNOWN"),
        ([date(2025, 8, 31)], billing.meal, "TARIFF_MISSING"),
    ):
        lines = billing.entry(days, [activity]).lines
        assert await billing.put(replace(entry, lines=lines)) == answer
    assert await billing.put(entry) == "APPLIED"


async def test_several_events_of_one_household_are_taken_in_their_order(billing: BillingTown) -> None:
    first, second = billing.entry(), billing.entry([TUESDAY])

    async with billing.books(billing.context) as books:
        assert await books.hold_all([second, first]) == "GAP"
    async with billing.books(billing.context) as books:
        assert await books.hold_all([first, second]) == "APPLIED"
        await books.commit()
    assert (await billing.household_record()).revision == 2
    assert (await billing.issue(billing.order(2 * MEAL))).outcome == "ISSUED"


async def test_a_reservation_has_one_live_line_and_may_come_back_once_it_has_none(billing: BillingTown) -> None:
    entry = billing.entry()
    ids = list(entry.lines.reservation_ids)
    assert await billing.put(entry) == "APPLIED"
    again = replace(billing.entry(), lines=entry.lines)

    with pytest.raises(REFUSED):
        await billing.put(again)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        (line,) = await books.live_lines(household, ids)
        await books.set_lines([line.id], LineState.LAPSED)
        await books.commit()
    assert await billing.put(again) == "APPLIED"


async def test_the_basket_ends_when_the_first_thing_in_it_does(billing: BillingTown) -> None:
    await billing.held(until=NOW + HOUR)
    await billing.held([TUESDAY], until=NOW + 2 * HOUR)

    document = await billing.document(await billing.issued(2 * MEAL))
    assert document.payable_until == NOW + HOUR


async def test_an_empty_basket_takes_the_end_of_what_comes_next(billing: BillingTown) -> None:
    await billing.held(until=NOW + HOUR)
    await billing.issued(MEAL)
    await billing.held([TUESDAY], until=NOW + 2 * HOUR)

    document = await billing.document(await billing.issued(MEAL))
    assert document.payable_until == NOW + 2 * HOUR


async def test_a_longer_hold_is_also_that_of_unpaid_invoices(billing: BillingTown) -> None:
    await billing.held()
    paid = await billing.issued(MEAL)
    await billing.held([TUESDAY])
    unpaid = await billing.issued(MEAL)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        await books.mark_paid(paid, "cash", NOW, "")
        await books.renew_hold(household, NOW + 5 * HOUR)
        await books.commit()

    assert (await billing.document(paid)).payable_until == NOW + HOUR
    assert (await billing.document(unpaid)).payable_until == NOW + 5 * HOUR


async def test_lines_that_come_back_from_an_invoice_leave_it_and_bring_its_end(billing: BillingTown) -> None:
    await billing.held(until=NOW + HOUR)
    invoice_id = await billing.issued(MEAL)
    await billing.held([TUESDAY], until=NOW + 3 * HOUR)
    async with billing.books(billing.context) as books:
        (line,) = await books.lines_of_invoice(invoice_id)
        assert line.state is LineState.INVOICED
        await books.set_lines([line.id], LineState.PENDING)
        assert await books.lines_of_invoice(invoice_id) == []
        await books.commit()

    document = await billing.document(await billing.issued(2 * MEAL))
    assert document.payable_until == NOW + HOUR


async def test_lines_that_end_stay_on_their_invoice(billing: BillingTown) -> None:
    ids = await billing.held([MONDAY, TUESDAY])
    invoice_id = await billing.issued(2 * MEAL)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        first, second = await books.lines_of_invoice(invoice_id)
        await books.set_lines([first.id], LineState.CANCELLED)
        await books.set_lines([], LineState.LAPSED)

        assert [line.state for line in await books.lines_of_invoice(invoice_id)] == [
            LineState.CANCELLED,
            LineState.INVOICED,
        ]
        assert await books.live_lines(household, ids) == [second]


@pytest.mark.parametrize(
    ("state", "is_unpaid"),
    [
        (LineState.PENDING, True),
        (LineState.INVOICED, True),
        (LineState.LAPSED, True),
        (LineState.SETTLED, False),
        (LineState.CANCELLED, False),
    ],
)
async def test_unpaid_is_what_waits_or_lapsed(billing: BillingTown, state: LineState, is_unpaid: bool) -> None:
    ids = await billing.held()
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        (line,) = await books.live_lines(household, ids)
        await books.set_lines([line.id], state)

        assert await books.unpaid([*ids, 1, *ids]) == (ids if is_unpaid else [])


async def test_unpaid_asks_the_latest_line_of_a_reservation(billing: BillingTown) -> None:
    ids = await billing.held([TUESDAY, MONDAY])
    invoice_id = await billing.issued(2 * MEAL)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        old = [line.id for line in await books.lines_of_invoice(invoice_id)]
        await books.set_lines(old, LineState.LAPSED)
        assert await books.unpaid(ids) == ids
        made = await books.add_settled_lines(household, invoice_id, [old[1]])

        assert await books.unpaid(ids) == [ids[0]]
        (settled,) = await books.live_lines(household, ids)
        assert (settled.id, settled.state, settled.price_minor) == (made[0], LineState.SETTLED, MEAL)
        assert (settled.reservation_id, settled.invoice_id) == (ids[1], invoice_id)


async def test_settled_lines_are_answered_in_the_order_of_the_old_ones(billing: BillingTown) -> None:
    ids = await billing.held([MONDAY, TUESDAY])
    invoice_id = await billing.issued(2 * MEAL)
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        old = [line.id for line in await books.lines_of_invoice(invoice_id)]
        await books.set_lines(old, LineState.LAPSED)
        made = await books.add_settled_lines(household, invoice_id, list(reversed(old)))

        by_id = {line.id: line.reservation_id for line in await books.live_lines(household, ids)}
    assert [by_id[line_id] for line_id in made] == list(reversed(ids))


async def test_a_household_is_found_in_its_town_only(billing: BillingTown, other_town: Context) -> None:
    await billing.held()
    invoice_id = await billing.issued(MEAL)
    async with billing.books(billing.context) as books:
        household = await books.lock_household(billing.household)
        assert isinstance(household, HouseholdRecord)
        assert await books.lock_household(str(uuid4())) is None
        assert await books.lock_household_of(invoice_id)
        assert not await books.lock_household_of(str(uuid4()))

    async with billing.books(other_town) as books:
        assert await books.lock_household(billing.household) is None
        assert not await books.lock_household_of(invoice_id)
        assert await books.lines_of_invoice(invoice_id) == []
        assert await books.town() is None


async def test_the_revision_moves_on_without_lines_too(billing: BillingTown) -> None:
    household = await billing.household_record()
    async with billing.books(billing.context) as books:
        await books.advance(household, 7)
        await books.commit()

    assert await billing.household_record() == replace(household, revision=7)


async def test_earlier_news_does_not_undo_later_news(billing: BillingTown) -> None:
    async with billing.books(billing.context) as books:
        await books.put_town(replace(TOWN, name="Autre", version=3))
        await books.put_town(replace(TOWN, name="Vieux", version=2))
        await books.put_household(billing.household, [], 3, is_resident=False)
        await books.put_household(billing.household, [], 2, is_resident=True)
        await books.put_activity(billing.meal, "Repas", 1, 2, 3)
        await books.put_activity(billing.meal, "Vieux", 1, 2, 2)
        assert await books.town() == replace(TOWN, name="Autre", version=3)
        await books.commit()
    await billing.held()

    document = await billing.document(await billing.issued(2 * MEAL))
    assert [line.activity_name for line in document.lines] == ["Repas"]


async def test_a_tariff_that_priced_a_line_says_so(billing: BillingTown) -> None:
    async with billing.books(billing.context) as books:
        assert [tariff.is_used for tariff in await books.lock_tariffs(billing.meal)] == [False]
    await billing.held()

    async with billing.books(billing.context) as books:
        assert [tariff.is_used for tariff in await books.lock_tariffs(billing.meal)] == [True]
        assert [tariff.is_used for tariff in await books.lock_tariffs(billing.care)] == [False]


async def test_tariffs_follow_each_other_and_never_overlap(billing: BillingTown) -> None:
    new = Tariff(str(uuid4()), date(2026, 1, 1), None, 170, 340)
    async with billing.books(billing.context) as books:
        (old,) = await books.lock_tariffs(billing.meal)
        ended = replace(old, valid_to=date(2025, 12, 31))
        await books.apply_tariffs(billing.meal, TariffPlan(new.id, insert=new, update=(ended,)))
        assert await books.lock_tariffs(billing.meal) == [ended, new]
        await books.commit()

    with pytest.raises(REFUSED):
        await add_tariff(billing, replace(new, id=str(uuid4()), valid_from=date(2025, 12, 31)))


async def test_a_till_keeps_its_id_and_the_first_one_numbers_the_documents(billing: BillingTown) -> None:
    first, second = str(uuid4()), str(uuid4())
    async with billing.books(billing.context) as books:
        known = await books.put_till(first, "CP", "Régie unique", "", "TVA non applicable")
        assert known != first
        assert await books.put_till(second, "AA", "Seconde", "", "") == second
        await books.commit()
    await billing.held()

    issuer = (await billing.document(await billing.issued(MEAL))).issuer
    assert (issuer.till_code, issuer.till_name, issuer.vat_mention) == ("CP", "Régie unique", "TVA non applicable")
