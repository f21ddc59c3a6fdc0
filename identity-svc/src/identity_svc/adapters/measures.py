"""What timed jobs measure (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from datetime import timedelta

from preau_chassis.metrics import gauge
from preau_chassis.readings import LastReading


class Gauges:
    """Each shows what was seen last while that is good, and nothing before."""

    def __init__(self, good_for: timedelta) -> None:
        self._key_left = LastReading(good_for)
        self._letters_late = LastReading(good_for)
        self._gauges = (
            gauge(
                "preau.signing_key.expires_in",
                "s",
                "Until the newest signing key must have been rotated.",
                self._key_left.read,
            ),
            gauge("preau.letters.late", "{letter}", "Letters that wait to be sent.", self._letters_late.read),
        )

    def keep_key(self, seconds: float | None) -> None:
        """How long the newest signing key may still sign; ``None`` without a key."""
        self._key_left.keep([] if seconds is None else [(seconds, {})])

    def keep_letters(self, late: int) -> None:
        """How many letters have waited for too long."""
        self._letters_late.keep([(late, {})])

    def close(self) -> None:
        """Show nothing any more."""
        for each in self._gauges:
            each.close()
