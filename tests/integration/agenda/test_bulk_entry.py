"""Saisie groupée against the real database."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.world import SCHOOL_DAY, Household, World, iso, wire_date


async def test_the_document_s_entry_gives_seventy_two_rows_and_skips_nothing(world: World) -> None:
    household = await world.household()

    answer = await world.apply(household)

    assert (answer.created_count, answer.removed_count) == (72, 0)
    assert list(answer.skipped) == []
    days = [iso(day) for day in answer.created[0].days]
    assert len(days) == 18
    assert days[:3] == ["2025-09-01", "2025-09-02", "2025-09-04"]
    assert {row.activity_id for row in answer.created} == {world.activities[code] for code in SCHOOL_DAY}
    assert answer.hold_expires_at.ToDatetime(UTC) == world.clock.now() + timedelta(minutes=60)
    assert answer.undo_until.ToDatetime(UTC) == world.clock.now() + timedelta(minutes=10)
    held = await world.reservations(household)
    assert len(held) == 72
    assert [(iso(row.day), row.activity_id) for row in held[:4]] == [
        ("2025-09-01", world.activities[code]) for code in SCHOOL_DAY
    ]
    assert {row.status for row in held} == {pb.RESERVATION_STATUS_HELD}


async def test_one_event_tells_the_whole_entry_with_the_household_s_next_revision(world: World) -> None:
    household = await world.household()

    answer = await world.apply(household)

    told = [body for kind, body in await world.events() if kind == "ReservationsHeld"]
    assert len(told) == 1
    event = events.ReservationsHeld.FromString(told[0])
    assert (event.household_id, event.revision, answer.revision) == (household.id, 1, 1)
    assert len(event.rows.reservation_ids) == 72
    assert list(event.rows.child_ids) == household.children
    first = event.rows.activity_ids[event.rows.activity_indexes[0]]
    assert first == world.activities["matin"]
    assert date(1970, 1, 1) + timedelta(days=event.rows.days[0]) == date(2025, 9, 1)
    assert event.hold_expires_at == answer.hold_expires_at


async def test_the_meal_s_row_and_its_midday_care_carry_no_cross(world: World) -> None:
    household = await world.household()
    await world.apply(household)

    rows = (await world.reservations(household))[:4]

    assert [row.can_cancel for row in rows] == [True] * 4
    assert [row.can_cancel_alone for row in rows] == [True, False, False, True]


async def test_the_same_entry_again_finds_every_row_already_there(world: World) -> None:
    household = await world.household()
    await world.apply(household)

    answer = await world.apply(household)

    assert answer.created_count == 0
    assert {row.refusal.reason for row in answer.skipped} == {"ALREADY_RESERVED"}
    assert len(answer.skipped) == 72
    assert answer.revision == 1
    assert answer.entry_id == ""


async def test_the_same_request_again_has_one_effect_and_the_same_answer(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())

    first = await world.apply(household, request_id=request_id)
    world.clock.advance(timedelta(minutes=3))
    second = await world.apply(household, request_id=request_id)

    assert first == second
    assert len(await world.reservations(household)) == 72


async def test_a_request_that_created_nothing_is_remembered_too(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())
    period = (date(2026, 1, 5), date(2026, 1, 9))

    first = await world.apply(household, "matin", request_id=request_id, period=period)
    await world.open("matin", *period)
    second = await world.apply(household, "matin", request_id=request_id, period=period)

    assert {row.refusal.reason for row in first.skipped} == {"NOT_OPEN_YET"}
    assert second == first


async def test_a_request_id_used_for_something_else_is_refused(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())
    await world.apply(household, "matin", request_id=request_id)

    with pytest.raises(DomainError) as refusal:
        await world.apply(household, "soir", request_id=request_id)

    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_another_household_s_request_id_is_no_key_to_its_answer(world: World) -> None:
    ours, theirs = await world.household(), await world.household()
    request_id = str(uuid4())
    request = pb.RestoreExpiredHoldsRequest(request_id=request_id)
    await world.as_family(theirs, "RestoreExpiredHolds", request)

    with pytest.raises(DomainError) as refusal:
        await world.as_family(ours, "RestoreExpiredHolds", request)

    assert refusal.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_preview_tells_what_applying_does_and_writes_nothing(world: World) -> None:
    household = await world.household()
    entry = world.entry(household, "restauration")

    preview = await world.as_family(household, "PreviewBulkEntry", pb.PreviewBulkEntryRequest(entry=entry))

    assert list(preview.created) == []
    assert {row.refusal.reason for row in preview.skipped} == {"REQUIRES_ACTIVITY"}
    assert {row.refusal.related_activity_id for row in preview.skipped} == {world.activities["midi"]}
    assert list(preview.missing_required_activity_ids) == [world.activities["midi"]]
    assert await world.reservations(household) == []


async def test_a_preview_does_not_give_away_another_household_s_hold_that_nobody_has_swept(world: World) -> None:
    mother = await world.household()
    father = Household(str(uuid4()), mother.children)
    await world.keep(father, 1)
    await world.apply(mother, "matin", period=(date(2025, 9, 1), date(2025, 9, 1)))
    world.clock.advance(timedelta(minutes=61))

    entry = world.entry(father, "matin", period=(date(2025, 9, 1), date(2025, 9, 1)))
    preview = await world.as_family(father, "PreviewBulkEntry", pb.PreviewBulkEntryRequest(entry=entry))
    saved = await world.apply(father, "matin", period=(date(2025, 9, 1), date(2025, 9, 1)))

    assert [row.refusal.reason for row in saved.skipped] == ["ALREADY_RESERVED"]
    assert list(preview.skipped) == list(saved.skipped)
    assert list(preview.created) == list(saved.created)


async def test_deleting_the_meal_of_a_month_takes_its_midday_care_with_it(world: World) -> None:
    household = await world.household()
    await world.apply(household)

    answer = await world.apply(household, "restauration", action=pb.BULK_ACTION_DELETE)

    assert answer.removed_count == 36
    assert {row.activity_id for row in answer.removed} == {world.activities["restauration"], world.activities["midi"]}
    left = await world.reservations(household, pb.RESERVATION_STATUS_HELD)
    assert {row.activity_id for row in left} == {world.activities["matin"], world.activities["soir"]}
    booked = await world.rows("SELECT sum(booked) AS total FROM session")
    assert booked[0]["total"] == 36


async def test_deleting_everything_leaves_no_place_taken(world: World) -> None:
    household = await world.household(children=2)
    created = await world.apply(household)

    answer = await world.apply(household, action=pb.BULK_ACTION_DELETE)

    assert (created.created_count, answer.removed_count, list(answer.skipped)) == (144, 144, [])
    assert (await world.rows("SELECT sum(booked) AS total FROM session"))[0]["total"] == 0


async def test_holidays_and_public_holidays_inside_the_period_are_told_with_their_name(world: World) -> None:
    household = await world.household()
    period = (date(2025, 10, 16), date(2025, 11, 4))
    await world.open("matin", *period)

    answer = await world.apply(household, "matin", period=period)

    assert [iso(day) for day in answer.created[0].days] == ["2025-10-16", "2025-10-17", "2025-11-03", "2025-11-04"]
    told = {iso(row.day): (row.refusal.reason, row.refusal.label) for row in answer.skipped}
    assert told["2025-10-20"] == ("SITE_CLOSED", "Toussaint")
    assert "2025-10-19" not in told
    assert "2025-10-22" not in told


async def test_a_named_weekday_without_the_activity_is_told(world: World) -> None:
    household = await world.household()

    answer = await world.apply(household, "matin", weekdays=[2, 3])

    assert answer.created_count == 5
    assert {(row.refusal.reason, iso(row.day)) for row in answer.skipped} == {
        ("NOT_THAT_WEEKDAY", day) for day in ("2025-09-03", "2025-09-10", "2025-09-17", "2025-09-24")
    }


async def test_a_closure_closes_without_deleting_and_tells_its_motive(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=(date(2025, 9, 1), date(2025, 9, 1)))
    request = pb.CreateClosureRequest(to=_day(2), label="Grève")
    getattr(request, "from").CopyFrom(_day(1))
    await world.call(world.staff, "CreateClosure", request)

    answer = await world.apply(household, "matin", period=(date(2025, 9, 1), date(2025, 9, 4)))

    assert [(iso(row.day), row.refusal.reason, row.refusal.label) for row in answer.skipped] == [
        ("2025-09-01", "ALREADY_RESERVED", ""),
        ("2025-09-02", "SITE_CLOSED", "Grève"),
    ]
    assert [iso(day) for day in answer.created[0].days] == ["2025-09-04"]


async def test_a_child_that_is_not_enrolled_is_told_so(world: World) -> None:
    household = await world.household(codes=["matin"])

    answer = await world.apply(household, "matin", "soir", period=(date(2025, 9, 1), date(2025, 9, 1)))

    assert answer.created_count == 1
    assert [(row.activity_id, row.refusal.reason) for row in answer.skipped] == [
        (world.activities["soir"], "NOT_ENROLLED")
    ]


async def test_days_gone_by_are_told(world: World) -> None:
    household = await world.household()
    world.clock.advance(timedelta(days=14))  # Wednesday 3 September, 9:00 in Martinique

    answer = await world.apply(household, "matin", period=(date(2025, 9, 1), date(2025, 9, 4)))

    assert [(iso(row.day), row.refusal.reason) for row in answer.skipped] == [
        ("2025-09-01", "DAY_PAST"),
        ("2025-09-02", "DAY_PAST"),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"period": (date(2025, 9, 30), date(2025, 9, 1))}, "PERIOD_REVERSED"),
        ({"period": (date(2025, 9, 1), date(2026, 10, 2))}, "PERIOD_TOO_LONG"),
        ({"child_ids": []}, "NO_CHILD"),
        ({"action": pb.BULK_ACTION_UNSPECIFIED}, "NO_ACTION"),
        ({"periodicity": pb.PERIODICITY_UNSPECIFIED}, "NO_PERIODICITY"),
        ({"weekdays": [8]}, "INVALID_WEEKDAY"),
        ({"child_ids": ["x"]}, "INVALID_ID"),
    ],
)
async def test_an_entry_that_makes_no_sense_is_invalid(world: World, fields: dict[str, Any], reason: str) -> None:
    household = await world.household()

    with pytest.raises(DomainError) as refusal:
        await world.apply(household, **fields)

    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.INVALID, reason)


async def test_another_household_s_child_and_unknown_activities_are_not_found(world: World) -> None:
    ours, theirs = await world.household(), await world.household()

    with pytest.raises(DomainError) as child:
        await world.apply(ours, child_ids=theirs.children)
    with pytest.raises(DomainError) as unknown:
        await world.apply(ours, str(uuid4()))

    assert (child.value.kind, child.value.reason) == (ErrorKind.NOT_FOUND, "CHILD_NOT_FOUND")
    assert (unknown.value.kind, unknown.value.reason) == (ErrorKind.NOT_FOUND, "ACTIVITY_NOT_FOUND")


async def test_a_compact_answer_tells_the_same_with_counts_and_days(world: World) -> None:
    ours, others = await world.household(), await world.household()
    autumn: dict[str, Any] = {"period": (date(2025, 9, 1), date(2025, 11, 7))}
    full = await world.apply(ours, **autumn)
    request = pb.ApplyBulkEntryRequest(request_id=str(uuid4()), entry=world.entry(others, **autumn), compact=True)

    short: pb.ApplyBulkEntryResponse = await world.as_family(others, "ApplyBulkEntry", request)
    again: pb.ApplyBulkEntryResponse = await world.as_family(others, "ApplyBulkEntry", request)

    assert again == short
    assert (short.created_count, short.revision) == (full.created_count, full.revision)
    assert (len(short.created), len(short.removed), len(short.skipped)) == (0, 0, 0)
    assert short.entry_id
    assert short.hold_expires_at == full.hold_expires_at
    epoch = date(1970, 1, 1)
    days = {
        (row.activity_id, (epoch + timedelta(days=day)).isoformat(), row.refusal.reason)
        for row in short.skipped_days
        for day in row.days
    }
    assert days == {(row.activity_id, iso(row.day), row.refusal.reason) for row in full.skipped}
    assert {row.child_id for row in short.skipped_days} == set(others.children)
    assert days


def _day(day: int) -> Date:
    return wire_date(date(2025, 9, day))
