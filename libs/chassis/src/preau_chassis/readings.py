"""What a timed job found last, for a gauge to show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from preau_chassis.metrics import Attributes

Reading = tuple[float, Attributes]


class LastReading:
    """Kept for ``good_for``, then silent: a process that lost the lead must not go on showing what another now counts."""

    def __init__(self, good_for: timedelta, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = good_for.total_seconds()
        self._monotonic = monotonic
        # One object, replaced whole: the exporter reads it in its own thread.
        self._kept: tuple[float, Sequence[Reading]] = (0.0, ())

    def keep(self, values: Iterable[Reading]) -> None:
        """Show these from now on."""
        self._kept = (self._monotonic() + self._seconds, tuple(values))

    def read(self) -> Sequence[Reading]:
        """What was kept last, while it is good."""
        until, values = self._kept
        return values if self._monotonic() < until else ()
