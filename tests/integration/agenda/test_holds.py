"""Holds: expiry, renewal, taking back, undo."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.world import Household, World, activity

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))


async def renew(world: World, household: Household, request_id: str = "") -> pb.RenewHoldsResponse:
    request = pb.RenewHoldsRequest(request_id=request_id or str(uuid4()))
    answer: pb.RenewHoldsResponse = await world.as_family(household, "RenewHolds", request)
    return answer


async def restore(world: World, household: Household) -> pb.RestoreExpiredHoldsResponse:
    request = pb.RestoreExpiredHoldsRequest(request_id=str(uuid4()))
    answer: pb.RestoreExpiredHoldsResponse = await world.as_family(household, "RestoreExpiredHolds", request)
    return answer


async def undo(world: World, household: Household, entry_id: str) -> pb.UndoBulkEntryResponse:
    request = pb.UndoBulkEntryRequest(request_id=str(uuid4()), entry_id=entry_id)
    answer: pb.UndoBulkEntryResponse = await world.as_family(household, "UndoBulkEntry", request)
    return answer


async def booked(world: World) -> int:
    total: int = (await world.rows("SELECT coalesce(sum(booked), 0) AS total FROM session"))[0]["total"]
    return total


async def test_ended_holds_free_their_places_with_one_event_a_household(world: World) -> None:
    households = [await world.household() for _ in range(3)]
    for each in households:
        await world.apply(each, "matin", "soir")
    world.clock.advance(timedelta(minutes=61))

    released = await world.expire()

    assert released == 3 * 36
    assert await booked(world) == 0
    told = [events.ReservationsExpired.FromString(b) for kind, b in await world.events() if kind.endswith("Expired")]
    assert {event.household_id for event in told} == {each.id for each in households}
    assert {(event.revision, len(event.reservation_ids)) for event in told} == {(2, 36)}
    rows = await world.reservations(households[0])
    assert {row.status for row in rows} == {pb.RESERVATION_STATUS_EXPIRED}
    assert await world.expire() == 0


async def test_the_job_finds_ended_holds_in_every_town(new_world: Any) -> None:
    worlds: list[World] = [await (await new_world()).with_activities() for _ in range(2)]
    for each in worlds:
        await each.apply(await each.household(), "matin")
        each.clock.advance(timedelta(minutes=61))

    released = await worlds[0].expire_everywhere()

    assert released >= 2 * 18
    assert [await booked(each) for each in worlds] == [0, 0]


async def test_a_town_that_fails_keeps_no_other_town_s_places(new_world: Any) -> None:
    broken, sound = worlds = [await (await new_world()).with_activities() for _ in range(2)]
    for each in worlds:
        await each.apply(await each.household(), "matin", period=ONE_DAY)
        each.clock.advance(timedelta(minutes=61))
    async with broken.database.unit_of_work(broken.staff) as uow:
        await uow.execute("UPDATE session SET booked = 0")
        await uow.commit()

    with pytest.raises(asyncpg.CheckViolationError):
        await broken.expire_everywhere()

    assert await booked(sound) == 0
    async with broken.database.unit_of_work(broken.staff) as uow:
        await uow.execute("UPDATE session s SET booked = 1 WHERE session_key IN (SELECT session_key FROM reservation)")
        await uow.commit()
    await broken.expire_everywhere()
    assert await booked(broken) == 0


async def test_a_meal_is_held_no_longer_than_the_midday_care_it_requires(world: World) -> None:
    household = await world.household()
    midday = await world.apply(household, "midi", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=30))

    meal = await world.apply(household, "restauration", period=ONE_DAY)

    assert meal.hold_expires_at == midday.hold_expires_at
    world.clock.advance(timedelta(minutes=31))
    assert await world.expire() == 2
    assert await world.reservations(household, pb.RESERVATION_STATUS_HELD) == []


async def test_a_meal_over_paid_midday_care_is_held_the_town_s_whole_time(world: World) -> None:
    household = await world.household()
    await world.apply(household, "midi", period=ONE_DAY)
    async with world.database.unit_of_work(world.staff) as uow:
        await uow.execute("UPDATE reservation SET status = 2")
        await uow.commit()
    world.clock.advance(timedelta(minutes=30))

    meal = await world.apply(household, "restauration", period=ONE_DAY)

    assert meal.hold_expires_at.ToDatetime(UTC) == world.clock.now() + timedelta(minutes=60)


async def test_what_is_still_held_is_left_alone(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=40))
    await world.apply(household, "soir", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=30))

    assert await world.expire() == 1
    left = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert [row.activity_id for row in left] == [world.activities["soir"]]
    world.clock.advance(timedelta(minutes=40))
    assert await world.expire() == 1


async def test_the_town_decides_how_long_places_are_held(new_world: Any) -> None:
    world: World = await (await new_world(hold_minutes=5)).with_activities()
    household = await world.household()

    answer = await world.apply(household, "matin", period=ONE_DAY)

    assert answer.hold_expires_at.ToDatetime(UTC) == world.clock.now() + timedelta(minutes=5)


async def test_renewing_starts_every_hold_anew_with_one_event(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=30))
    await world.apply(household, "soir", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=20))

    answer = await renew(world, household)

    assert (answer.renewed_count, answer.revision) == (2, 3)
    held = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert {row.hold_expires_at.ToDatetime(UTC) for row in held} == {world.clock.now() + timedelta(minutes=60)}
    kind, body = (await world.events())[-1]
    assert kind == "HoldsRenewed"
    assert events.HoldsRenewed.FromString(body).hold_expires_at == answer.hold_expires_at
    world.clock.advance(timedelta(minutes=50))
    assert await world.expire() == 0
    world.clock.advance(timedelta(minutes=15))
    assert await world.expire() == 2


async def test_renewing_nothing_changes_nothing(world: World) -> None:
    household = await world.household()

    answer = await renew(world, household)

    assert (answer.renewed_count, answer.revision, answer.HasField("hold_expires_at")) == (0, 0, False)


async def test_holds_that_ended_just_before_paying_are_told_once_even_when_nobody_swept(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    ended_at = world.clock.now() + timedelta(minutes=60)
    world.clock.advance(timedelta(minutes=50))
    await world.apply(household, "soir", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=12))

    with pytest.raises(DomainError) as refusal:
        await renew(world, household)
    again = await renew(world, household)

    error = refusal.value
    assert (error.kind, error.reason) == (ErrorKind.PRECONDITION, "HOLD_EXPIRED")
    assert error.metadata == {"expired_at": ended_at.isoformat(), "expired_count": "1", "free_count": "1"}
    assert again.renewed_count == 1
    kinds = [kind for kind, _ in await world.events()]
    assert kinds.count("ReservationsExpired") == 1


async def test_what_lapsed_can_be_taken_back_while_it_is_free(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), activity("autre", 2), capacity=1)
    household, rival = await world.household(), await world.household()
    await world.apply(household, "centre", "autre", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.apply(rival, "centre", period=ONE_DAY)

    with pytest.raises(DomainError) as refusal:
        await renew(world, household)
    restored = await restore(world, household)
    again = await restore(world, household)

    assert (refusal.value.metadata["expired_count"], refusal.value.metadata["free_count"]) == ("2", "1")
    assert (restored.restored_count, restored.lost_count) == (1, 1)
    assert (again.restored_count, again.lost_count) == (0, 0)
    held = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert [row.activity_id for row in held] == [world.activities["autre"]]
    assert (await renew(world, household)).renewed_count == 1


async def test_nothing_is_taken_back_for_a_child_that_has_left_the_household(world: World) -> None:
    household = await world.household(children=2)
    await world.apply(household, "matin", period=ONE_DAY)
    gone, stays = household.children
    household.children = [stays]
    await world.keep(household, 2)
    world.clock.advance(timedelta(minutes=61))

    answer = await restore(world, household)

    assert (answer.restored_count, answer.lost_count) == (1, 1)
    (held,) = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert held.child_id == stays != gone


async def test_what_was_booked_anew_does_not_hold_the_payment_up(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.apply(household, "matin", period=ONE_DAY)

    assert (await renew(world, household)).renewed_count == 1


async def test_after_a_day_a_lapsed_hold_is_forgotten(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    world.clock.advance(timedelta(hours=25))

    assert (await renew(world, household)).renewed_count == 0
    assert (await restore(world, household)).restored_count == 0


async def test_booking_again_does_not_wait_for_the_sweeper(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=61))

    answer = await world.apply(household, "matin", period=ONE_DAY)

    assert (answer.created_count, answer.revision) == (1, 3)
    assert await booked(world) == 1


async def test_an_entry_can_be_undone_for_ten_minutes(world: World) -> None:
    household = await world.household()
    answer = await world.apply(household)
    await world.as_family(household, "CancelReservations", _cancel((await world.reservations(household))[0]))
    world.clock.advance(timedelta(minutes=9))

    undone = await undo(world, household, answer.entry_id)

    assert (undone.removed_count, undone.revision) == (71, 3)
    assert await booked(world) == 0
    assert [kind for kind, _ in await world.events()][-1] == "ReservationsCancelled"


async def test_undoing_a_meal_leaves_the_midday_care_that_was_booked_before_it(world: World) -> None:
    household = await world.household()
    await world.apply(household, "midi", period=ONE_DAY)
    meal = await world.apply(household, "restauration", period=ONE_DAY)

    undone = await undo(world, household, meal.entry_id)

    assert undone.removed_count == 1
    (left,) = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert left.activity_id == world.activities["midi"]


async def test_after_ten_minutes_an_entry_stays(world: World) -> None:
    household = await world.household()
    answer = await world.apply(household, "matin")
    world.clock.advance(timedelta(minutes=11))

    with pytest.raises(DomainError) as refusal:
        await undo(world, household, answer.entry_id)

    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.PRECONDITION, "UNDO_TOO_LATE")
    assert await booked(world) == 18


async def test_another_household_s_entry_cannot_be_undone(world: World) -> None:
    ours, theirs = await world.household(), await world.household()
    answer = await world.apply(theirs, "matin")

    with pytest.raises(DomainError) as refusal:
        await undo(world, ours, answer.entry_id)

    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "ENTRY_NOT_FOUND")


def _cancel(row: pb.Reservation) -> pb.CancelReservationsRequest:
    return pb.CancelReservationsRequest(request_id=str(uuid4()), ids=[row.id])
