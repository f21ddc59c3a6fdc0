"""Deciding what a wish to cancel takes away: coupled rows go together, and together or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agenda_svc.domain.booking import Wish
from agenda_svc.domain.coupling import coupled, needing
from agenda_svc.domain.days import activity_in, day_in, iso_weekday, session_key
from agenda_svc.domain.offer import Offer, Row, Slot
from agenda_svc.domain.refusals import DAY_PAST, NOT_RESERVED, NOT_THAT_WEEKDAY, Reason, Refusal
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import LIVE, TRANSITIONS, Status, Trigger


@dataclass(slots=True)
class CancellingPlan:
    removed: list[Row] = field(default_factory=list)
    skipped: list[tuple[Slot, Refusal]] = field(default_factory=list)


def cancel_refusal(rules: TownRules, row: Row, now: datetime, today: int) -> Refusal | None:
    """Why this row alone cannot be cancelled by the family. What is not paid can always be given back."""
    if (row.status, Trigger.CANCEL) not in TRANSITIONS or row.has_lapsed(now):
        return NOT_RESERVED
    if row.status is Status.HELD:
        return None
    if day_in(row.session_key) < today:
        return DAY_PAST
    limit = rules.facts(row.session_key).cancellation_limit
    if limit is not None and now >= limit:
        return Refusal(Reason.CANCELLATION_CUTOFF_PASSED, cutoff_at=limit)
    return None


def by_child_day(rows: Iterable[Row], now: datetime) -> dict[tuple[int, int], dict[int, Row]]:
    """The household's own live rows but those whose hold has ended: child and day, then activity."""
    result: dict[tuple[int, int], dict[int, Row]] = {}
    for row in rows:
        if row.is_own and row.status in LIVE and not row.has_lapsed(now):
            day = result.setdefault((row.child_key, day_in(row.session_key)), {})
            day[activity_in(row.session_key)] = row
    return result


def group_refusal(rules: TownRules, rows: Iterable[Row], now: datetime, today: int) -> Refusal | None:
    """The first reason why rows that go together cannot go."""
    for row in rows:
        refusal = cancel_refusal(rules, row, now, today)
        if refusal is not None:
            return refusal
    return None


def plan_bulk_cancelling(rules: TownRules, offer: Offer, wish: Wish, now: datetime) -> CancellingPlan:
    """What of ``wish`` can be deleted. Days that were not named speak only of what is booked on them."""
    plan = CancellingPlan()
    today = rules.today(now)
    booked = by_child_day(offer.live.values(), now)
    nothing: Mapping[int, Row] = {}
    for child_key in wish.children:
        for day in wish.days:
            present = booked.get((child_key, day), nothing)
            leaving = [activity.key for activity in wish.activities if activity.key in present]
            if wish.is_day_named:
                _tell_absent(plan, wish, child_key, day, present)
            plan.removed.extend(_remove(rules, plan, present, leaving, now, today))
    return plan


def plan_cancelling(rules: TownRules, rows: Collection[Row], live: Iterable[Row], now: datetime) -> CancellingPlan:
    """What goes when ``rows`` go; ``live`` are the household's live rows of the same children and days."""
    plan = CancellingPlan()
    today = rules.today(now)
    booked = by_child_day(live, now)
    leaving: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        if cancel_refusal(rules, row, now, today) == NOT_RESERVED:
            plan.skipped.append((row.slot, NOT_RESERVED))
        else:
            leaving.setdefault((row.child_key, day_in(row.session_key)), []).append(activity_in(row.session_key))
    for child_day, keys in leaving.items():
        plan.removed.extend(_remove(rules, plan, booked.get(child_day, {}), keys, now, today))
    return plan


def rows_to_undo(rules: TownRules, rows: Iterable[Row], live: Iterable[Row], now: datetime) -> list[Row]:
    """What goes with the ``rows`` of an entry that is taken back: what cannot stand without them.

    What they require themselves was booked before, and stays.
    """
    booked = by_child_day(live, now)
    leaving: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        leaving.setdefault((row.child_key, day_in(row.session_key)), []).append(activity_in(row.session_key))
    return [
        booked[child_day][key]
        for child_day, keys in leaving.items()
        for key in sorted(needing(rules, keys, booked[child_day]), key=rules.rank.__getitem__)
    ]


def _remove(
    rules: TownRules, plan: CancellingPlan, present: Mapping[int, Row], leaving: list[int], now: datetime, today: int
) -> list[Row]:
    """Judge the groups of one child's day; the refusals of a group are told on the rows that were asked for."""
    if not leaving:
        return []
    going = coupled(rules, leaving, present)
    refusal = group_refusal(rules, (present[key] for key in going), now, today)
    if refusal is None:
        return [present[key] for key in sorted(going, key=rules.rank.__getitem__)]
    gone: set[int] = set()
    for key in leaving:
        if key in gone:
            continue
        # One after the other: the last of those that share what they require takes it along.
        group = coupled(rules, [key], present.keys() - gone)
        refusal = group_refusal(rules, (present[other] for other in group), now, today)
        if refusal is None:
            gone |= group
        else:
            plan.skipped.append((present[key].slot, refusal))
    return [present[key] for key in sorted(gone, key=rules.rank.__getitem__)]


def _tell_absent(plan: CancellingPlan, wish: Wish, child_key: int, day: int, present: Mapping[int, Row]) -> None:
    for activity in wish.activities:
        if activity.key not in present:
            refusal = NOT_RESERVED if iso_weekday(day) in activity.weekdays else NOT_THAT_WEEKDAY
            plan.skipped.append(((child_key, session_key(day, activity.key)), refusal))
