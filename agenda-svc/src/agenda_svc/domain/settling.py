"""Deciding what an invoice that was paid confirms, also when the money comes after the holds have ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agenda_svc.domain.offer import Row, Slot
from agenda_svc.domain.rebooking import book_again
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
    plan.rebooked, lost = book_again(
        rules, lapsed, live, places, lambda row: row.slot in live and row.slot not in held_again, held_again
    )
    plan.lost.extend(row.id for row in lost)
    plan.replaced.extend(held_again[row.slot] for row in plan.rebooked if row.slot in held_again)
    return plan
