"""The parent pays at minute 59 and the till hears of it at minute 61: no cent and no place is lost, in any order."""

from __future__ import annotations

import pytest
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as pb

from tests.integration.agenda.test_holds import booked, restore
from tests.integration.money.family import ONE_DAY, BothSides

CONFIRMED = agenda.RESERVATION_STATUS_CONFIRMED
HELD = agenda.RESERVATION_STATUS_HELD


@pytest.mark.parametrize("is_told_first", [True, False])
async def test_money_that_comes_after_the_hold_confirms_what_is_still_free(
    both_sides: BothSides, *, is_told_first: bool
) -> None:
    await both_sides.book("matin", "soir")
    invoice, attempt = await both_sides.checkout(160)
    ids = await both_sides.ids(HELD)
    both_sides.wait(61)
    await both_sides.world.expire()
    if is_told_first:
        await both_sides.carry()
        assert (await both_sides.family.get(invoice.id)).status == pb.INVOICE_STATUS_CANCELLED

    await both_sides.family.pay(invoice, attempt)
    await both_sides.carry()

    assert await both_sides.ids(CONFIRMED) == ids
    assert await booked(both_sides.world) == 2
    assert (await both_sides.family.basket()).count == 0
    assert await both_sides.family.credit() == 0
    assert await both_sides.town.ledger() == {"bank:payfip": 160, "revenue": -160}


async def test_what_another_family_took_meanwhile_becomes_credit_and_nothing_else_does(both_sides: BothSides) -> None:
    await both_sides.book("matin", "soir")
    invoice, attempt = await both_sides.checkout(160)
    both_sides.wait(61)
    await both_sides.world.expire()
    for _ in range(2):
        await both_sides.world.apply(await both_sides.world.household(), "matin", period=ONE_DAY)

    await both_sides.family.pay(invoice, attempt)
    await both_sides.carry()

    rows = await both_sides.world.reservations(both_sides.household, CONFIRMED)
    assert [row.activity_id for row in rows] == [both_sides.world.activities["soir"]]
    assert await both_sides.family.credit() == 100
    assert await both_sides.town.ledger() == {"bank:payfip": 160, "family_credit": -100, "revenue": -60}


@pytest.mark.parametrize("is_told_first", [True, False])
async def test_places_the_family_took_back_are_paid_by_the_money_that_was_on_its_way(
    both_sides: BothSides, *, is_told_first: bool
) -> None:
    await both_sides.book("matin", "soir")
    invoice, attempt = await both_sides.checkout(160)
    paid = await both_sides.ids(HELD)
    both_sides.wait(61)
    await both_sides.world.expire()
    await restore(both_sides.world, both_sides.household)
    if is_told_first:
        await both_sides.carry()
        assert (await both_sides.family.basket()).count == 2

    await both_sides.family.pay(invoice, attempt)
    await both_sides.carry()

    assert await both_sides.ids(CONFIRMED) == paid
    assert await both_sides.ids(HELD) == []
    assert await booked(both_sides.world) == 2
    assert (await both_sides.family.basket()).count == 0
    assert await both_sides.family.credit() == 0
    assert await both_sides.town.ledger() == {"bank:payfip": 160, "revenue": -160}


@pytest.mark.parametrize("is_told_first", [True, False])
async def test_a_row_deleted_while_the_card_is_typed_is_credited_and_the_others_confirmed(
    both_sides: BothSides, *, is_told_first: bool
) -> None:
    await both_sides.book("matin", "soir")
    invoice, attempt = await both_sides.checkout(160)
    deleted, kept = await both_sides.ids(HELD)
    await both_sides.cancel([deleted])
    if is_told_first:
        await both_sides.carry()

    await both_sides.family.pay(invoice, attempt)
    await both_sides.carry()

    assert await both_sides.ids(CONFIRMED) == [kept]
    assert await booked(both_sides.world) == 1
    assert (await both_sides.family.basket()).count == 0
    assert await both_sides.family.credit() == 100
    assert await both_sides.town.ledger() == {"bank:payfip": 160, "family_credit": -100, "revenue": -60}


async def test_two_pages_both_paid_settle_once_and_the_second_money_is_credit(both_sides: BothSides) -> None:
    await both_sides.book("matin")
    invoice, first = await both_sides.checkout(100)
    second = await both_sides.family.start(invoice.id)
    both_sides.wait(61)
    await both_sides.world.expire()
    await both_sides.carry()

    await both_sides.family.pay(invoice, first)
    await both_sides.family.pay(invoice, second)
    await both_sides.carry()

    assert len(await both_sides.ids(CONFIRMED)) == 1
    assert await both_sides.family.credit() == 100
    assert await both_sides.town.ledger() == {"bank:payfip": 200, "family_credit": -100, "revenue": -100}


async def test_an_invoice_begun_in_its_last_minute_keeps_its_places_for_the_whole_hour(both_sides: BothSides) -> None:
    await both_sides.book("matin")
    both_sides.wait(59)
    invoice, attempt = await both_sides.checkout(100)
    both_sides.wait(59)
    assert await both_sides.world.expire() == 0
    await both_sides.family.pay(invoice, attempt)
    both_sides.wait(2)
    await both_sides.carry()

    assert len(await both_sides.ids(CONFIRMED)) == 1
    assert (await both_sides.family.get(invoice.id)).reservations_confirmed
    assert await both_sides.family.credit() == 0
