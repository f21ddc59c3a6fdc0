"""`make bench`: what the platform does on one machine, beside what its database alone does with the same rows.

Every ratio is of one run; absolute figures of shared machines mean little. Bounded in time, loopback only.
Budgets (issue of the main job): bulk entry at least 0.40 of A with default sampling and 0.30 with every request traced;
on one set of 72 sessions at least 0.5 of the database's own hot figure with p99 under 4 x p50; 256 clients at least 0.8 of 32.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from bench_town import CENTRE, HOST, PASSWORD, BenchTown, make_town
from cpu import cpu_seconds
from preau_stack.data_folder import DataFolder
from preau_stack.demo import open_services
from preau_stack.postgres import PROGRAMS
from wire import Connection

HERE = Path(__file__).parent
NOW = "2025-08-20T09:00:00-04:00"
CLIENTS = 32
MANY = 256


@dataclass(slots=True)
class Result:
    """One scenario's figures; times in milliseconds."""

    name: str
    seconds: float
    durations: list[float]
    errors: Counter[str]
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.durations) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.durations)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def print(self) -> None:
        errors = dict(self.errors) or "none"
        print(
            f"{self.name:44} {self.rate:7.1f}/s  p50 {self.percentile(0.5):7.1f}  p99 {self.percentile(0.99):7.1f} ms"
            f"  {len(self.durations)} requests, errors: {errors}"
        )
        if self.cpu:
            each = "  ".join(
                f"{name} {value:.2f}" for name, value in sorted(self.cpu.items(), key=lambda item: -item[1])
            )
            print(f"{'':44} CPU ms a request: {each}")


class Platform:
    """The stack, run by its own command on a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.folder = DataFolder(data)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, trace_ratio: str | None) -> None:
        environment = {**os.environ, "PREAU_NOW": NOW, "PREAU_LOG_LEVEL": "warning"}
        environment.pop("PREAU_TRACE_RATIO", None)
        if trace_ratio is not None:
            environment["PREAU_TRACE_RATIO"] = trace_ratio
        command = [
            str(Path(sys.executable).parent / "preau"),
            "up",
            "--data",
            str(self.folder.path),
            "--port",
            "0",
            "--no-demo",
        ]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
        deadline = time.monotonic() + 120
        while self.folder.state().get("phase") != "ready" or self.folder.state().get("pid") != self._process.pid:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the platform did not start; see {self.folder.logs}")
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    @property
    def ports(self) -> dict[str, int]:
        return dict(self.folder.state()["ports"])

    def pids(self) -> dict[str, int]:
        return {name: pid for name, pid in self.folder.state()["processes"].items() if pid}

    def agenda_url(self) -> str:
        password = self.folder.secrets()["postgres_superuser"]
        return f"postgresql://postgres:{password}@127.0.0.1:{self.ports['postgres']}/agenda"


Step = Callable[[Connection, int], Awaitable[str]]
"""One request of one client: empty when it went well, else what went wrong."""


async def drive(platform: Platform, name: str, clients: int, seconds: float, step: Step) -> Result:
    """Closed loop: ``clients`` connections, each sending its next request when the last is answered."""
    durations: list[float] = []
    errors: Counter[str] = Counter()
    before = cpu_seconds(platform.pids())
    own = time.process_time()
    start = time.perf_counter()
    end = start + seconds

    async def client(number: int) -> None:
        connection = Connection(platform.ports["gateway"], HOST)
        while time.perf_counter() < end:
            began = time.perf_counter()
            problem = await step(connection, number)
            if problem == "done":
                break
            if problem:
                errors[problem] += 1
            else:
                durations.append((time.perf_counter() - began) * 1000)
        connection.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    elapsed = time.perf_counter() - start
    after = cpu_seconds(platform.pids())
    count = max(1, len(durations))
    cpu = {name: (after[name] - before.get(name, 0.0)) * 1000 / count for name in after}
    cpu["this client"] = (time.process_time() - own) * 1000 / count
    return Result(name, elapsed, durations, errors, {name: value for name, value in cpu.items() if value >= 0.01})


def bulk_body(town: BenchTown, child: str, school: int, period: int) -> dict[str, Any]:
    first, last = town.periods[period]
    return {
        "child_ids": [child],
        "action": "create",
        "from": first.isoformat(),
        "to": last.isoformat(),
        "activity_ids": town.activities[school],
        "periodicity": "none",
        "weekdays": [],
    }


def spread_work(town: BenchTown, clients: int, kind: int) -> list[Iterator[tuple[int, dict[str, Any]]]]:
    """Per client: its own families, so that a household is one client's; every body creates 72 new rows.

    ``kind`` picks disjoint children: what one scenario has booked, the next does not find booked.
    """
    shares: list[Iterator[tuple[int, dict[str, Any]]]] = []
    for client in range(clients):
        mine = range(client, len(town.families), clients)
        shares.append(
            iter(
                [
                    (number, bulk_body(town, child, town.families[number].school, period))
                    for period in range(len(town.periods))
                    for number in mine
                    for child in town.families[number].child_ids[kind::4]
                ]
            )
        )
    return shares


def hot_work(town: BenchTown, clients: int) -> list[Iterator[tuple[int, dict[str, Any]]]]:
    """As above, with everybody on the shared centre's first period."""
    return [
        iter(
            [
                (number, bulk_body(town, child, CENTRE, 1))
                for number in range(client, len(town.families), clients)
                for child in town.families[number].child_ids
            ]
        )
        for client in range(clients)
    ]


def saving(tokens: list[str], work: list[Iterator[tuple[int, dict[str, Any]]]]) -> Step:
    async def step(connection: Connection, client: int) -> str:
        following = next(work[client], None)
        if following is None:
            return "done"
        number, body = following
        answer = await connection.request("POST", "/api/v1/bulk-entries", body, tokens[number])
        if answer.status not in {200, 201}:
            return f"{answer.status} {answer.body[:120]!r}"
        created = answer.json()["created"]
        return "" if created == 72 else f"created {created}"

    return step


def reading(tokens: list[str], path: str, *, is_page: bool) -> Step:
    async def step(connection: Connection, client: int) -> str:
        number = client % len(tokens)
        cookie = {"Cookie": f"preau_session={tokens[number]}"} if is_page else {}
        answer = await connection.request("GET", path, None, "" if is_page else tokens[number], cookie)
        return "" if answer.status == 200 else str(answer.status)

    return step


def paying(tokens: list[str], families: Iterator[int]) -> Step:
    async def step(connection: Connection, _client: int) -> str:
        number = next(families, None)
        if number is None:
            return "done"
        basket = (await connection.request("GET", "/api/v1/basket?page_size=1", None, tokens[number])).json()
        answer = await connection.request(
            "POST", "/api/v1/invoices", {"expected_total": basket["total"]}, tokens[number]
        )
        return "" if answer.status == 201 and answer.json()["payment_url"] else f"{answer.status} {answer.body[:120]!r}"

    return step


async def sign_in(platform: Platform, town: BenchTown) -> list[str]:
    gate = asyncio.Semaphore(4)

    async def one(username: str) -> str:
        async with gate:
            connection = Connection(platform.ports["gateway"], HOST)
            body = {"username": username, "password": PASSWORD}
            answer = await connection.request("POST", "/api/v1/sessions", body)
            connection.close()
            assert answer.status == 201, answer
            return str(answer.json()["token"])

    return list(await asyncio.gather(*(one(family.username) for family in town.families)))


async def prepare_reference(platform: Platform, town: BenchTown) -> int:
    """The yardstick's own tables: children nobody else books for. Answers the town's number."""
    connection = await asyncpg.connect(platform.agenda_url())
    try:
        tenant = int(await connection.fetchval("SELECT tenant_id FROM town WHERE slug = 'bench'"))
        keys = {
            str(row["activity_id"]): row["activity_key"]
            for row in await connection.fetch(
                "SELECT activity_id, activity_key FROM activity WHERE tenant_id = $1", tenant
            )
        }
        schools = [[keys[activity] for activity in school] for school in town.activities]
        await connection.execute(
            """
            DROP TABLE IF EXISTS bench_child, bench_period, bench_requires, bench_revision;
            DROP SEQUENCE IF EXISTS bench_pick, bench_reservation;
            CREATE SEQUENCE bench_pick MINVALUE 0 START 0;
            CREATE SEQUENCE bench_reservation START 4000000000000000;
            CREATE TABLE bench_child (n bigint PRIMARY KEY, child_key int, household_key int, school int[], centre int[]);
            CREATE TABLE bench_period (n bigint PRIMARY KEY, first_key bigint, last_key bigint);
            CREATE TABLE bench_requires (activity_key int PRIMARY KEY, required_key int);
            CREATE TABLE bench_revision (household_key int PRIMARY KEY, revision bigint);
            """
        )
        count = 6000
        await connection.executemany(
            "INSERT INTO bench_child VALUES ($1, $2, $3, $4, $5)",
            [(n, 50_000_000 + n, 50_000_000 + n // 8, schools[n % CENTRE], schools[CENTRE]) for n in range(count)],
        )
        await connection.execute("INSERT INTO bench_revision SELECT DISTINCT household_key, 0 FROM bench_child;")
        await connection.executemany(
            "INSERT INTO child (tenant_id, child_key, child_id) OVERRIDING SYSTEM VALUE VALUES ($1, $2, gen_random_uuid())",
            [(tenant, 50_000_000 + n) for n in range(count)],
        )
        await connection.execute(
            "INSERT INTO enrolment SELECT $1, child_key, unnest(school || centre), 0, 100000 FROM bench_child", tenant
        )
        await connection.executemany(
            "INSERT INTO bench_period VALUES ($1, $2, $3)",
            [
                (n, days_since(first) << 16, days_since(last) << 16 | 65535)
                for n, (first, last) in enumerate(town.periods)
            ],
        )
        await connection.executemany(
            "INSERT INTO bench_requires VALUES ($1, $2)",
            [(key, school[1] if rank == 2 else None) for school in schools for rank, key in enumerate(school)],
        )
        await connection.execute(
            """
            GRANT SELECT ON bench_child, bench_period, bench_requires TO agenda_app;
            GRANT SELECT, UPDATE ON bench_revision TO agenda_app;
            GRANT USAGE ON SEQUENCE bench_pick, bench_reservation TO agenda_app;
            ANALYZE;
            """
        )
        return tenant
    finally:
        await connection.close()


def days_since(day: Any) -> int:
    return int(day.toordinal()) - 719_163


def pgbench(platform: Platform, tenant: int, periods: int, *, hot: bool, seconds: int) -> tuple[float, float]:
    """Transactions per second of the reference statement with 32 clients on 8 and then 32 connections: the better one."""
    password = platform.folder.secrets()["agenda_app"]
    best = (0.0, 0.0)
    for clients in (8, 32):
        command = [
            str(PROGRAMS / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
            "-D", f"hot={int(hot)}", "-D", f"tenant={tenant}", "-D", f"periods={periods}",
            "-f", str(HERE / "reference.sql"), "-h", "127.0.0.1", "-p", str(platform.ports["postgres"]), "-U", "agenda_app", "agenda",
        ]  # fmt: skip
        environment = {**os.environ, "PGPASSWORD": password, "PGOPTIONS": f"-c app.tenant_id={tenant}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if found is None or done.returncode:
            raise SystemExit(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
        rate = float(found[1])
        if rate > best[0]:
            best = (rate, float(clients))
    return best


async def wait_until_billed(platform: Platform) -> float:
    """Seconds until billing has taken in every event of the agenda."""
    password = platform.folder.secrets()["postgres_superuser"]
    start = time.perf_counter()
    base = f"postgresql://postgres:{password}@127.0.0.1:{platform.ports['postgres']}"
    agenda = await asyncpg.connect(f"{base}/agenda")
    billing = await asyncpg.connect(f"{base}/billing")
    try:
        while time.perf_counter() - start < 120:
            wanted = await agenda.fetchval("SELECT coalesce(sum(revision), 0) FROM household")
            done = await billing.fetchval("SELECT coalesce(sum(revision), 0) FROM household")
            if wanted == done:
                return time.perf_counter() - start
            await asyncio.sleep(0.25)
    finally:
        await agenda.close()
        await billing.close()
    raise SystemExit("billing did not catch up within two minutes")


async def check_counters(platform: Platform, tenant: int) -> None:
    """No session holds more or less than its counter says, and none is over its capacity."""
    connection = await asyncpg.connect(platform.agenda_url())
    try:
        wrong = await connection.fetchval(
            """
            SELECT count(*) FROM session s WHERE s.tenant_id = $1 AND (s.booked > s.capacity OR s.booked <> (
              SELECT count(*) FROM reservation r
              WHERE r.tenant_id = $1 AND r.session_key = s.session_key AND r.status IN (1, 2)))
            """,
            tenant,
            timeout=120,
        )
    finally:
        await connection.close()
    if wrong:
        raise SystemExit(f"{wrong} sessions disagree with their reservations")


@contextmanager
def data_folder(keep: str) -> Iterator[Path]:
    if keep:
        yield Path(keep)
    else:
        with tempfile.TemporaryDirectory(prefix="preau-bench-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


async def run(platform: Platform, options: argparse.Namespace) -> int:
    seconds = options.seconds
    platform.start(None)
    services, channels = open_services(platform.ports, platform.folder.secrets()["service_operator"])
    try:
        town = await make_town(
            services, f"http://127.0.0.1:{platform.ports['simulator']}", options.families, options.children
        )
    finally:
        for channel in channels:
            await channel.close()
    tokens = await sign_in(platform, town)
    tenant = await prepare_reference(platform, town)
    failures: list[str] = []

    def judge(label: str, value: float, budget: float) -> None:
        print(f"  -> {label}: {value:.2f} (budget {budget:.2f})")
        if value < budget:
            failures.append(f"{label} {value:.2f} < {budget:.2f}")

    rates: dict[str, list[float]] = {"A": [], "default": []}
    spread = spread_work(town, CLIENTS, 0)
    for _ in range(options.rounds):
        rate, connections = pgbench(platform, tenant, len(town.periods), hot=False, seconds=max(3, int(seconds) // 2))
        rates["A"].append(rate)
        print(f"{'A: the database alone, spread':44} {rate:7.1f}/s with {connections:.0f} connections")
        result = await drive(
            platform, f"(a) bulk entry, {CLIENTS} clients, default sampling", CLIENTS, seconds, saving(tokens, spread)
        )
        result.print()
        print(f"{'':44} billing had it all {await wait_until_billed(platform):.1f} s later")
        rates["default"].append(result.rate)
    reference = statistics.median(rates["A"])
    judge("(a) share of A, default sampling", statistics.median(rates["default"]) / reference, 0.40)

    hot_rate, connections = pgbench(platform, tenant, len(town.periods), hot=True, seconds=max(3, int(seconds) // 2))
    print(f"{'A hot: the database alone, 72 sessions':44} {hot_rate:7.1f}/s with {connections:.0f} connections")
    hot = await drive(
        platform,
        f"(b) bulk entry, {CLIENTS} clients, same 72 sessions",
        CLIENTS,
        seconds,
        saving(tokens, hot_work(town, CLIENTS)),
    )
    hot.print()
    judge("(b) share of the hot figure", hot.rate / hot_rate, 0.50)
    judge("(b) 4 x p50 over p99", 4 * hot.percentile(0.5) / max(hot.percentile(0.99), 0.001), 1.0)
    await wait_until_billed(platform)

    few = await drive(
        platform, f"(e) bulk entry, {CLIENTS} clients", CLIENTS, seconds, saving(tokens, spread_work(town, CLIENTS, 1))
    )
    few.print()
    await wait_until_billed(platform)
    many = await drive(
        platform, f"(e) bulk entry, {MANY} clients", MANY, seconds, saving(tokens, spread_work(town, MANY, 2))
    )
    many.print()
    judge("(e) 256 clients over 32", many.rate / few.rate, 0.80)
    await wait_until_billed(platform)

    month = town.periods[0][0].strftime("%Y-%m")
    for name, path, is_page in (
        ("(c) agenda page", f"/agenda?mois={month}", True),
        ("(c) pending list page", "/paiement", True),
        ("(c) agenda, JSON", f"/api/v1/agenda?month={month}", False),
        ("(c) basket, JSON", "/api/v1/basket?page_size=10", False),
    ):
        (await drive(platform, name, 8, seconds / 2, reading(tokens, path, is_page=is_page))).print()
    (
        await drive(platform, "(d) invoice and payment start", 8, seconds, paying(tokens, iter(range(len(tokens)))))
    ).print()
    await check_counters(platform, tenant)
    platform.stop()

    platform.start("1.0")
    tokens = await sign_in(platform, town)
    traced_spread = spread_work(town, CLIENTS, 3)
    traced: list[float] = []
    for _ in range(options.rounds):
        rate, connections = pgbench(platform, tenant, len(town.periods), hot=False, seconds=max(3, int(seconds) // 2))
        print(f"{'A: the database alone, spread':44} {rate:7.1f}/s with {connections:.0f} connections")
        result = await drive(
            platform, f"(a) bulk entry, {CLIENTS} clients, all traced", CLIENTS, seconds, saving(tokens, traced_spread)
        )
        result.print()
        await wait_until_billed(platform)
        traced.append(result.rate / rate)
    judge("(a) share of A, every request traced", statistics.median(traced), 0.30)
    await check_counters(platform, tenant)
    print("budgets kept" if not failures else "budgets missed: " + "; ".join(failures))
    return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="per scenario")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--families", type=int, default=MANY)
    parser.add_argument("--children", type=int, default=24)
    parser.add_argument("--data", default="", help="keep the data here")
    options = parser.parse_args()
    with data_folder(options.data) as folder:
        platform = Platform(folder)
        try:
            return uvloop.run(run(platform, options))
        finally:
            platform.stop()


if __name__ == "__main__":
    sys.exit(main())
