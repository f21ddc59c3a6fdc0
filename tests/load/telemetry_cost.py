"""(f): what traces and metrics cost, in CPU milliseconds a request summed over the platform's processes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench_platform import wait_until_billed
from bench_town import BenchTown
from cpu import cpu_seconds
from driving import DONE, Step, cpu_each, drive
from scenarios import Entry, bulk_body, reading, saving
from wire import Connection

if TYPE_CHECKING:
    from bench import Bench

SETTINGS = {
    "no telemetry": {"PREAU_OTLP_ENDPOINT": ""},
    "metrics, no trace": {"PREAU_TRACE_RATIO": "0"},
    "metrics and default traces": {},
}
OFF, UNTRACED, WHOLE = SETTINGS
CLIENTS = 8
WARM_UP = 2
READS_A_WRITE = 9
MOST = 1.15
"""CPU with over CPU without."""

# Not the platform's own: the receiver stands for the operator's collector, the simulator for the provider.
_OTHERS = ("traces", "simulator")


async def telemetry_cost(bench: Bench) -> None:
    """The same mix of reads and bulk entries with each setting in turn, each time on a platform just started.

    Neighbours on the machine only ever add to a figure: of each setting's rounds the cheapest counts.
    """
    bench.platform.stop()
    entries = _entries(bench.ordinary)
    turns = max(CLIENTS, round(bench.seconds * 7.5))
    least = dict.fromkeys(SETTINGS, math.inf)
    for number in range(bench.rounds + 1):
        for name in list(SETTINGS) if number % 2 else reversed(SETTINGS):
            least[name] = min(least[name], await _measure(bench, name, entries, turns))
    bench.platform.start(None)
    for label, without in (("tracing costs", UNTRACED), ("traces and metrics cost", OFF)):
        times = least[WHOLE] / least[without]
        bench.judge(f"(f) {MOST:.2f} over what {label} (x {times:.3f})", MOST / times, 1.0)


async def _measure(bench: Bench, name: str, entries: Iterator[Entry], turns: int) -> float:
    """CPU milliseconds a request; endless when not all were answered well."""
    platform = bench.platform
    platform.start(None, settings=SETTINGS[name])
    try:
        month = bench.town.periods[0][0].strftime("%Y-%m")
        await drive(platform, "warm-up", CLIENTS, 60, _mix(bench, month, entries, WARM_UP * CLIENTS))
        await wait_until_billed(platform)
        before = cpu_seconds(platform.pids())
        result = await drive(platform, name, CLIENTS, 120, _mix(bench, month, entries, turns))
        await wait_until_billed(platform)
        cpu = cpu_each(before, cpu_seconds(platform.pids()), len(result.durations))
    finally:
        platform.stop()
    if result.errors:
        bench.missed.append(f"(f) {name}: {dict(result.errors.most_common(3))}")
        return math.inf
    platform_ms = sum(value for process, value in cpu.items() if process not in _OTHERS)
    print(
        f"(f) {name:42} {platform_ms:7.2f} CPU ms a request, receiver {cpu.get('traces', 0.0):.2f}"
        f"  ({len(result.durations)} requests, p50 {result.percentile(0.5):.1f} ms)"
    )
    return platform_ms


def _mix(bench: Bench, month: str, entries: Iterator[Entry], turns: int) -> Step:
    """One bulk entry of 72 rows to some reads, a given number of times over all clients."""
    tokens = bench.ordinary_tokens
    write = saving(tokens, [entries] * CLIENTS)
    reads = [
        reading(tokens, f"/api/v1/agenda?month={month}", is_page=False),
        reading(tokens, "/api/v1/basket?page_size=10", is_page=False),
    ]
    steps = itertools.islice(itertools.cycle([write, *itertools.islice(itertools.cycle(reads), READS_A_WRITE)]),
                             turns * (1 + READS_A_WRITE))  # fmt: skip

    async def step(connection: Connection, client: int) -> str:
        following = next(steps, None)
        return DONE if following is None else await following(connection, client)

    return step


def _entries(town: BenchTown) -> Iterator[Entry]:
    """What ordinary families have not booked yet: every period but the first."""
    return iter(
        [
            (number, bulk_body(town, child, family.school, period))
            for period in range(1, len(town.periods))
            for number, family in enumerate(town.families)
            for child in family.child_ids
        ]
    )
