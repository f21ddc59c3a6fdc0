"""What pages show: a day of the month in one word, an activity of a day with its reason, the household's near future."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.booking import Wish, plan_booking
from agenda_svc.domain.cancelling import by_child_day, group_refusal
from agenda_svc.domain.coupling import coupled
from agenda_svc.domain.days import activity_in, day_in, iso_weekday, session_key
from agenda_svc.domain.offer import Offer, Row, refusal_of
from agenda_svc.domain.refusals import Reason, Refusal
from agenda_svc.domain.rules import DayFacts, TownRules


class DayState(IntEnum):
    """What a day is for a child when nothing else is said; the numbers are those of the wire."""

    BOOKABLE = 1
    FULL = 2
    TOO_LATE = 3
    CLOSED = 4
    NOT_ENROLLED = 5
    BOOKED = 6


_CAN_BOOK = {DayState.BOOKABLE}
Periods = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RowView:
    """A reservation with what its owner can do with it."""

    row: Row
    cancellation_limit: datetime | None
    can_cancel: bool
    can_cancel_alone: bool


@dataclass(frozen=True, slots=True)
class ChildDay:
    day: int
    child_key: int
    state: DayState
    rows: Sequence[RowView]
    closure_label: str = ""


@dataclass(frozen=True, slots=True)
class ActivityOffer:
    activity: Activity
    refusal: Refusal | None
    places_left: int | None
    booking_limit: datetime | None
    cancellation_limit: datetime | None
    row: RowView | None


def view_rows(rules: TownRules, rows: Sequence[Row], live: Sequence[Row], now: datetime) -> list[RowView]:
    """``rows`` by day then activity; ``live`` are the household's rows of the same children and days."""
    today = rules.today(now)
    booked = by_child_day(live, now)
    # Nearly all days of a household hold the same few activities, so that few groups have to be worked out.
    held = {child_day: frozenset(present) for child_day, present in booked.items()}
    groups: dict[tuple[int, frozenset[int]], frozenset[int]] = {}
    nothing: frozenset[int] = frozenset()
    views: list[RowView] = []
    for row in sorted(rows, key=lambda each: _order(rules, each)):
        key = activity_in(row.session_key)
        child_day = row.child_key, day_in(row.session_key)
        present = booked.get(child_day, {})
        keys = held.get(child_day, nothing)
        group = groups.get((key, keys))
        if group is None:
            group = groups[key, keys] = coupled(rules, [key], keys) if key in keys else frozenset({key})
        refusal = group_refusal(rules, (present.get(other, row) for other in group), now, today)
        limit = rules.facts(row.session_key).cancellation_limit if key in rules.by_key else None
        can_cancel = refusal is None
        views.append(RowView(row, limit, can_cancel, can_cancel and len(group) == 1))
    return views


def _order(rules: TownRules, row: Row) -> tuple[int, int, int]:
    return day_in(row.session_key), rules.rank.get(activity_in(row.session_key), 0), row.child_key


def month_of(
    rules: TownRules, offer: Offer, child_keys: Sequence[int], days: Sequence[int], now: datetime
) -> list[ChildDay]:
    """Every day of every child, by day then child."""
    today = rules.today(now)
    own = [row for row in offer.live.values() if row.is_own and not row.has_lapsed(now)]
    by_day: dict[tuple[int, int], list[RowView]] = {}
    for view in view_rows(rules, own, own, now):
        by_day.setdefault((day_in(view.row.session_key), view.row.child_key), []).append(view)
    enrolled: dict[int, list[tuple[int, Periods]]] = {child_key: [] for child_key in child_keys}
    for (child_key, activity_key), periods in offer.enrolments.items():
        if child_key in enrolled:
            enrolled[child_key].append((activity_key, periods))
    result: list[ChildDay] = []
    for day in days:
        facts = rules.on_day(day)
        for child_key in child_keys:
            views = by_day.get((day, child_key), ())
            chances = None if day < today else _chances(rules, offer, child_key, enrolled[child_key], day, now)
            state, label = _state_of(facts, offer, child_key, chances, day, has_rows=bool(views))
            result.append(ChildDay(day, child_key, state, views, label))
    return result


def _chances(
    rules: TownRules, offer: Offer, child_key: int, enrolled: Iterable[tuple[int, Periods]], day: int, now: datetime
) -> set[DayState]:
    """What the activities that the child may book are, one by one; as ``refusal_of`` has it, a whole month at a time."""
    held, places, live = rules.on_day(day).open, offer.places, offer.live
    found: set[DayState] = set()
    for activity_key, periods in enrolled:
        key = held.get(activity_key)
        if key is None or (child_key, key) in live or not any(first <= day <= last for first, last in periods):
            continue
        if key not in places:
            continue
        left, limit = places[key], rules.facts_of[key].booking_limit
        if limit is not None and now >= limit:
            found.add(DayState.TOO_LATE)
        elif left is not None and left <= 0:
            found.add(DayState.FULL)
        elif _can_stand(rules, offer, child_key, activity_key, day, now):
            return _CAN_BOOK
    return found


def _can_stand(rules: TownRules, offer: Offer, child_key: int, activity_key: int, day: int, now: datetime) -> bool:
    """Whether what a free activity requires is booked or can be, and nothing booked excludes it."""
    activity = rules.by_key[activity_key]
    if not (activity.requires or activity.excludes):
        return True
    today = rules.today(now)
    available = {
        other
        for other in activity.requires
        if _is_available(refusal_of(rules, offer, child_key, rules.by_key[other], day, now, today))
    }
    return _coupling_refusal(rules, offer, activity, child_key, day, available) is None


def _is_available(refusal: Refusal | None) -> bool:
    return refusal is None or refusal.reason is Reason.ALREADY_RESERVED


def _state_of(
    facts: DayFacts, offer: Offer, child_key: int, chances: set[DayState] | None, day: int, *, has_rows: bool
) -> tuple[DayState, str]:
    """``chances`` ``None``: the day has passed."""
    live = offer.live
    if chances is _CAN_BOOK:
        return DayState.BOOKABLE, ""
    label = next((label for key, label in facts.closed if (child_key, key) not in live), "")
    if has_rows:
        return DayState.BOOKED, label
    if chances is None:
        chances = {DayState.TOO_LATE} if any((child_key, key) not in live for key in facts.open.values()) else set()
    for state in (DayState.FULL, DayState.TOO_LATE):
        if state in chances:
            return state, ""
    for activity_key, key in facts.open.items():
        if (child_key, key) not in live and not offer.is_enrolled(child_key, activity_key, day):
            return DayState.NOT_ENROLLED, ""
    return DayState.CLOSED, label


def offers_of_day(rules: TownRules, offer: Offer, child_key: int, day: int, now: datetime) -> list[ActivityOffer]:
    """Each activity of the town on one day for one child, in activity order."""
    today = rules.today(now)
    own = [row for row in offer.live.values() if row.is_own and not row.has_lapsed(now)]
    views = {view.row.slot: view for view in view_rows(rules, own, own, now)}
    refusals = {a.key: refusal_of(rules, offer, child_key, a, day, now, today) for a in rules.activities}
    available = {key for key, refusal in refusals.items() if _is_available(refusal)}
    result: list[ActivityOffer] = []
    for activity in rules.activities:
        key = session_key(day, activity.key)
        refusal = refusals[activity.key]
        if refusal is None:
            refusal = _coupling_refusal(rules, offer, activity, child_key, day, available)
        facts = rules.facts(key)
        result.append(
            ActivityOffer(
                activity,
                refusal,
                offer.places.get(key),
                facts.booking_limit,
                facts.cancellation_limit,
                views.get((child_key, key)),
            )
        )
    return result


def _coupling_refusal(
    rules: TownRules, offer: Offer, activity: Activity, child_key: int, day: int, available: set[int]
) -> Refusal | None:
    """What is required may be booked with it; what is neither booked nor bookable refuses it."""
    for other in activity.excludes:
        if (child_key, session_key(day, other)) in offer.live:
            return Refusal(Reason.EXCLUDES_ACTIVITY, related_activity_id=rules.by_key[other].id)
    for other in activity.requires:
        if other not in available:
            return Refusal(Reason.REQUIRES_ACTIVITY, related_activity_id=rules.by_key[other].id)
    return None


@dataclass(frozen=True, slots=True)
class EmptyWeek:
    """``monday`` starts it; ``limit`` is when booking for its first bookable day closes."""

    monday: int
    limit: datetime | None


def first_empty_week(
    rules: TownRules, offer: Offer, child_keys: Sequence[int], last: int, now: datetime
) -> EmptyWeek | None:
    """The first coming week, up to ``last``, in which something can still be booked and nothing is."""
    today = rules.today(now)
    booked_days = {day_in(key) for _, key in offer.live}
    monday = today + 8 - iso_weekday(today)
    while monday + 6 <= last:
        week = range(monday, monday + 7)
        if booked_days.isdisjoint(week):
            for day in week:
                limits = _open_limits(rules, offer, child_keys, day, now)
                if limits:
                    return EmptyWeek(monday, min((limit for limit in limits if limit is not None), default=None))
        monday += 7
    return None


def _open_limits(
    rules: TownRules, offer: Offer, child_keys: Sequence[int], day: int, now: datetime
) -> list[datetime | None]:
    places: Mapping[int, int | None] = offer.places
    # Nothing else can be booked, nor help to: of a town's hundred activities a family has a few.
    enrolled = {activity_key for child_key, activity_key in offer.enrolments if child_key in child_keys}
    activities = [activity for activity in rules.activities if activity.key in enrolled]
    wish = Wish(child_keys, [day], activities, is_day_named=False)
    copy = Offer(
        offer.household_key, offer.revision, offer.children, dict(places), offer.enrolments, offer.live, offer.child_ids
    )
    plan = plan_booking(rules, copy, wish, now)
    return [rules.facts(key).booking_limit for _, key in plan.created]
