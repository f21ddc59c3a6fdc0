"""Events that wait together are priced together: what comes of each is the same as alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from billing_svc.adapters.db.bookings import SqlBookings
from billing_svc.application.records import BasketEntry, BasketLines
from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as pb
from preau_kernel.errors import DomainError

from tests.integration.billing.town import SCHOOL_DAYS, Family, Platform, Town, euros, wire_day

SOON = datetime(2025, 8, 20, 14, 0, tzinfo=UTC)


def entry_of(held: agenda.ReservationsHeld, ends_at: datetime = SOON, revision: int = 0) -> BasketEntry:
    rows = held.rows
    lines = BasketLines(
        list(rows.reservation_ids),
        list(rows.child_ids),
        list(rows.activity_ids),
        list(rows.child_indexes),
        list(rows.activity_indexes),
        list(rows.days),
    )
    return BasketEntry(held.household_id, revision or held.revision, ends_at, lines)


async def hold(platform: Platform, town: Town, entries: Sequence[BasketEntry]) -> str:
    async with platform.database.unit_of_work(town.system) as uow:
        answer = await SqlBookings(uow).hold_all(entries)
        if answer == "APPLIED":
            await uow.commit()
    return answer


async def test_two_households_and_two_entries_of_one_are_priced_in_one_statement(
    platform: Platform, town: Town, family: Family
) -> None:
    neighbour = await town.household()
    entries = [
        entry_of(family.held(SCHOOL_DAYS[:2]), SOON + timedelta(hours=1)),
        entry_of(neighbour.held(SCHOOL_DAYS[:1]), SOON + timedelta(hours=2)),
        entry_of(family.held(SCHOOL_DAYS[2:3]), SOON),
    ]

    assert await hold(platform, town, entries) == "APPLIED"

    assert (await family.basket_now()).count == 12
    assert (await neighbour.basket_now()).count == 4
    rows = await town.rows("SELECT revision, hold_expires_at FROM household WHERE revision > 0 ORDER BY revision")
    assert [tuple(row) for row in rows] == [(1, SOON + timedelta(hours=2)), (2, SOON)]


@pytest.mark.parametrize(("revision", "answer"), [(1, "SEEN"), (3, "GAP")])
async def test_one_that_is_out_of_turn_stops_all(
    platform: Platform, town: Town, family: Family, revision: int, answer: str
) -> None:
    neighbour = await town.household()
    assert await hold(platform, town, [entry_of(family.held(SCHOOL_DAYS[:1]))]) == "APPLIED"
    company = entry_of(neighbour.held(SCHOOL_DAYS[:1]))

    late = entry_of(family.held(SCHOOL_DAYS[1:2]), revision=revision)

    assert await hold(platform, town, [company, late]) == answer
    assert (await family.basket_now()).count == 4
    assert (await neighbour.basket_now()).count == 0


async def test_what_is_held_already_shortens_the_new_hold_and_not_the_other_way(
    platform: Platform, town: Town, family: Family
) -> None:
    for day, ends_at in zip(SCHOOL_DAYS[:2], (SOON, SOON + timedelta(hours=1)), strict=True):
        assert await hold(platform, town, [entry_of(family.held([day]), ends_at)]) == "APPLIED"

    rows = await town.rows("SELECT hold_expires_at FROM household WHERE revision = 2")

    assert [row["hold_expires_at"] for row in rows] == [SOON]


async def test_a_tariff_that_priced_a_line_keeps_its_prices_and_another_may_change(
    platform: Platform, town: Town, family: Family
) -> None:
    async def price(position: int, cents: int) -> None:
        row = (await town.rows("SELECT t.valid_from FROM tariff t ORDER BY t.key LIMIT 1"))[0]
        first: date = row["valid_from"]
        await town.as_staff().UpsertTariff(
            pb.UpsertTariffRequest(
                activity_id=town.activity(position),
                valid_from=wire_day(first),
                resident_price=euros(cents),
                non_resident_price=euros(cents),
            )
        )

    await price(1, 50)
    assert await hold(platform, town, [entry_of(family.held(SCHOOL_DAYS[:1]))]) == "APPLIED"

    with pytest.raises(DomainError, match="TARIFF_IN_USE"):
        await price(1, 60)
    used = await town.rows("SELECT is_used, count(*) AS n FROM tariff GROUP BY is_used ORDER BY is_used")
    assert [tuple(row) for row in used][-1] == (True, 4)
