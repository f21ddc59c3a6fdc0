"""Holds that ended unpaid: what still counts, and what can be had again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from agenda_svc.domain.days import activity_in, day_in, session_key
from agenda_svc.domain.offer import Offer, Row, Slot, refusal_of
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status

REMEMBERED = timedelta(hours=24)
"""How long a household is offered what it lost."""


class Lapse(IntEnum):
    """What has become of an expired row: only a NEW one holds a payment up, and it does so once."""

    NEW = 0
    # The household was answered HOLD_EXPIRED: paying goes on without it, taking it back stays possible.
    TOLD = 1
    # Held again, or found taken: not offered any more.
    SETTLED = 2


def recently_lapsed(rows: Iterable[Row], now: datetime) -> list[Row]:
    """The expired rows of the last 24 hours that were not booked again since, nor given up."""
    rows = list(rows)
    newest: dict[Slot, datetime] = {}
    for row in rows:
        newest[row.slot] = max(newest.get(row.slot, row.created_at), row.created_at)
    return [
        row
        for row in rows
        if row.is_own
        and row.status is Status.EXPIRED
        and row.lapse != Lapse.SETTLED
        and row.closed_at is not None
        and row.closed_at > now - REMEMBERED
        and newest[row.slot] <= row.created_at
    ]


@dataclass(slots=True)
class RestoringPlan:
    restored: list[Row] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)


def plan_restoring(rules: TownRules, offer: Offer, lapsed: Collection[Row], now: datetime) -> RestoringPlan:
    """Which of ``lapsed`` the household can hold again. Judged as a new booking: a cut-off may have passed since."""
    today = rules.today(now)
    places: Mapping[int, int | None] = offer.places
    free: dict[Slot, Row] = {}
    left = dict(places)
    lost: list[Row] = []
    for row in sorted(lapsed, key=lambda each: each.session_key):
        activity = rules.by_key.get(activity_in(row.session_key))
        remaining = left.get(row.session_key, 0)
        refusal = activity is None or refusal_of(
            rules, offer, row.child_key, activity, day_in(row.session_key), now, today
        )
        if refusal or row.slot in free or (remaining is not None and remaining <= 0):
            lost.append(row)
            continue
        free[row.slot] = row
        if remaining is not None:
            left[row.session_key] = remaining - 1
    is_settled = False
    while not is_settled:
        is_settled = True
        for slot, row in list(free.items()):
            requires = rules.by_key[activity_in(row.session_key)].requires
            needed = ((row.child_key, session_key(day_in(row.session_key), other)) for other in requires)
            if any(other not in free and other not in offer.live for other in needed):
                del free[slot]
                lost.append(row)
                is_settled = False
    return RestoringPlan(list(free.values()), lost)
