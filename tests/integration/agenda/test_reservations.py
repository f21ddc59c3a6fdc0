"""One child, one day: booking, cancelling, and what pages read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.world import Household, World, activity, iso, wire_date

MONDAY = date(2025, 9, 1)


async def create(world: World, household: Household, *codes: str, day: date = MONDAY) -> pb.CreateReservationsResponse:
    request = pb.CreateReservationsRequest(
        request_id=str(uuid4()),
        child_id=household.children[0],
        day=wire_date(day),
        activity_ids=[world.activities[code] for code in codes],
    )
    answer: pb.CreateReservationsResponse = await world.as_family(household, "CreateReservations", request)
    return answer


async def cancel(world: World, household: Household, *ids: str) -> pb.CancelReservationsResponse:
    request = pb.CancelReservationsRequest(request_id=str(uuid4()), ids=ids)
    answer: pb.CancelReservationsResponse = await world.as_family(household, "CancelReservations", request)
    return answer


async def test_activities_of_a_day_are_booked_together(world: World) -> None:
    household = await world.household()

    answer = await create(world, household, "restauration", "midi")

    assert [row.activity_id for row in answer.reservations] == [
        world.activities["restauration"],
        world.activities["midi"],
    ]
    assert [row.can_cancel_alone for row in answer.reservations] == [False, False]
    assert answer.revision == 1
    assert [row.id for row in await world.reservations(household)] == [row.id for row in answer.reservations]


async def test_one_refusal_books_nothing_and_says_why(world: World) -> None:
    household = await world.household()

    with pytest.raises(DomainError) as refusal:
        await create(world, household, "matin", "restauration")

    error = refusal.value
    assert (error.kind, error.reason) == (ErrorKind.PRECONDITION, "REQUIRES_ACTIVITY")
    assert error.metadata["activity_id"] == world.activities["restauration"]
    assert error.metadata["related_activity_id"] == world.activities["midi"]
    assert error.metadata["day"] == "2025-09-01"
    assert await world.reservations(household) == []


async def test_a_meal_whose_midday_care_is_full_is_told_that_it_is_full(world: World) -> None:
    await world.open("midi", date(2025, 9, 1), date(2025, 9, 1), capacity=0)
    household = await world.household()

    with pytest.raises(DomainError) as refusal:
        await create(world, household, "restauration", "midi")

    error = refusal.value
    assert (error.reason, error.metadata["activity_id"]) == ("SESSION_FULL", world.activities["midi"])
    assert await world.reservations(household) == []


async def test_a_day_booked_in_another_tab_is_told(world: World) -> None:
    household = await world.household()
    await create(world, household, "matin")

    with pytest.raises(DomainError) as refusal:
        await create(world, household, "matin")

    assert refusal.value.reason == "ALREADY_RESERVED"


async def test_cancelling_midday_takes_the_meal_after_saying_so(world: World) -> None:
    household = await world.household()
    answer = await create(world, household, "matin", "restauration", "midi")
    ids = {row.activity_id: row.id for row in answer.reservations}
    midday, meal = ids[world.activities["midi"]], ids[world.activities["restauration"]]

    preview = await world.as_family(
        household, "PreviewCancelReservations", pb.PreviewCancelReservationsRequest(ids=[midday])
    )
    cancelled = await cancel(world, household, midday)

    assert list(preview.coupled_ids) == [meal]
    assert {row.id for row in preview.reservations} == {meal, midday}
    assert set(cancelled.ids) == {meal, midday}
    left = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert [row.activity_id for row in left] == [world.activities["matin"]]


async def test_however_many_ids_are_too_many_the_most_is_told(world: World) -> None:
    household = await world.household()

    with pytest.raises(DomainError) as refusal:
        await cancel(world, household, *map(str, range(10_001)))

    assert (refusal.value.reason, refusal.value.metadata["max_count"]) == ("TOO_MANY_IDS", "2000")


async def test_a_row_cancelled_in_another_tab_is_told(world: World) -> None:
    household = await world.household()
    (row,) = (await create(world, household, "matin")).reservations
    await cancel(world, household, row.id)

    with pytest.raises(DomainError) as again:
        await cancel(world, household, row.id)
    with pytest.raises(DomainError) as unknown:
        await cancel(world, household, "123456789")
    with pytest.raises(DomainError) as foreign:
        await cancel(world, await world.household(), row.id)

    assert again.value.reason == "NOT_RESERVED"
    assert unknown.value.reason == foreign.value.reason == "RESERVATION_NOT_FOUND"
    assert foreign.value.kind is ErrorKind.NOT_FOUND


async def test_a_day_s_offer_says_what_is_left_until_when_and_why_not(world: World) -> None:
    cutoff = pb.Cutoff(days_before=2, hour=12, counting=pb.CUTOFF_COUNTING_SKIP_WEEKENDS)
    centre = activity("centre", 8, booking_cutoff=cutoff, weekdays=[1])
    answer = await world.call(world.staff, "UpsertActivity", pb.UpsertActivityRequest(activity=centre))
    world.activities["centre"] = answer.activity.id
    await world.open("centre", MONDAY, MONDAY, capacity=3)
    household = await world.household()
    await create(world, household, "matin")
    request = pb.GetDayOfferRequest(child_id=household.children[0], day=wire_date(MONDAY))

    offers = {each.activity_id: each for each in (await world.as_family(household, "GetDayOffer", request)).offers}
    world.clock.advance(timedelta(days=9))
    later = {each.activity_id: each for each in (await world.as_family(household, "GetDayOffer", request)).offers}

    centre_now = offers[world.activities["centre"]]
    assert (centre_now.is_bookable, centre_now.places_left) == (True, 3)
    assert centre_now.booking_cutoff_at.ToDatetime(UTC) == datetime(2025, 8, 28, 16, tzinfo=UTC)
    assert offers[world.activities["matin"]].refusal.reason == "ALREADY_RESERVED"
    assert offers[world.activities["matin"]].reservation.can_cancel
    assert offers[world.activities["mercredi"]].refusal.reason == "NOT_THAT_WEEKDAY"
    assert not offers[world.activities["soir"]].HasField("places_left")
    too_late = later[world.activities["centre"]].refusal
    assert (too_late.reason, too_late.cutoff_at) == ("BOOKING_CUTOFF_PASSED", centre_now.booking_cutoff_at)


async def test_the_month_shows_every_day_of_every_child(world: World) -> None:
    household = await world.household(children=2)
    first, second = household.children
    await world.apply(household, child_ids=[first])

    month = await world.as_family(household, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))

    states = {(iso(day.day), day.child_id): day for day in month.days}
    assert len(month.days) == 60
    assert states["2025-09-01", first].state == pb.DAY_STATE_BOOKED
    assert len(states["2025-09-01", first].reservations) == 4
    assert states["2025-09-01", second].state == pb.DAY_STATE_BOOKABLE
    assert states["2025-09-03", second].state == pb.DAY_STATE_BOOKABLE
    assert states["2025-09-06", second].state == pb.DAY_STATE_CLOSED
    assert month.revision == 1


async def test_the_month_of_a_household_nobody_told_of_is_empty(world: World) -> None:
    stranger = Household(str(uuid4()), [])

    month = await world.as_family(stranger, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))

    assert list(month.days) == []


async def test_the_summary_tells_what_needs_the_family_now(world: World) -> None:
    household = await world.household()
    world.clock.advance(timedelta(days=10))  # Saturday 30 August
    await world.apply(household, "matin", period=(MONDAY, date(2025, 9, 12)))

    summary = await world.as_family(household, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest())

    assert summary.held_count == 8
    assert summary.hold_expires_at.ToDatetime(UTC) == world.clock.now() + timedelta(minutes=60)
    assert [iso(row.day) for row in summary.upcoming] == ["2025-09-01", "2025-09-02", "2025-09-04", "2025-09-05"]
    assert iso(summary.empty_week_starts_on) == "2025-09-15"
    assert not summary.HasField("empty_week_cutoff_at")
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    summary = await world.as_family(household, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest())
    assert (summary.held_count, summary.recently_expired_count) == (0, 8)


async def test_reservations_are_listed_by_day_then_activity_order(world: World) -> None:
    household = await world.household(children=2)
    await world.apply(household)
    request = pb.ListReservationsRequest(child_ids=household.children[:1], to=wire_date(date(2025, 9, 2)))
    getattr(request, "from").CopyFrom(wire_date(MONDAY))

    rows = (await world.as_family(household, "ListReservations", request)).reservations
    by_id = await world.as_family(
        household, "ListReservations", pb.ListReservationsRequest(ids=[rows[5].id, rows[0].id])
    )

    codes = {activity_id: code for code, activity_id in world.activities.items()}
    expected = [(day, code) for day in (1, 2) for code in ("matin", "restauration", "midi", "soir")]
    assert [(row.day.day, codes[row.activity_id]) for row in rows] == expected
    assert [row.id for row in by_id.reservations] == [rows[0].id, rows[5].id]


async def test_activities_are_listed_in_their_order_with_relations_by_id(world: World) -> None:
    household = await world.household()

    answer = await world.as_family(household, "ListActivities", pb.ListActivitiesRequest())

    assert [each.code for each in answer.activities][:4] == ["matin", "restauration", "midi", "soir"]
    assert list(answer.activities[1].requires) == [world.activities["midi"]]
    assert list(answer.activities[0].weekdays) == [1, 2, 4, 5]


async def test_opening_sessions_again_keeps_bookings_and_takes_the_new_capacity(world: World) -> None:
    first, second = await world.household(), await world.household()
    await world.apply(first, "matin", period=(MONDAY, MONDAY))

    opened = await world.open("matin", MONDAY, MONDAY, capacity=1)
    answer = await world.apply(second, "matin", period=(MONDAY, MONDAY))

    assert opened == 0
    assert [row.refusal.reason for row in answer.skipped] == ["SESSION_FULL"]


async def test_sessions_open_on_the_activity_s_open_days_only(world: World) -> None:
    opened = await world.open("matin", date(2025, 10, 13), date(2025, 11, 12))

    # Toussaint from 19 October to 2 November, Armistice on Tuesday the 11th.
    assert opened == 4 + 4 + 1


async def test_sessions_wait_until_every_related_activity_exists(world: World) -> None:
    draft = activity("gouter", 9, requires=["etude"])
    answer = await world.call(world.staff, "UpsertActivity", pb.UpsertActivityRequest(activity=draft))
    world.activities["gouter"] = answer.activity.id

    with pytest.raises(DomainError) as refusal:
        await world.open("gouter", MONDAY, MONDAY)

    assert (refusal.value.reason, refusal.value.metadata["code"]) == ("RELATION_UNKNOWN", "etude")


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("UpsertActivity", pb.UpsertActivityRequest(activity=activity("pirate", 1))),
        ("CreateClosure", pb.CreateClosureRequest(label="Non", to=wire_date(MONDAY), **{"from": wire_date(MONDAY)})),
    ],
)
async def test_families_may_not_decide_for_the_town(world: World, method: str, request_: object) -> None:
    household = await world.household()

    with pytest.raises(DomainError) as refusal:
        await world.as_family(household, method, request_)

    assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_staff_without_a_household_have_no_agenda_of_their_own(world: World) -> None:
    with pytest.raises(DomainError) as refusal:
        await world.call(world.staff, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))

    assert refusal.value.kind is ErrorKind.FORBIDDEN
