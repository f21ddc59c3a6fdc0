"""A small town in memory behind real gRPC: enough of the rules for every page to have something to say.

The calendar is September 2025 of the town's document: Mondays, Tuesdays, Thursdays and Fridays, Wednesdays for the
leisure centre. A test may make one day full for the meal and close another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.common.v1.money_pb2 import Money
from preau.payment.v1 import payment_service_pb2 as payment
from preau_chassis.wire import date_from_wire, date_to_wire

from tests.fixtures.fake_world import World

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
FIRST, LAST = date(2025, 9, 1), date(2026, 7, 3)
SCHOOL, WEDNESDAY = [1, 2, 4, 5], [3]
CATALOGUE = [
    ("matin", "Accueil périscolaire matin", SCHOOL, 45, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("meal", "Restauration scolaire", SCHOOL, 160, ["midi"], agenda.ACTIVITY_KIND_MEAL),
    ("midi", "Accueil périscolaire midi", SCHOOL, 35, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("soir", "Accueil périscolaire soir", SCHOOL, 60, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("cl-repas", "Centre de loisirs - Restauration mercredi", WEDNESDAY, 160, ["cl"], agenda.ACTIVITY_KIND_MEAL),
    ("cl-soir", "Garderie soir du centre de loisirs mercredi", WEDNESDAY, 60, [], agenda.ACTIVITY_KIND_CHILDCARE),
    ("cl", "Centre de loisirs du mercredi", WEDNESDAY, 500, [], agenda.ACTIVITY_KIND_OTHER),
]
PRICE = {item[0]: item[3] for item in CATALOGUE}
WEEKDAYS = {item[0]: item[2] for item in CATALOGUE}
REQUIRES = {item[0]: item[4] for item in CATALOGUE}
POSITION = {item[0]: index for index, item in enumerate(CATALOGUE)}
NAME = {item[0]: item[1] for item in CATALOGUE}
PAIRED = {"meal", "midi", "cl-repas", "cl"}
CHILDREN = [("child-1", "Maëlle", "CE2"), ("child-2", "Timéo", "Grande section")]
FIRST_NAMES = {key: name for key, name, _ in CHILDREN}
HELD, CONFIRMED = agenda.RESERVATION_STATUS_HELD, agenda.RESERVATION_STATUS_CONFIRMED


def euros(cents: int) -> Money:
    return Money(minor_units=cents, currency_code="EUR")


@dataclass
class SmallTown(World):
    """What the town knows of one household."""

    rows: dict[str, agenda.Reservation] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    now: datetime = NOW
    outcome: int = payment.PAYMENT_STATUS_PAID
    full_day: date | None = None
    closed_day: date | None = None
    unpaid: set[str] = field(default_factory=set)
    expired_count: int = 0
    session_ends_at: datetime | None = None

    def reset(self) -> None:
        """As on the first day."""
        fresh = SmallTown()
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    @property
    def hold_end(self) -> datetime:
        return self.now + timedelta(minutes=60)

    def on(self, child: str, day: date) -> dict[str, agenda.Reservation]:
        return {
            row.activity_id: row
            for row in self.rows.values()
            if row.child_id == child and date_from_wire(row.day) == day
        }

    def why_not(  # noqa: PLR0911 - one answer a reason
        self, child: str, activity: str, day: date, chosen: Iterable[str]
    ) -> agenda.Refusal | None:
        """The first reason that stands in the way."""
        if day.isoweekday() not in WEEKDAYS[activity]:
            return agenda.Refusal(reason="NOT_THAT_WEEKDAY")
        if not FIRST <= day <= LAST:
            return agenda.Refusal(reason="NOT_OPEN_YET")
        if day == self.closed_day:
            return agenda.Refusal(reason="SITE_CLOSED", label="Grève")
        if day <= self.now.date() + timedelta(days=1):
            refusal = agenda.Refusal(reason="BOOKING_CUTOFF_PASSED")
            refusal.cutoff_at.FromDatetime(self.now - timedelta(hours=3))
            return refusal
        if activity in self.on(child, day):
            return agenda.Refusal(reason="ALREADY_RESERVED")
        if child == "child-2" and activity.startswith("cl"):
            return agenda.Refusal(reason="NOT_ENROLLED")
        if activity == "meal" and day == self.full_day:
            return agenda.Refusal(reason="SESSION_FULL")
        for need in REQUIRES[activity]:
            if need not in chosen and need not in self.on(child, day):
                return agenda.Refusal(reason="REQUIRES_ACTIVITY", related_activity_id=need)
        return None

    def hold(self, child: str, activity: str, day: date) -> agenda.Reservation:
        row = agenda.Reservation(
            id=f"r{len(self.rows) + 1}-{child[-1]}-{activity}-{day:%m%d}",
            child_id=child,
            activity_id=activity,
            day=date_to_wire(day),
            status=HELD,
            can_cancel=True,
            can_cancel_alone=activity not in PAIRED,
        )
        row.hold_expires_at.FromDatetime(self.hold_end)
        row.created_at.FromDatetime(self.now)
        self.rows[row.id] = row
        return row

    def with_partners(self, ids: Iterable[str]) -> list[agenda.Reservation]:
        found = {item: self.rows[item] for item in ids if item in self.rows}
        for row in list(found.values()):
            mates = self.on(row.child_id, date_from_wire(row.day))
            for first, second in (("meal", "midi"), ("cl-repas", "cl")):
                if row.activity_id in {first, second} and first in mates and second in mates:
                    found.update({mates[first].id: mates[first], mates[second].id: mates[second]})
        return list(found.values())

    def pending(self) -> list[agenda.Reservation]:
        return sorted(
            (row for row in self.rows.values() if row.status == HELD and row.id not in self.unpaid),
            key=lambda row: (date_from_wire(row.day), POSITION[row.activity_id], row.child_id),
        )


def days_of(entry: agenda.BulkEntry) -> list[date]:
    first, last = date_from_wire(getattr(entry, "from")), date_from_wire(entry.to)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [day for day in days if not entry.weekdays or day.isoweekday() in entry.weekdays]
