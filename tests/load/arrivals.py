"""When visitors come: fixed before the first of them is let in, whatever the platform makes of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phase:
    """``share`` of all arrivals fall within ``seconds``."""

    seconds: float
    share: float


def arrivals(count: int, phases: Sequence[Phase], seed: int) -> list[float]:
    """``count`` arrival times in seconds from the start, sorted.

    A Poisson process whose rate is constant within a phase, given that ``count`` came: its times are then independent
    draws from the phases. ``ValueError`` unless the shares make a whole.
    """
    if abs(sum(phase.share for phase in phases) - 1) > 1e-9:
        raise ValueError("the phases' shares must make 1")
    source = random.Random(seed)
    bounds = [(sum(phase.seconds for phase in phases[:n]), phase.seconds) for n, phase in enumerate(phases)]
    chosen = source.choices(bounds, [phase.share for phase in phases], k=count)
    return sorted(start + source.random() * length for start, length in chosen)


def steady(per_second: float, seconds: float, seed: int) -> list[float]:
    """A Poisson process of one rate for ``seconds``: independent gaps, so a random number of arrivals."""
    source = random.Random(seed)
    times: list[float] = []
    at = source.expovariate(per_second)
    while at < seconds:
        times.append(at)
        at += source.expovariate(per_second)
    return times


def peak_rate(times: Sequence[float], window: float) -> float:
    """The most arrivals a second over any ``window`` seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - window:
            first += 1
        most = max(most, last - first + 1)
    return most / window
