"""Everything a town has decided about booking, at one version, with what follows from it worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.cutoffs import cutoff_at
from agenda_svc.domain.days import activity_in, day_in, day_number, iso_weekday, session_key
from agenda_svc.domain.refusals import Reason, Refusal

_MAX_REMEMBERED = 100_000
_MAX_DAYS = 800
_NEVER = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What holds for one activity on one day whoever books; ``closed`` is ready to be given as an answer.

    ``bookable_until`` sums up closure, weekday and limit: before it nothing of the town's rules is in the way.
    """

    closed: Refusal | None
    bookable_until: datetime
    booking_limit: datetime | None
    cancellation_limit: datetime | None


@dataclass(frozen=True, slots=True)
class DayFacts:
    """A day's activities, in their order: those that take place, and those that a closure or holiday stops.

    ``open`` maps an activity's key to its session's; ``closed`` are sessions with the reason's label.
    """

    open: Mapping[int, int]
    closed: Sequence[tuple[int, str]]


class _Facts(dict[int, SessionFacts]):
    """Facts by session key, worked out at the first question; a plain look-up afterwards."""

    def __init__(self, work_out: Callable[[int], SessionFacts]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: int) -> SessionFacts:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        facts = self[key] = self._work_out(key)
        return facts


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
        self.facts_of = _Facts(self._work_out)
        self._days: dict[int, DayFacts] = {}
        self._closings: dict[str, Refusal] = {}

    def today(self, now: datetime) -> int:
        """The town's own day: it changes at its midnight, not at Greenwich's."""
        return day_number(now.astimezone(self.zone).date())

    def facts(self, key: int) -> SessionFacts:
        """What holds for a session; worked out at the first question."""
        return self.facts_of[key]

    def on_day(self, day: int) -> DayFacts:
        """What takes place on a day, whoever books; worked out at the first question."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _MAX_DAYS:
                self._days.clear()
            known = self._days[day] = self._work_out_day(day)
        return known

    def _work_out_day(self, day: int) -> DayFacts:
        weekday = iso_weekday(day)
        held: dict[int, int] = {}
        stopped: list[tuple[int, str]] = []
        for activity in self.activities:
            if weekday in activity.weekdays:
                key = session_key(day, activity.key)
                closed = self.facts_of[key].closed
                if closed is None:
                    held[activity.key] = key
                else:
                    stopped.append((key, closed.label))
        return DayFacts(held, stopped)

    def closed_label(self, activity: Activity, day: int) -> str | None:
        """Why an activity does not take place on a day of its week, ``None`` when it does."""
        for closure in self._closures:
            if closure.first <= day <= closure.last and closure.site_key in {0, activity.site_key}:
                return closure.label
        label = self.calendar.public_holidays.get(day)
        if label is None and not activity.is_open_in_holidays:
            label = self.calendar.holidays.get(day)
        return label

    def _closed(self, label: str) -> Refusal:
        """One object for each reason of the calendar's, however many sessions it closes."""
        return self._closings.setdefault(label, Refusal(Reason.SITE_CLOSED, label=label))

    def _work_out(self, key: int) -> SessionFacts:
        activity, day = self.by_key[activity_in(key)], day_in(key)
        label = self.closed_label(activity, day)
        booking, cancelling = activity.booking_cutoff, activity.cancellation_cutoff
        booking_limit = None if booking is None else cutoff_at(booking, day, self.zone, self.calendar)
        is_bookable = label is None and iso_weekday(day) in activity.weekdays
        return SessionFacts(
            closed=None if label is None else self._closed(label),
            bookable_until=(booking_limit or _FOR_EVER) if is_bookable else _NEVER,
            booking_limit=booking_limit,
            cancellation_limit=None if cancelling is None else cutoff_at(cancelling, day, self.zone, self.calendar),
        )
