"""What is counted of reservations, once it is committed (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from preau_chassis.metrics import counter, gauge
from preau_chassis.readings import LastReading

from agenda_svc.application.ports import Change
from agenda_svc.domain.states import Status

_BOOKINGS = counter("preau.bookings", "{reservation}", "Reservations newly held.")
_CONFIRMATIONS = counter("preau.confirmations", "{reservation}", "Reservations confirmed.")
_EXPIRED = counter("preau.holds.expired", "{reservation}", "Holds that ended unpaid.")
_OF_MOVED = {Status.CONFIRMED: _CONFIRMATIONS, Status.EXPIRED: _EXPIRED}


def count_change(town: str, change: Change) -> None:
    """Count what a change of one household did."""
    if change.new_ids:
        _BOOKINGS.add(len(change.new_ids), {"preau.tenant": town})
    if change.moved and change.moved_to is not None:
        counted = _OF_MOVED.get(change.moved_to)
        if counted is not None:
            counted.add(len(change.moved), {"preau.tenant": town})


def count_expired(town: str, count: int) -> None:
    """Count holds that the timed job has ended."""
    if count:
        _EXPIRED.add(count, {"preau.tenant": town})


@dataclass(frozen=True, slots=True)
class TownHolds:
    """Reservations held and not yet paid, and those of them that end soon."""

    town: str
    open: int
    expiring: int


class HoldGauges:
    """Show the holds of all towns as they were counted last."""

    def __init__(self, good_for: timedelta) -> None:
        self._open = LastReading(good_for)
        self._expiring = LastReading(good_for)
        self._gauges = (
            gauge("preau.holds.open", "{reservation}", "Reservations held and not yet paid.", self._open.read),
            gauge("preau.holds.expiring", "{reservation}", "Holds that end within 15 minutes.", self._expiring.read),
        )

    def keep(self, towns: Iterable[TownHolds]) -> None:
        """Show these from now on."""
        towns = list(towns)
        self._open.keep((each.open, {"preau.tenant": each.town}) for each in towns)
        self._expiring.keep((each.expiring, {"preau.tenant": each.town}) for each in towns)

    def close(self) -> None:
        """Show nothing any more."""
        for each in self._gauges:
            each.close()
