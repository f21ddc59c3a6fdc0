"""Counting what a household holds gives what reading all its rows gives."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

from preau.agenda.v1 import agenda_service_pb2 as pb

from tests.integration.agenda.world import Household, World

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))


async def counts(world: World, household: Household) -> tuple[int, int, int, str]:
    """Revision, held, lapsed, and when the first hold ends: told by the counts, the summary and the month alike."""
    short: pb.GetHouseholdSummaryResponse = await world.as_family(
        household, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest(counts_only=True)
    )
    whole: pb.GetHouseholdSummaryResponse = await world.as_family(
        household, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest(days=7)
    )
    month = await world.as_family(
        household, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=10, with_held_count=True)
    )
    assert short.revision == whole.revision
    assert short.held_count == whole.held_count
    assert month.HasField("held_count")
    assert month.held_count == whole.held_count
    assert short.recently_expired_count == whole.recently_expired_count
    assert short.hold_expires_at == whole.hold_expires_at
    assert not short.upcoming
    ends = short.hold_expires_at.ToJsonString() if short.HasField("hold_expires_at") else ""
    return short.revision, short.held_count, short.recently_expired_count, ends


async def test_counts_are_those_of_the_rows_all_through_a_holds_life(world: World) -> None:
    household, other = await world.household(children=2), await world.household()
    await world.apply(other)
    assert await counts(world, household) == (0, 0, 0, "")

    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=10))
    await world.apply(household, "midi", period=(date(2025, 9, 2), date(2025, 9, 5)))
    revision, held, lapsed, ends = await counts(world, household)
    assert (revision, held, lapsed) == (2, 8, 0)
    assert ends

    row = (await world.reservations(household))[0]
    await world.as_family(
        household, "CancelReservations", pb.CancelReservationsRequest(request_id=str(uuid4()), ids=[row.id])
    )
    assert (await counts(world, household))[1:3] == (7, 0)

    # Over, and nobody has swept them yet: lapsed all the same.
    world.clock.advance(timedelta(minutes=61))
    assert (await counts(world, household))[1:] == (0, 7, "")
    await world.expire()
    assert (await counts(world, household))[1:] == (0, 7, "")

    # What is booked again is not offered again.
    await world.apply(household, "matin", period=ONE_DAY)
    assert (await counts(world, household))[1:3] == (2, 6)
    world.clock.advance(timedelta(hours=25))
    assert (await counts(world, household))[1] == 0


async def test_a_month_counts_only_when_asked(world: World) -> None:
    household = await world.household()

    month = await world.as_family(household, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))

    assert not month.HasField("held_count")


async def test_a_household_nobody_told_of_holds_nothing(world: World) -> None:
    assert await counts(world, Household(str(uuid4()), [])) == (0, 0, 0, "")
