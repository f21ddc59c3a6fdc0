"""What each step of many visits took, from the instant it was due."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

SHARES = (0.5, 0.95, 0.99, 0.999, 1.0)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least ``share`` of all do not exceed; 0 when there is none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values) - 1e-9) - 1)]


@dataclass(slots=True)
class StepFigures:
    """Seconds. ``from_due`` counts from the instant of the visit's own schedule, ``from_sent`` from the request.

    A step that never got its answer is in both with the time it waited: what is slow must not vanish by failing.
    """

    from_due: list[float] = field(default_factory=list)
    from_sent: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0

    def answered(self, due: float, sent: float, now: float) -> None:
        self.from_due.append(now - due)
        self.from_sent.append(now - sent)

    def p(self, share: float) -> float:
        return percentile(self.from_due, share)


@dataclass(slots=True)
class Figures:
    """All steps, in the order in which they were first taken, and how the load itself behaved."""

    steps: dict[str, StepFigures] = field(default_factory=dict)
    late_starts: list[float] = field(default_factory=list)
    refused_by_cap: int = 0
    most_at_once: int = 0
    finished: int = 0
    """Visits that took every step."""
    seconds: float = 0.0
    """From the first visit's instant to the last answer."""

    def step(self, name: str) -> StepFigures:
        return self.steps.setdefault(name, StepFigures())

    @property
    def errors(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for name, step in self.steps.items():
            total.update({f"{name}: {kind}": count for kind, count in step.errors.items()})
        if self.refused_by_cap:
            total["not let in: connection cap"] = self.refused_by_cap
        return total

    def print(self) -> None:
        head = "".join(f"{label:>8}" for label in ("p50", "p95", "p99", "p99.9", "max"))
        print(f"{'step, seconds from when it was due':36}{head}   sent p50  sent p99   count   waits")
        for name, step in self.steps.items():
            row = "".join(f"{percentile(step.from_due, share):8.2f}" for share in SHARES)
            sent = f"{percentile(step.from_sent, 0.5):9.2f} {percentile(step.from_sent, 0.99):9.2f}"
            print(f"{name:36}{row}  {sent} {len(step.from_due):7} {step.turned_away:7}")
        print(
            f"{self.finished} visits finished in {self.seconds:.0f} s ({self.finished / max(self.seconds, 0.1):.1f}/s), at most {self.most_at_once} at once;"
            f" the load itself started them late by p99 {percentile(self.late_starts, 0.99) * 1000:.0f} ms,"
            f" max {max(self.late_starts, default=0.0) * 1000:.0f} ms"
        )
        if self.refused_by_cap:
            print(f"CONNECTION CAP HIT: {self.refused_by_cap} visits were not let in")
        for kind, count in self.errors.most_common():
            print(f"  error, {count} times: {kind}")
        if not self.errors:
            print("no error")
