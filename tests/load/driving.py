"""A closed loop of clients, and what one scenario of it gave."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench_platform import Platform
from bench_town import HOST
from cpu import cpu_seconds
from wire import Connection

DONE = "done"
_LEAST_MS = 0.01

Step = Callable[[Connection, int], Awaitable[str]]
"""One request of one client: empty when it went well, ``DONE`` when there is no more work, else what went wrong."""


@dataclass(slots=True)
class Result:
    """One scenario's figures; times in milliseconds. ``ran_out``: some client found no more work before the end."""

    name: str
    seconds: float
    durations: list[float]
    errors: Counter[str]
    ran_out: bool = False
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.durations) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.durations)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def print(self) -> None:
        errors = dict(self.errors) or "none"
        note = ", work ran out" if self.ran_out else ""
        print(
            f"{self.name:46} {self.rate:7.1f}/s  p50 {self.percentile(0.5):6.1f}  p99 {self.percentile(0.99):6.1f} ms"
            f"  {len(self.durations)} requests, errors: {errors}{note}"
        )
        print_cpu("CPU ms a request", self.cpu)


def print_cpu(label: str, cpu: dict[str, float]) -> None:
    each = sorted(((value, name) for name, value in cpu.items() if value >= _LEAST_MS), reverse=True)
    total = sum(value for value, _ in each)
    print(f"{'':46} {label}: {total:.2f} = {'  '.join(f'{name} {value:.2f}' for value, name in each)}")


async def drive(platform: Platform, name: str, clients: int, seconds: float, step: Step) -> Result:
    """``clients`` connections, each sending its next request when the last is answered, for ``seconds`` or until done."""
    durations: list[float] = []
    errors: Counter[str] = Counter()
    before = cpu_seconds(platform.pids())
    own = time.process_time()
    start = time.perf_counter()
    end = start + seconds

    async def client(number: int) -> bool:
        connection = Connection(platform.ports["gateway"], HOST)
        try:
            while (began := time.perf_counter()) < end:
                problem = await step(connection, number)
                if problem == DONE:
                    return True
                if problem:
                    errors[problem] += 1
                else:
                    durations.append((time.perf_counter() - began) * 1000)
        finally:
            connection.close()
        return False

    ran_out = await asyncio.gather(*(client(number) for number in range(clients)))
    elapsed = time.perf_counter() - start
    cpu = cpu_each(before, cpu_seconds(platform.pids()), len(durations))
    cpu["this client"] = (time.process_time() - own) * 1000 / max(1, len(durations))
    return Result(name, elapsed, durations, errors, any(ran_out), cpu)


def cpu_each(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    return {name: (after[name] - before.get(name, 0.0)) * 1000 / max(1, count) for name in after}
