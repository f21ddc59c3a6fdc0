"""Holds that ended unpaid: what still counts, and what can be had again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from agenda_svc.domain.days import activity_in, day_in
from agenda_svc.domain.offer import Offer, Row, Slot, refusal_of
from agenda_svc.domain.rebooking import book_again
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
    members = set(offer.children.values())

    def is_refused(row: Row) -> bool:
        activity, day = rules.by_key.get(activity_in(row.session_key)), day_in(row.session_key)
        if activity is None or row.child_key not in members:
            return True
        return refusal_of(rules, offer, row.child_key, activity, day, now, today) is not None

    return RestoringPlan(*book_again(rules, lapsed, offer.live, offer.places, is_refused))
