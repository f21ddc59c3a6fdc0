"""The platform's clock: the machine's, or one that started at ``PREAU_NOW`` and runs on."""

from __future__ import annotations

from datetime import UTC, datetime

from preau_kernel.clock import Clock, OffsetClock, SystemClock

from preau_chassis.settings import ServiceSettings


def clock_from(settings: ServiceSettings) -> Clock:
    """The clock these settings ask for. Without ``PREAU_NOW_ANCHOR`` a demonstration starts now."""
    demo = settings.demo_start()
    if demo is None:
        return SystemClock()
    start, anchor = demo
    return OffsetClock(start, anchor or datetime.now(UTC))
