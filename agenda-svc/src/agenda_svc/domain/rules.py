"""Everything a town has decided about booking, at one version, with what follows from it worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.cutoffs import cutoff_at
from agenda_svc.domain.days import activity_in, day_in, day_number
from agenda_svc.domain.refusals import Reason, Refusal

_MAX_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What holds for one activity on one day whoever books; ``closed`` is ready to be given as an answer."""

    closed: Refusal | None
    booking_limit: datetime | None
    cancellation_limit: datetime | None


class TownRules:
    """Immutable but for what it remembers; a change of the town's makes a new one with a new version."""

    def __init__(
        self,
        *,
        version: int,
        zone: ZoneInfo,
        hold_minutes: int,
        activities: Sequence[Activity],
        calendar: SchoolCalendar,
        closures: Sequence[Closure] = (),
    ) -> None:
        self.version = version
        self.zone = zone
        self.hold_minutes = hold_minutes
        self.calendar = calendar
        self.activities = tuple(sorted(activities, key=lambda activity: (activity.position, activity.key)))
        self.by_key = {activity.key: activity for activity in self.activities}
        self.by_id = {activity.id: activity for activity in self.activities}
        self.rank = {activity.key: rank for rank, activity in enumerate(self.activities)}
        self.required_by = {
            activity.key: tuple(other.key for other in self.activities if activity.key in other.requires)
            for activity in self.activities
        }
        self._closures = tuple(closures)
        self._facts: dict[int, SessionFacts] = {}

    def today(self, now: datetime) -> int:
        """The town's own day: it changes at its midnight, not at Greenwich's."""
        return day_number(now.astimezone(self.zone).date())

    def facts(self, key: int) -> SessionFacts:
        """What holds for a session; worked out at the first question."""
        facts = self._facts.get(key)
        if facts is None:
            if len(self._facts) >= _MAX_REMEMBERED:
                self._facts.clear()
            facts = self._facts[key] = self._work_out(self.by_key[activity_in(key)], day_in(key))
        return facts

    def closed_label(self, activity: Activity, day: int) -> str | None:
        """Why an activity does not take place on a day of its week, ``None`` when it does."""
        for closure in self._closures:
            if closure.first <= day <= closure.last and closure.site_key in {0, activity.site_key}:
                return closure.label
        label = self.calendar.public_holidays.get(day)
        if label is None and not activity.is_open_in_holidays:
            label = self.calendar.holidays.get(day)
        return label

    def _work_out(self, activity: Activity, day: int) -> SessionFacts:
        label = self.closed_label(activity, day)
        booking, cancelling = activity.booking_cutoff, activity.cancellation_cutoff
        return SessionFacts(
            closed=None if label is None else Refusal(Reason.SITE_CLOSED, label=label),
            booking_limit=None if booking is None else cutoff_at(booking, day, self.zone, self.calendar),
            cancellation_limit=None if cancelling is None else cutoff_at(cancelling, day, self.zone, self.calendar),
        )
