"""What a household finds when it comes to book: places, rights, and what is booked already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.days import iso_weekday, session_key
from agenda_svc.domain.refusals import (
    ALREADY_RESERVED,
    DAY_PAST,
    NOT_ENROLLED,
    NOT_OPEN_YET,
    NOT_THAT_WEEKDAY,
    SESSION_FULL,
    Reason,
    Refusal,
)
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status

Slot = tuple[int, int]
"""A child's key and a session's key."""


@dataclass(frozen=True, slots=True)
class Row:
    """A reservation. ``is_own`` tells the household's own from another household's for the same child."""

    id: int
    child_key: int
    session_key: int
    status: Status
    hold_expires_at: datetime
    created_at: datetime
    entry_id: int = 0
    is_own: bool = True
    closed_at: datetime | None = None
    lapse: int = 0

    @property
    def slot(self) -> Slot:
        return self.child_key, self.session_key

    def has_lapsed(self, now: datetime) -> bool:
        """Whether its hold is over though nobody has come by to say so."""
        return self.status is Status.HELD and self.hold_expires_at <= now


@dataclass(slots=True)
class Offer:
    """``children`` maps ids to keys; ``places`` holds what is left per session, ``None`` without a limit."""

    household_key: int
    revision: int
    children: Mapping[str, int]
    places: dict[int, int | None]
    enrolments: Mapping[tuple[int, int], tuple[tuple[int, int], ...]]
    live: dict[Slot, Row]
    child_ids: Mapping[int, str] = field(default_factory=dict)

    def is_enrolled(self, child_key: int, activity_key: int, day: int) -> bool:
        periods = self.enrolments.get((child_key, activity_key))
        return periods is not None and any(first <= day <= last for first, last in periods)


def refusal_of(  # noqa: PLR0911 - one line a reason, in the order in which they are told
    rules: TownRules, offer: Offer, child_key: int, activity: Activity, day: int, now: datetime, today: int
) -> Refusal | None:
    """Why this child cannot have this activity on this day, ``None`` when it can. Couplings are judged elsewhere."""
    key = session_key(day, activity.key)
    if (child_key, key) in offer.live:
        return ALREADY_RESERVED
    if iso_weekday(day) not in activity.weekdays:
        return NOT_THAT_WEEKDAY
    facts = rules.facts(key)
    if facts.closed is not None:
        return facts.closed
    if day < today:
        return DAY_PAST
    if not offer.is_enrolled(child_key, activity.key, day):
        return NOT_ENROLLED
    left = offer.places.get(key, 0)
    if left == 0 and key not in offer.places:
        return NOT_OPEN_YET
    if facts.booking_limit is not None and now >= facts.booking_limit:
        return Refusal(Reason.BOOKING_CUTOFF_PASSED, cutoff_at=facts.booking_limit)
    if left is not None and left <= 0:
        return SESSION_FULL
    return None


def free_keys(
    rules: TownRules, offer: Offer, child_key: int, activities: Iterable[Activity], day: int, now: datetime
) -> dict[int, int]:
    """The sessions, by activity, to which ``refusal_of`` has no objection on a day that has not passed.

    Nearly every row of a month is one: told without asking for a reason each.
    """
    places, live, facts, enrolments = offer.places, offer.live, rules.facts_of, offer.enrolments
    first_key = session_key(day, 0)
    free: dict[int, int] = {}
    for activity in activities:
        activity_key = activity.key
        key = first_key | activity_key
        left = places.get(key, 0)
        if (left is None or left > 0) and now < facts[key].bookable_until and (child_key, key) not in live:
            for first, last in enrolments.get((child_key, activity_key), ()):
                if first <= day <= last:
                    free[activity_key] = key
                    break
    return free
