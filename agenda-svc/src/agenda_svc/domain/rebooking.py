"""Booking again what has lapsed: what of it can be together, and for whom there is still a place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from agenda_svc.domain.days import activity_in, day_in, session_key
from agenda_svc.domain.offer import Row, Slot
from agenda_svc.domain.rules import TownRules


def book_again(
    rules: TownRules,
    lapsed: Iterable[Row],
    live: Collection[Slot],
    places: Mapping[int, int | None],
    is_refused: Callable[[Row], bool],
    own_places: Collection[Slot] = (),
) -> tuple[list[Row], list[Row]]:
    """Which of ``lapsed`` can be booked again, and which are lost; slots of ``own_places`` take no further place.

    Day by day and child by child, so that a place refused by a coupling is left to the next child.
    """
    taken: list[Row] = []
    lost: list[Row] = []
    left = dict(places)
    by_child_day: dict[tuple[int, int], dict[Slot, Row]] = {}
    for row in lapsed:
        rows = by_child_day.setdefault((day_in(row.session_key), row.child_key), {})
        if is_refused(row) or row.slot in rows:
            lost.append(row)
        else:
            rows[row.slot] = row
    for _, rows in sorted(by_child_day.items()):
        for slot in list(rows):
            remaining = left.get(slot[1], 0)
            if slot not in own_places and remaining is not None and remaining <= 0:
                lost.append(rows.pop(slot))
        lost.extend(_drop_uncoupled(rules, rows, live))
        for slot, row in sorted(rows.items()):
            taken.append(row)
            remaining = left.get(slot[1])
            if slot not in own_places and remaining is not None:
                left[slot[1]] = remaining - 1
    return taken, lost


def _drop_uncoupled(rules: TownRules, taken: dict[Slot, Row], live: Collection[Slot]) -> list[Row]:
    """Take out of ``taken``, and answer, what cannot be beside ``live``: by exclusion, or for lack of what it requires.

    Of two that exclude each other the first in the town's order stays.
    """
    dropped = [row for slot, row in taken.items() if _is_excluded(rules, slot, live)]
    for row in dropped:
        del taken[row.slot]
    dropped.extend(_drop_lacking(rules, taken, live))
    kept: set[Slot] = set()
    for slot in sorted(taken, key=lambda each: rules.rank[activity_in(each[1])]):
        if _is_excluded(rules, slot, kept):
            dropped.append(taken.pop(slot))
        else:
            kept.add(slot)
    return dropped + _drop_lacking(rules, taken, live)


def _is_excluded(rules: TownRules, slot: Slot, by: Collection[Slot]) -> bool:
    return any(other in by for other in _on_that_day(slot, rules.by_key[activity_in(slot[1])].excludes))


def _drop_lacking(rules: TownRules, taken: dict[Slot, Row], live: Collection[Slot]) -> list[Row]:
    dropped: list[Row] = []
    is_settled = False
    while not is_settled:
        is_settled = True
        for slot in list(taken):
            needed = _on_that_day(slot, rules.by_key[activity_in(slot[1])].requires)
            if any(other not in taken and other not in live for other in needed):
                dropped.append(taken.pop(slot))
                is_settled = False
    return dropped


def _on_that_day(slot: Slot, activity_keys: Iterable[int]) -> list[Slot]:
    child_key, key = slot
    return [(child_key, session_key(day_in(key), other)) for other in activity_keys]
