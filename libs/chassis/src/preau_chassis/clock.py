"""The platform's clock: the machine's, or one that started at ``PREAU_NOW`` and runs on."""

from __future__ import annotations

from datetime import UTC, datetime

from preau_kernel.clock import Clock, OffsetClock, SystemClock

from preau_chassis.settings import ServiceSettings


def clock_from(settings: ServiceSettings) -> Clock:
    """The clock these settings ask for. Without ``PREAU_NOW_ANCHOR`` a demonstration starts now."""
    if settings.now is None:
        return SystemClock()
    return OffsetClock(settings.now, settings.now_anchor or datetime.now(UTC))
