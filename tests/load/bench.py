"""`make bench`: what the platform does on one machine, beside what its database alone does with the same rows.

Every ratio is of one run; absolute figures of shared machines mean little. Bounded in time, loopback only.
Budgets (issue of the main job): bulk entry at least 0.40 of A with default sampling and 0.30 with every request traced;
on one set of 72 sessions at least 0.5 of the database's own hot figure with p99 under 4 x p50; 256 clients at least 0.8 of 32;
tracing at the default ratio, and all telemetry together, at most 15 % more CPU a request than without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from bench_platform import Platform, check_counters, sign_in, wait_until_billed
from bench_town import BenchTown, Size, make_town
from cpu import cpu_seconds
from driving import Result, Step, cpu_each, drive, print_cpu
from preau_stack.services import open_services
from reference import Figure, Reference, measure_reference, prepare_reference
from scenarios import hot_work, ordinary_work, paying, reading, saving, spread_work
from telemetry_cost import telemetry_cost

CLIENTS = 32
MANY = 256
READERS = 8


@dataclass(slots=True)
class Bench:
    """One run: the platform, the town on it, and what it has come to so far. The first families are large: work for all."""

    platform: Platform
    seconds: float
    rounds: int
    town: BenchTown
    ordinary: BenchTown
    reference: Reference
    tokens: list[str]
    ordinary_tokens: list[str]
    missed: list[str] = field(default_factory=list)

    async def alone(self, *, hot: bool = False) -> list[Figure]:
        """The database's own figures, now: with 8 connections, its best or nearly, and with as many as there are clients."""
        name = "A hot: the database alone, same 72 sessions" if hot else "A: the database alone, spread"
        seconds = max(2, round(self.seconds / 3))
        figures = await measure_reference(self.platform, self.reference, hot=hot, seconds=seconds)
        for figure in figures:
            figure.print(name)
        return figures

    async def load(self, name: str, clients: int, step: Step) -> Result:
        """Drive writers, then let billing catch up: its share of the CPU is told too, however late it was."""
        before = cpu_seconds(self.platform.pids())
        result = await drive(self.platform, name, clients, self.seconds, step)
        result.print()
        late = await wait_until_billed(self.platform)
        whole = cpu_each(before, cpu_seconds(self.platform.pids()), len(result.durations))
        print_cpu(f"until billed, {late:.1f} s later", whole)
        if result.errors:
            self.missed.append(f"{name}: {sum(result.errors.values())} errors")
        return result

    def judge(self, label: str, value: float, budget: float) -> None:
        print(f"  -> {label}: {value:.2f} (budget {budget:.2f})")
        if value < budget:
            self.missed.append(f"{label} {value:.2f} < {budget:.2f}")


async def bulk_entries(bench: Bench, label: str, budget: float, kinds: tuple[int, ...]) -> None:
    """(a): pairs of the database alone and of the platform; the median of the pairs' ratios counts.

    A is the database under the same 32 clients; the share of its best figure, with 8, is told beside it.
    """
    work = spread_work(bench.town, CLIENTS, kinds)
    step = saving(bench.tokens, work)
    await drive(bench.platform, "warm-up", CLIENTS, 1.5, step)
    await wait_until_billed(bench.platform)
    shares = []
    for _ in range(bench.rounds):
        best, figure = await bench.alone()
        result = await bench.load(f"(a) bulk entry, {CLIENTS} clients, {label}", CLIENTS, step)
        shares.append(result.rate / figure.rate)
        print(f"{'':46} share of A: {shares[-1]:.2f} (of the database's best: {result.rate / best.rate:.2f})")
    bench.judge(f"(a) share of A, {label}", statistics.median(shares), budget)


async def same_sessions(bench: Bench) -> None:
    """(b)."""
    figure = max(await bench.alone(hot=True), key=lambda each: each.rate)
    step = saving(bench.tokens, hot_work(bench.town, CLIENTS))
    result = await bench.load(f"(b) bulk entry, {CLIENTS} clients, same 72 sessions", CLIENTS, step)
    bench.judge("(b) share of the database's hot figure", result.rate / figure.rate, 0.50)
    p50, p99 = result.percentile(0.5), result.percentile(0.99)
    bench.judge(f"(b) 4 x p50 over p99 ({p99:.0f} ms)", 4 * p50 / max(p99, 0.001), 1.0)


async def reads_and_payments(bench: Bench) -> None:
    """(c) and (d), for ordinary families: two children, 72 or 144 rows."""
    booked = saving(bench.ordinary_tokens, ordinary_work(bench.ordinary))
    (await drive(bench.platform, "ordinary families book", READERS, 60, booked)).print()
    await wait_until_billed(bench.platform)
    month = bench.town.periods[0][0].strftime("%Y-%m")
    for name, path, is_page in (
        ("(c) agenda page", f"/agenda?mois={month}", True),
        ("(c) pending list page", "/paiement", True),
        ("(c) agenda, JSON", f"/api/v1/agenda?month={month}", False),
        ("(c) basket, JSON", "/api/v1/basket?page_size=10", False),
    ):
        step = reading(bench.ordinary_tokens, path, is_page=is_page)
        (await drive(bench.platform, name, READERS, bench.seconds / 2, step)).print()
    step = paying(bench.ordinary_tokens)
    (await drive(bench.platform, "(d) invoice and payment start", READERS, bench.seconds, step)).print()


async def many_clients(bench: Bench) -> None:
    """(e)."""
    rates = {}
    for clients, kind in ((CLIENTS, 1), (MANY, 2)):
        step = saving(bench.tokens, spread_work(bench.town, clients, [kind]))
        rates[clients] = (await bench.load(f"(e) bulk entry, {clients} clients", clients, step)).rate
    bench.judge("(e) 256 clients over 32", rates[MANY] / rates[CLIENTS], 0.80)


async def prepare(platform: Platform, options: argparse.Namespace) -> Bench:
    platform.start(None)
    services, channels = open_services(platform.ports, platform.folder.secrets()["service_operator"])
    try:
        simulator = f"http://127.0.0.1:{platform.ports['simulator']}"
        size = Size(families=options.families, children=options.children, ordinary=options.ordinary)
        town, ordinary = await make_town(services, simulator, size)
    finally:
        for channel in channels:
            await channel.close()
    reference = await prepare_reference(platform, town)
    tokens = [await sign_in(platform, each) for each in (town, ordinary)]
    return Bench(platform, options.seconds, options.rounds, town, ordinary, reference, *tokens)


async def run(platform: Platform, options: argparse.Namespace) -> int:
    began = time.monotonic()
    bench = await prepare(platform, options)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; prepared in {time.monotonic() - began:.0f} s")
    await bulk_entries(bench, "default sampling", 0.40, (0,))
    await same_sessions(bench)
    await reads_and_payments(bench)
    await many_clients(bench)
    await check_counters(platform, bench.reference.tenant)
    await telemetry_cost(bench)
    platform.stop()
    platform.start("1.0")
    await bulk_entries(bench, "every request traced", 0.30, (3,))
    await check_counters(platform, bench.reference.tenant)
    print("no session over its capacity, every counter right")
    print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    print("budgets kept" if not bench.missed else "missed: " + "; ".join(bench.missed))
    return 1 if bench.missed else 0


@contextmanager
def data_folder(keep: str) -> Iterator[Path]:
    if keep:
        yield Path(keep)
    else:
        with tempfile.TemporaryDirectory(prefix="preau-bench-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="per scenario")
    parser.add_argument("--rounds", type=int, default=2, help="pairs of (a)")
    parser.add_argument("--families", type=int, default=MANY, help="large ones, for the writers")
    parser.add_argument("--children", type=int, default=24, help="of a large family")
    parser.add_argument("--ordinary", type=int, default=64, help="families of two children, for pages and payments")
    parser.add_argument("--data", default="", help="keep the data here; start from an empty folder")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with data_folder(options.data) as folder:
        platform = Platform(folder)
        try:
            return uvloop.run(run(platform, options))
        finally:
            platform.stop()


if __name__ == "__main__":
    sys.exit(main())
