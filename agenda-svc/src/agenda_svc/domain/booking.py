"""Deciding what a wish to book creates, row by row. All of it in memory: the write only guards what others change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.coupling import brought_by
from agenda_svc.domain.days import iso_weekday, session_key
from agenda_svc.domain.offer import Offer, Slot, free_keys, refusal_of
from agenda_svc.domain.refusals import Reason, Refusal
from agenda_svc.domain.rules import TownRules


@dataclass(frozen=True, slots=True)
class Wish:
    """``is_day_named``: the caller chose these very weekdays, so a weekday without the activity deserves an answer."""

    children: Sequence[int]
    days: Sequence[int]
    activities: Sequence[Activity]
    is_day_named: bool


@dataclass(slots=True)
class BookingPlan:
    """``created`` and ``skipped`` by child, then day, then activity order."""

    created: list[Slot] = field(default_factory=list)
    skipped: list[tuple[Slot, Refusal]] = field(default_factory=list)
    missing_required: list[str] = field(default_factory=list)


def plan_booking(rules: TownRules, offer: Offer, wish: Wish, now: datetime) -> BookingPlan:
    """What of ``wish`` can be, and why not the rest. Uses up ``offer.places`` as it goes."""
    plan = BookingPlan()
    chosen = {activity.key for activity in wish.activities}
    by_weekday = _by_weekday(rules, wish, chosen)
    today = rules.today(now)
    places = offer.places
    for child_key in wish.children:
        for day in wish.days:
            wanted, stands_alone = by_weekday[iso_weekday(day)]
            created = free_keys(rules, offer, child_key, wanted, day, now) if day >= today else {}
            refused: dict[int, Refusal] = {}
            if len(created) < len(wanted):
                for activity in wanted:
                    refusal = refusal_of(rules, offer, child_key, activity, day, now, today)
                    if refusal is not None:
                        refused[activity.key] = refusal
            if created and (refused or not stands_alone):
                _couple(rules, offer, child_key, day, chosen, created, refused)
            for key in created.values():
                left = places[key]
                if left is not None:
                    places[key] = left - 1
                plan.created.append((child_key, key))
            if refused:
                plan.skipped.extend(
                    ((child_key, session_key(day, activity_key)), refused[activity_key])
                    for activity_key in sorted(refused, key=rules.rank.__getitem__)
                    if activity_key in chosen or refused[activity_key].reason is not Reason.ALREADY_RESERVED
                )
    plan.missing_required = _missing(rules, plan, chosen) if plan.skipped else []
    return plan


def _by_weekday(rules: TownRules, wish: Wish, chosen: set[int]) -> list[tuple[list[Activity], bool]]:
    """What is wanted on each weekday, and whether all of it together needs nothing more and bears everything else."""
    tables: dict[tuple[int, ...], tuple[list[Activity], bool]] = {}
    by_weekday: list[tuple[list[Activity], bool]] = []
    for weekday in range(8):
        held = {activity.key for activity in wish.activities if weekday in activity.weekdays}
        brought = {key for key in brought_by(rules, held) if weekday in rules.by_key[key].weekdays}
        # Most days of a week want the same.
        present = tuple(sorted(brought | (chosen if wish.is_day_named else held), key=rules.rank.__getitem__))
        table = tables.get(present)
        if table is None:
            wanted = [rules.by_key[key] for key in present]
            table = tables[present] = (wanted, _stands_alone(rules, wanted, chosen))
        by_weekday.append(table)
    return by_weekday


def _stands_alone(rules: TownRules, wanted: Sequence[Activity], chosen: set[int]) -> bool:
    present = dict.fromkeys((activity.key for activity in wanted), 0)
    return all(
        not activity.excludes
        and all(other in present for other in activity.requires)
        and (activity.key in chosen or _has_bringer(rules, activity.key, present))
        for activity in wanted
    )


def _couple(
    rules: TownRules,
    offer: Offer,
    child_key: int,
    day: int,
    chosen: set[int],
    created: dict[int, int],
    refused: dict[int, Refusal],
) -> None:
    """Take out of ``created`` what cannot be together, or cannot stand alone."""

    def is_booked(other: int) -> bool:
        return (child_key, session_key(day, other)) in offer.live

    # What cannot be itself must not keep another one out.
    _drop_excluded(rules, created, refused, lambda other, _: is_booked(other))
    _drop_lacking(rules, created, refused, chosen, is_booked)
    _drop_excluded(rules, created, refused, lambda other, activity_key: _comes_first(created, other, activity_key))
    _drop_lacking(rules, created, refused, chosen, is_booked)


def _drop_excluded(
    rules: TownRules,
    created: dict[int, int],
    refused: dict[int, Refusal],
    is_in_the_way: Callable[[int, int], bool],
) -> None:
    for activity_key in list(created):
        for other in rules.by_key[activity_key].excludes:
            if is_in_the_way(other, activity_key):
                del created[activity_key]
                related = rules.by_key[other].id
                refused[activity_key] = Refusal(Reason.EXCLUDES_ACTIVITY, related_activity_id=related)
                break


def _drop_lacking(
    rules: TownRules,
    created: dict[int, int],
    refused: dict[int, Refusal],
    chosen: set[int],
    is_booked: Callable[[int], bool],
) -> None:
    is_settled = False
    while not is_settled:
        is_settled = True
        for activity_key in list(created):
            lacking = next(
                (o for o in rules.by_key[activity_key].requires if o not in created and not is_booked(o)), None
            )
            if lacking is not None:
                related = rules.by_key[lacking].id
                refused[activity_key] = Refusal(Reason.REQUIRES_ACTIVITY, related_activity_id=related)
            elif activity_key in chosen or _has_bringer(rules, activity_key, created):
                continue
            del created[activity_key]
            is_settled = False


def _comes_first(created: dict[int, int], other: int, activity_key: int) -> bool:
    for key in created:
        if key == activity_key:
            return False
        if key == other:
            return True
    return False


def _has_bringer(rules: TownRules, activity_key: int, created: dict[int, int]) -> bool:
    return any(activity_key in rules.by_key[other].brings for other in created)


def _missing(rules: TownRules, plan: BookingPlan, chosen: set[int]) -> list[str]:
    wanted = chosen.union(brought_by(rules, chosen))
    related = dict.fromkeys(
        refusal.related_activity_id
        for _, refusal in plan.skipped
        if refusal.reason is Reason.REQUIRES_ACTIVITY and rules.by_id[refusal.related_activity_id].key not in wanted
    )
    return sorted(related, key=lambda activity_id: rules.rank[rules.by_id[activity_id].key])
