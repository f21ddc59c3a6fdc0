"""Many at once: no place is given twice, and nobody gets another error than "full"."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.database import Database

from tests.integration.agenda.world import SEPTEMBER, World, activity, wire_date

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))


async def test_two_hundred_bulk_entries_on_forty_places_book_forty(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=40)
    households = [await world.household() for _ in range(200)]

    answers = await asyncio.gather(*(world.apply(each, "centre", period=ONE_DAY) for each in households))

    assert sum(answer.created_count for answer in answers) == 40
    reasons = Counter(row.refusal.reason for answer in answers for row in answer.skipped)
    assert reasons == {"SESSION_FULL": 160}
    key = "session_key >> 16 = '2025-09-01'::date - '1970-01-01'::date"
    session = (await world.rows(f"SELECT booked, capacity FROM session WHERE {key}"))[0]
    assert (session["booked"], session["capacity"]) == (40, 40)
    live = (await world.rows(f"SELECT count(*) AS n FROM reservation WHERE status = 1 AND {key}"))[0]
    assert live["n"] == 40


async def test_entries_over_the_same_seventy_two_sessions_all_pass_and_are_all_counted(world: World) -> None:
    households = [await world.household() for _ in range(24)]

    answers = await asyncio.gather(*(world.apply(each) for each in households))

    assert [answer.created_count for answer in answers] == [72] * 24
    booked = await world.rows("SELECT min(booked) AS low, max(booked) AS high FROM session WHERE booked > 0")
    assert (booked[0]["low"], booked[0]["high"]) == (24, 24)


async def test_overlapping_entries_that_start_on_different_days_never_fail(world: World) -> None:
    households = [await world.household() for _ in range(24)]
    periods = [(date(2025, 9, 1 + index % 5), date(2025, 9, 30 - index % 7)) for index in range(24)]

    answers = await asyncio.gather(
        *(world.apply(each, period=period) for each, period in zip(households, periods, strict=True))
    )

    assert all(not answer.skipped for answer in answers)
    total = (await world.rows("SELECT sum(booked) AS total FROM session"))[0]["total"]
    assert total == sum(answer.created_count for answer in answers)


async def test_two_guardians_of_one_household_at_once_book_each_row_once(world: World) -> None:
    household = await world.household()

    answers = await asyncio.gather(*(world.apply(household) for _ in range(6)))

    assert sorted(answer.created_count for answer in answers) == [0, 0, 0, 0, 0, 72]
    assert {row.refusal.reason for answer in answers for row in answer.skipped} == {"ALREADY_RESERVED"}


async def test_guardians_who_book_different_activities_at_once_both_succeed_with_revisions_in_a_row(
    world: World,
) -> None:
    household = await world.household()
    codes = ["matin", "soir", "midi", "mercredi", "mercredi-soir", "mercredi-repas"]

    answers = await asyncio.gather(*(world.apply(household, code) for code in codes))

    assert all(answer.created_count for answer in answers)
    assert sorted(answer.revision for answer in answers) == [1, 2, 3, 4, 5, 6]
    told = [events.ReservationsHeld.FromString(body) for kind, body in await world.events() if kind.endswith("Held")]
    assert [event.revision for event in told] == [1, 2, 3, 4, 5, 6]


async def test_a_double_submit_at_the_same_instant_has_one_effect_and_one_answer(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())

    answers = await asyncio.gather(*(world.apply(household, request_id=request_id) for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0].created_count == 72


async def test_two_households_of_one_child_cannot_book_the_same_session_twice(world: World) -> None:
    first, second = await world.household(), await world.household()
    second.children = [*second.children, *first.children]
    await world.keep(second, 2)

    answers = await asyncio.gather(
        world.apply(first, child_ids=first.children), world.apply(second, child_ids=first.children)
    )

    assert sorted(answer.created_count for answer in answers) == [0, 72]


async def test_the_last_place_is_not_lost_when_a_deletion_races_with_bookings(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=1)
    holder, *others = [await world.household() for _ in range(8)]
    await world.apply(holder, "centre", period=ONE_DAY)

    await asyncio.gather(
        world.apply(holder, "centre", period=ONE_DAY, action=pb.BULK_ACTION_DELETE),
        *(world.apply(each, "centre", period=ONE_DAY) for each in others),
    )
    answer = await world.apply(holder, "centre", period=ONE_DAY)

    booked = (await world.rows("SELECT max(booked) AS high FROM session"))[0]["high"]
    assert booked == 1
    live = (await world.rows("SELECT count(*) AS n FROM reservation WHERE status = 1"))[0]["n"]
    assert live == 1
    assert answer.created_count + len(answer.skipped) == 1


class Counting:
    """Counts the statements that go to the server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            original = getattr(asyncpg.Connection, name)
            monkeypatch.setattr(asyncpg.Connection, name, self._wrap(original))

    def _wrap(self, original: Any) -> Any:
        async def counted(connection: Any, query: str, *args: Any, **kwargs: Any) -> Any:
            self.statements.append(query)
            return await original(connection, query, *args, **kwargs)

        return counted


async def test_a_bulk_entry_of_seventy_two_rows_takes_two_round_trips(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    household, warm_up = await world.household(), await world.household()
    await world.apply(warm_up)
    counting = Counting(monkeypatch)

    answer = await world.apply(household)

    assert answer.created_count == 72
    assert [statement.split("(")[0] for statement in counting.statements] == [
        "SELECT * FROM agenda_read_offers",
        "SELECT agenda_apply_change",
    ]


async def test_the_month_the_day_and_the_summary_take_one_round_trip_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = await world.household(children=2)
    await world.apply(household)
    day = pb.GetDayOfferRequest(child_id=household.children[0], day=wire_date(SEPTEMBER[0]))
    counting = Counting(monkeypatch)

    await world.as_family(household, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))
    await world.as_family(household, "GetDayOffer", day)
    await world.as_family(household, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest())

    assert len(counting.statements) == 3


async def test_the_last_try_holds_what_it_has_read(
    world: World, agenda_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = await world.household()
    await world.apply(household, "soir")
    applied = world.desk.store.apply
    tries = 0

    async def overtaken(*args: Any) -> bool:
        nonlocal tries
        tries += 1
        return False

    monkeypatch.setattr(world.desk.store, "apply", overtaken)
    answer = await world.apply(household, "matin")

    assert (tries, answer.created_count, answer.revision) == (5, 18, 2)
    assert applied is not overtaken
    assert len(await world.reservations(household)) == 36


async def test_sessions_that_filled_behind_what_is_remembered_are_told_as_full(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=100)
    first, second = await world.household(), await world.household()
    await world.apply(first, "centre", period=ONE_DAY)
    await world.open("centre", *ONE_DAY, capacity=1)

    answer = await world.apply(second, "centre", period=ONE_DAY)

    assert answer.created_count == 0
    assert [row.refusal.reason for row in answer.skipped] == ["SESSION_FULL"]
    assert [(row["booked"], row["capacity"]) for row in await world.rows("SELECT * FROM session WHERE booked > 0")] == [
        (1, 1)
    ]


async def test_entries_that_wait_together_are_read_in_few_round_trips(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    households = [await world.household() for _ in range(24)]
    counting = Counting(monkeypatch)

    answers = await asyncio.gather(*(world.apply(each) for each in households))

    assert [answer.created_count for answer in answers] == [72] * 24
    reads = [statement for statement in counting.statements if "agenda_read_offer" in statement]
    assert len(reads) <= 8


async def test_a_place_freed_or_a_session_opened_is_seen_by_the_next_entry(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=1)
    first, second = await world.household(), await world.household()
    await world.apply(first, "centre", period=ONE_DAY)
    full = await world.apply(second, "centre", period=ONE_DAY)
    assert [row.refusal.reason for row in full.skipped] == ["SESSION_FULL"]

    await world.open("centre", *ONE_DAY, capacity=2)
    answer = await world.apply(second, "centre", period=ONE_DAY)

    assert answer.created_count == 1
