"""What is measured of the signing keys (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from datetime import timedelta

from preau_chassis.metrics import gauge
from preau_chassis.readings import LastReading


class SigningKeyGauge:
    """Shows how long the newest signing key may still sign, as it was last seen; nothing while there is no key."""

    def __init__(self, good_for: timedelta) -> None:
        self._left = LastReading(good_for)
        self._gauge = gauge(
            "preau.signing_key.expires_in", "s", "Until the newest signing key must have been rotated.", self._left.read
        )

    def keep(self, seconds: float | None) -> None:
        """Show this from now on."""
        self._left.keep([] if seconds is None else [(seconds, {})])

    def close(self) -> None:
        """Show nothing any more."""
        self._gauge.close()
