"""What a bulk entry and an activity must say before anything is looked up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from agenda_svc.application.bulk_entry import Action, BulkEntry
from agenda_svc.domain.activity import ActivityDraft, Kind
from agenda_svc.domain.days import activity_in, day_in
from agenda_svc.domain.periodicity import Periodicity
from agenda_svc.domain.refusals import SESSION_FULL, Reason, Refusal
from preau_kernel.errors import DomainError, ErrorKind, InvalidError

from tests.unit.agenda.town import MATIN, MEAL, MIDDAY, make_activity, make_rules, number, school_day


def make_entry(**changes: Any) -> BulkEntry:
    values: dict[str, Any] = {
        "child_ids": ["child-7"],
        "action": Action.CREATE,
        "first": date(2025, 9, 1),
        "last": date(2025, 9, 7),
        "activity_ids": [f"activity-{MATIN}"],
        "periodicity": Periodicity.NONE,
        "weekdays": [],
    }
    return BulkEntry.checked(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"child_ids": []}, "NO_CHILD", "child_ids"),
        ({"child_ids": [f"child-{rank}" for rank in range(31)]}, "TOO_MANY_CHILDREN", "child_ids"),
        ({"activity_ids": []}, "NO_ACTIVITY", "activity_ids"),
        ({"action": None}, "NO_ACTION", "action"),
        ({"periodicity": None}, "NO_PERIODICITY", "periodicity"),
        ({"weekdays": [8]}, "INVALID_WEEKDAY", "weekdays"),
    ],
)
def test_a_bulk_entry_that_makes_no_sense_says_which_field(changes: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        make_entry(**changes)

    assert (caught.value.reason, caught.value.metadata["field"]) == (reason, field)


def test_thirty_children_are_not_too_many_and_who_is_named_twice_counts_once() -> None:
    children = [f"child-{rank}" for rank in range(29)]

    entry = make_entry(child_ids=[*children, "child-0"], activity_ids=["activity-2", "activity-1", "activity-2"])

    assert entry.child_ids == tuple(children)
    assert entry.activity_ids == ("activity-2", "activity-1")


def test_an_entry_asks_for_sessions_on_the_activitys_own_weekdays_only() -> None:
    entry = make_entry()
    query = entry.query(make_rules(), "household")

    days = [number(f"2025-09-0{day}") for day in (1, 2, 4, 5)]
    assert [(day_in(key), activity_in(key)) for key in query.session_keys or ()] == [(day, MATIN) for day in days]
    assert query.household_id == "household"


def test_an_entry_also_asks_for_what_its_activities_bring() -> None:
    rules = make_rules([*school_day()[:1], make_activity(MEAL, brings=(MIDDAY,)), make_activity(MIDDAY)])
    entry = make_entry(activity_ids=[f"activity-{MEAL}"], last=date(2025, 9, 1))

    assert [activity_in(key) for key in entry.query(rules, "household").session_keys or ()] == [MEAL, MIDDAY]


def test_deleting_asks_for_no_session() -> None:
    assert make_entry(action=Action.DELETE).query(make_rules(), "household").session_keys == []


def test_an_unknown_activity_is_not_found() -> None:
    with pytest.raises(DomainError) as caught:
        make_entry(activity_ids=["other"]).query(make_rules(), "household")

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.NOT_FOUND, "ACTIVITY_NOT_FOUND")


def make_draft(**changes: Any) -> ActivityDraft:
    values: dict[str, Any] = {
        "code": "cantine",
        "name": "Restauration",
        "kind": Kind.MEAL,
        "weekdays": frozenset({1}),
        "position": 1,
    }
    return ActivityDraft(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": ""}, "INVALID_ACTIVITY_CODE"),
        ({"code": "Cantine"}, "INVALID_ACTIVITY_CODE"),
        ({"code": "a" * 61}, "INVALID_ACTIVITY_CODE"),
        ({"code": "cantine\n"}, "INVALID_ACTIVITY_CODE"),
        ({"name": "  "}, "INVALID_ACTIVITY_NAME"),
        ({"name": "a" * 121}, "INVALID_ACTIVITY_NAME"),
        ({"weekdays": frozenset({0})}, "INVALID_WEEKDAY"),
        ({"weekdays": frozenset({8})}, "INVALID_WEEKDAY"),
        ({"weekdays": frozenset()}, "NO_WEEKDAY"),
        ({"requires": ("cantine",)}, "ACTIVITY_RELATED_TO_ITSELF"),
        ({"brings": ("cantine",)}, "ACTIVITY_RELATED_TO_ITSELF"),
        ({"excludes": ("cantine",)}, "ACTIVITY_RELATED_TO_ITSELF"),
    ],
)
def test_an_activity_that_cannot_be_shown_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidError) as caught:
        make_draft(**changes)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "changes",
    [{"code": "a" * 60}, {"code": "1.a-b_c"}, {"name": "a" * 120}, {"weekdays": frozenset({7})}, {"requires": ("b",)}],
)
def test_an_activity_just_within_the_limits_is_taken(changes: dict[str, Any]) -> None:
    draft = make_draft(**changes)

    assert all(getattr(draft, name) == value for name, value in changes.items())


def test_a_refusal_tells_the_facts_it_has_and_no_empty_ones() -> None:
    at = datetime(2025, 9, 1, 10, tzinfo=UTC)

    assert SESSION_FULL.facts() == {}
    assert Refusal(Reason.BOOKING_CUTOFF_PASSED, at, "Fermé", "activity-2").facts() == {
        "cutoff_at": "2025-09-01T10:00:00+00:00",
        "label": "Fermé",
        "related_activity_id": "activity-2",
    }
