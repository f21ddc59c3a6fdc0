"""What the three load programs share: their platform, their report, their verdict."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvloop
from bench import data_folder
from bench_platform import Platform
from books import settled_books
from cpu import cpu_seconds
from latency import Figures, percentile
from preau_stack.services import Services, open_services

CONNECTIONS = 4_000
_QUIET_SECONDS = 120.0


@dataclass(slots=True)
class LoadRun:
    """One run: the platform, what is asked of it, and which budgets it missed."""

    platform: Platform
    options: argparse.Namespace
    missed: list[str] = field(default_factory=list)

    def at_most(self, label: str, value: float, budget: float) -> None:
        """Judge a figure: a budget is met by what does not exceed it."""
        is_kept = value <= budget
        print(f"  {'kept  ' if is_kept else 'MISSED'} {label}: {value:.2f} (budget {budget:.2f})")
        if not is_kept:
            self.missed.append(f"{label} {value:.2f} > {budget:.2f}")

    def judge_steps(
        self, figures: Figures, budgets: dict[str, float], from_sent: dict[str, float] | None = None
    ) -> None:
        """p99 of each step from when it was due, of some from when it was sent, in seconds; and no error at all."""
        self.at_most("errors", sum(figures.errors.values()), 0)
        for name, budget in budgets.items():
            if name in figures.steps:
                self.at_most(f"p99 {name}, s", figures.steps[name].p(0.99), budget)
            else:
                self.missed.append(f"{name}: never reached")
        for name, budget in (from_sent or {}).items():
            if name in figures.steps:
                self.at_most(f"p99 {name}, s from sent", percentile(figures.steps[name].from_sent, 0.99), budget)

    async def judge_books(self) -> None:
        """Capacities, counters, baskets, invoices and ledger must agree once all is quiet."""
        seconds, wrong = await settled_books(self.platform, _QUIET_SECONDS)
        print(f"books asked of the databases, {seconds:.1f} s after the last answer: {'; '.join(wrong) or 'all agree'}")
        self.missed.extend(wrong)

    @asynccontextmanager
    async def measured(self, what: str, count: int) -> AsyncIterator[None]:
        """Print the CPU of every process for what happens inside, a unit of work and in all."""
        before, own, start = cpu_seconds(self.platform.pids()), time.process_time(), time.perf_counter()
        print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        yield
        seconds = time.perf_counter() - start
        after = cpu_seconds(self.platform.pids())
        used = {name: after[name] - before.get(name, 0.0) for name in after}
        used["this load program"] = time.process_time() - own
        total = sum(used.values())
        print(
            f"{seconds:.0f} s; CPU {total:.0f} s = {total / seconds:.2f} cores; load average after:"
            f" {os.getloadavg()[0]:.1f}; ms for each {what}: {total * 1000 / max(1, count):.1f}"
        )
        for name, each in sorted(used.items(), key=lambda pair: -pair[1]):
            if each >= 0.01:
                share = each / seconds
                print(f"  {name:20} {each * 1000 / max(1, count):8.1f} ms each {each:8.1f} s {share:6.2f} cores")

    @asynccontextmanager
    async def services(self) -> AsyncIterator[tuple[Services, str]]:
        """The services' own RPCs, and the simulator's address for a town's settings."""
        ports = self.platform.ports
        services, channels = open_services(ports, self.platform.folder.secrets()["service_operator"])
        try:
            yield services, f"http://127.0.0.1:{ports['simulator']}"
        finally:
            for channel in channels:
                await channel.close()


def source_address(number: int) -> str:
    """A loopback address of its own for each visitor."""
    return f"127.{1 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"


def run_load(
    parser: argparse.ArgumentParser, quick: dict[str, float], work: Callable[[LoadRun], Awaitable[None]]
) -> int:
    """Parse, start an empty platform's folder, do the work, stop it; 1 when a budget was missed.

    ``quick`` is what --quick sets: the same with fewer and for less long.
    """
    sizes = ", ".join(f"--{name} {value:g}" for name, value in quick.items())
    parser.add_argument("--quick", action="store_true", help=f"a trial: {sizes}")
    parser.add_argument("--seed", type=int, default=20250901, help="of the arrivals and thinking times")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="visits at once before one is not let in")
    parser.add_argument("--data", default="", help="keep the data here; start from an empty folder")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(quick)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with data_folder(options.data) as folder:
        run = LoadRun(Platform(folder), options)

        async def all_of_it() -> None:
            began = time.monotonic()
            await work(run)
            await run.judge_books()
            print(f"{time.monotonic() - began:.0f} s in all")

        try:
            uvloop.run(all_of_it())
        finally:
            run.platform.stop()
    print("budgets kept" if not run.missed else "missed: " + "; ".join(run.missed))
    return 1 if run.missed else 0
