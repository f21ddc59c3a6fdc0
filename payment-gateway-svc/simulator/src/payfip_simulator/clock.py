"""The simulator's time: the platform's demo clock, plus what a test has added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock:
    """Shows ``start`` when the machine's clock shows ``anchor``, and can be moved forward."""

    def __init__(self, start: datetime | None, anchor: datetime | None, advanced: timedelta = timedelta(0)) -> None:
        self._offset = start - (anchor or datetime.now(UTC)) if start else timedelta(0)
        self.advanced = advanced

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._offset + self.advanced).astimezone(UTC)

    def advance(self, delta: timedelta) -> None:
        self.advanced += delta

    def last_night(self) -> datetime:
        """The last midnight in Paris: what was never opened before it is gone."""
        return self.now().astimezone(PARIS).replace(hour=0, minute=0, second=0, microsecond=0)
