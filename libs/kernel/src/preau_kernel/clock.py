"""Time as a port: domains receive instants, they never ask the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The platform's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock:
    """A clock that started at ``start`` when the machine's clock showed ``anchor``, and runs on from there.

    All processes of one demonstration share the same anchor, so that they agree on the time.
    """

    def __init__(self, start: datetime, anchor: datetime) -> None:
        if start.tzinfo is None or anchor.tzinfo is None:
            message = "both instants must be aware"
            raise ValueError(message)
        self._offset = start - anchor

    def now(self) -> datetime:
        return (datetime.now(UTC) + self._offset).astimezone(UTC)


class FixedClock:
    """A clock that tests move by hand."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, delta: timedelta) -> None:
        self._now += delta
