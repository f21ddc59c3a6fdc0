"""A town's rules and offers, made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agenda_svc.domain.activity import Activity, Kind
from agenda_svc.domain.booking import Wish
from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.days import activity_in, day_in, day_number, day_of, session_key
from agenda_svc.domain.offer import Offer, Row
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status

PARIS = ZoneInfo("Europe/Paris")
MARTINIQUE = ZoneInfo("America/Martinique")
NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
SCHOOL_DAYS = frozenset({1, 2, 4, 5})
CHILD = 7
MATIN, MEAL, MIDDAY, EVENING = 1, 2, 3, 4


def number(text: str) -> int:
    return day_number(date.fromisoformat(text))


def iso(day: int) -> str:
    return day_of(day).isoformat()


def make_activity(key: int, **fields: Any) -> Activity:
    values: dict[str, Any] = {
        "id": f"activity-{key}",
        "key": key,
        "code": f"code-{key}",
        "name": f"Activity {key}",
        "kind": Kind.CHILDCARE,
        "weekdays": SCHOOL_DAYS,
        "position": key,
    }
    return Activity(**(values | fields))


def school_day() -> list[Activity]:
    """The document's four, the meal requiring the midday care."""
    return [
        make_activity(MATIN),
        make_activity(MEAL, kind=Kind.MEAL, requires=(MIDDAY,)),
        make_activity(MIDDAY),
        make_activity(EVENING),
    ]


def make_rules(
    activities: Iterable[Activity] | None = None,
    calendar: SchoolCalendar | None = None,
    closures: Iterable[Closure] = (),
    zone: ZoneInfo = MARTINIQUE,
) -> TownRules:
    return TownRules(
        version=1,
        zone=zone,
        hold_minutes=60,
        activities=list(activities) if activities is not None else school_day(),
        calendar=calendar or SchoolCalendar(),
        closures=list(closures),
    )


def make_row(day: str, activity_key: int, status: Status = Status.HELD, *, child: int = CHILD, **fields: Any) -> Row:
    key = session_key(number(day), activity_key)
    values: dict[str, Any] = {"hold_expires_at": NOW + timedelta(hours=1), "created_at": NOW, "id": key * 100 + child}
    return Row(child_key=child, session_key=key, status=status, **(values | fields))


def make_offer(
    rules: TownRules,
    days: Iterable[int],
    *,
    capacity: int | None = None,
    places: Mapping[int, int | None] | None = None,
    live: Iterable[Row] = (),
    children: Iterable[int] = (CHILD,),
    enrolled: Iterable[int] | None = None,
) -> Offer:
    """Every activity open on every given day of its week, every child enrolled in all of them, unless said otherwise."""
    days = list(days)
    keys = children_keys = list(children)
    activity_keys = list(enrolled) if enrolled is not None else list(rules.by_key)
    opened: dict[int, int | None] = {
        session_key(day, activity.key): capacity for activity in rules.activities for day in days
    }
    return Offer(
        household_key=1,
        revision=0,
        children={f"child-{key}": key for key in keys},
        places=opened | dict(places or {}),
        enrolments={(c, a): ((0, 40_000),) for c in children_keys for a in activity_keys},
        live={row.slot: row for row in live},
        child_ids={key: f"child-{key}" for key in keys},
    )


def make_wish(
    rules: TownRules, days: Iterable[int], *activity_keys: int, children: Iterable[int] = (CHILD,), named: bool = False
) -> Wish:
    chosen = activity_keys or tuple(rules.by_key)
    return Wish(list(children), list(days), [rules.by_key[key] for key in chosen], is_day_named=named)


def told(slots: Iterable[tuple[int, int]]) -> list[tuple[str, int]]:
    """Slots as day and activity."""
    return [(iso(day_in(key)), activity_in(key)) for _, key in slots]
