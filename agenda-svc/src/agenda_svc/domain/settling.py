"""Deciding what an invoice that was paid confirms, also when the money comes after the holds have ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agenda_svc.domain.days import activity_in, day_in, session_key
from agenda_svc.domain.offer import Row, Slot
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status


@dataclass(slots=True)
class SettlingPlan:
    """``confirmed``: held until now. ``rebooked``: lapsed, and booked again under the same id. ``lost``: taken.

    ``replaced``: holds under new ids by which the family took rebooked places back before its money was known; they go.
    """

    confirmed: list[Row] = field(default_factory=list)
    rebooked: list[Row] = field(default_factory=list)
    replaced: list[Row] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """All that is confirmed once the plan is carried out."""
        return sorted([*(row.id for row in (*self.confirmed, *self.rebooked)), *self.already])


def plan_settling(
    rules: TownRules,
    invoiced: Collection[int],
    rows: Mapping[int, Row],
    live: Collection[Slot],
    places: Mapping[int, int | None],
) -> SettlingPlan:
    """``rows``: the household's own; ``live``: what the children hold at present; ``places``: what is left in the sessions."""
    plan = SettlingPlan()
    lapsed: list[Row] = []
    left = dict(places)
    for reservation_id in invoiced:
        row = rows.get(reservation_id)
        if row is None or row.status is Status.CANCELLED:
            plan.lost.append(reservation_id)
        elif row.status is Status.CONFIRMED:
            plan.already.append(row.id)
        elif row.status is Status.HELD:
            plan.confirmed.append(row)
        else:
            lapsed.append(row)
    paid = set(invoiced)
    held_again = {row.slot: row for row in rows.values() if row.status is Status.HELD and row.id not in paid}
    free: dict[Slot, Row] = {}
    for row in sorted(lapsed, key=lambda each: each.session_key):
        if row.slot in held_again and row.slot not in free:
            free[row.slot] = row
            continue
        remaining = left.get(row.session_key, 0)
        if row.slot in live or row.slot in free or (remaining is not None and remaining <= 0):
            plan.lost.append(row.id)
            continue
        free[row.slot] = row
        if remaining is not None:
            left[row.session_key] = remaining - 1
    _drop_unsupported(rules, free, live, plan)
    plan.rebooked.extend(free.values())
    plan.replaced.extend(held_again[slot] for slot in free if slot in held_again)
    return plan


def _drop_unsupported(rules: TownRules, free: dict[Slot, Row], live: Collection[Slot], plan: SettlingPlan) -> None:
    """A lapsed meal does not come back without the midday care it requires."""
    is_settled = False
    while not is_settled:
        is_settled = True
        for (child_key, key), row in list(free.items()):
            activity = rules.by_key.get(activity_in(key))
            needed = [(child_key, session_key(day_in(key), other)) for other in (activity.requires if activity else ())]
            if any(slot not in live and slot not in free for slot in needed):
                del free[child_key, key]
                plan.lost.append(row.id)
                is_settled = False
