"""The yardstick: the same rows by PostgreSQL alone, one set-based statement an entry, driven by pgbench."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
from bench_platform import Platform
from bench_town import CENTRE, BenchTown
from cpu import cpu_seconds
from preau_stack.postgres import PROGRAMS

CHILDREN = 16_000
HOUSEHOLDS = 2_000
FIRST_KEY = 50_000_000
ROWS = 72

_TABLES = """
DROP TABLE IF EXISTS bench_child, bench_period, bench_requires, bench_revision;
DROP SEQUENCE IF EXISTS bench_pick_spread, bench_pick_hot, bench_reservation;
CREATE SEQUENCE bench_pick_spread MINVALUE 0 START 0;
CREATE SEQUENCE bench_pick_hot MINVALUE 0 START 0;
CREATE SEQUENCE bench_reservation START 4000000000000000;
CREATE TABLE bench_child (n bigint PRIMARY KEY, child_key int, household_key int, school int[], centre int[]);
CREATE TABLE bench_period (n bigint PRIMARY KEY, days bigint[]);
CREATE TABLE bench_requires (activity_key int PRIMARY KEY, required_key int);
CREATE TABLE bench_revision (household_key int PRIMARY KEY, revision bigint) WITH (fillfactor = 70);
"""
_GRANTS = """
GRANT SELECT ON bench_child, bench_period, bench_requires TO agenda_app;
GRANT SELECT, UPDATE ON bench_revision TO agenda_app;
GRANT USAGE ON SEQUENCE bench_pick_spread, bench_pick_hot, bench_reservation TO agenda_app;
ANALYZE;
"""
# Measured against each other: locking first is the faster where sessions differ, queueing first where they are the same.
_COUNT_SPREAD = """
), locked AS MATERIALIZED (
  SELECT s.session_key FROM session s JOIN created c ON s.session_key = c.session_key
  WHERE s.tenant_id = :tenant ORDER BY s.session_key FOR UPDATE OF s
), counted AS (
  UPDATE session s SET booked = s.booked + 1 FROM locked l
  WHERE s.tenant_id = :tenant AND s.session_key = l.session_key RETURNING 1
)
SELECT count(*) FROM counted;
"""
_COUNT_HOT = """
), queued AS MATERIALIZED (
  SELECT session_key FROM created, (SELECT pg_advisory_xact_lock(:tenant, hashint8(min(session_key))) FROM created) q
  ORDER BY session_key
), counted AS (
  UPDATE session s SET booked = s.booked + 1 FROM queued c
  WHERE s.tenant_id = :tenant AND s.session_key = c.session_key AND (s.capacity IS NULL OR s.booked < s.capacity) RETURNING 1
)
SELECT count(*) FROM counted;
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the yardstick's statement is told."""

    tenant: int
    periods: int


@dataclass(frozen=True, slots=True)
class Figure:
    """Entries a second that really made their 72 rows, with how many connections, and PostgreSQL's CPU for each."""

    rate: float
    connections: int
    cpu_ms: float

    def print(self, name: str) -> None:
        print(
            f"{name:46} {self.rate:7.1f}/s with {self.connections} connections, {self.cpu_ms:.2f} ms of postgres CPU each"
        )


async def prepare_reference(platform: Platform, town: BenchTown) -> Reference:
    """The yardstick's own children, whom nobody else books for; neighbours in the row are of different households."""
    connection = await asyncpg.connect(platform.agenda_url())
    try:
        tenant = int(await connection.fetchval("SELECT tenant_id FROM town WHERE slug = 'bench'"))
        rows = await connection.fetch("SELECT activity_id, activity_key FROM activity WHERE tenant_id = $1", tenant)
        keys = {str(row["activity_id"]): row["activity_key"] for row in rows}
        schools = [[keys[activity] for activity in school] for school in town.activities]
        await connection.execute(_TABLES)
        await connection.copy_records_to_table(
            "bench_child",
            records=[
                (n, FIRST_KEY + n, FIRST_KEY + n % HOUSEHOLDS, schools[n % CENTRE], schools[CENTRE])
                for n in range(CHILDREN)
            ],
        )
        await connection.execute("INSERT INTO bench_revision SELECT DISTINCT household_key, 0 FROM bench_child")
        await connection.execute(
            """INSERT INTO child (tenant_id, child_key, child_id) OVERRIDING SYSTEM VALUE
            SELECT $1, child_key, gen_random_uuid() FROM bench_child ON CONFLICT DO NOTHING""",
            tenant,
        )
        await connection.execute(
            """INSERT INTO enrolment SELECT $1, child_key, unnest(school || centre), 0, 100000 FROM bench_child
            ON CONFLICT DO NOTHING""",
            tenant,
        )
        await connection.executemany(
            "INSERT INTO bench_period VALUES ($1, $2)",
            [(n, [days_since(day) for day in days]) for n, days in enumerate(town.days)],
        )
        await connection.executemany(
            "INSERT INTO bench_requires VALUES ($1, $2)",
            [(key, school[1] if rank == 2 else None) for school in schools for rank, key in enumerate(school)],
        )
        await connection.execute(_GRANTS)
        return Reference(tenant, len(town.days))
    finally:
        await connection.close()


def days_since(day: date) -> int:
    return day.toordinal() - 719_163


async def measure_reference(platform: Platform, reference: Reference, *, hot: bool, seconds: int) -> list[Figure]:
    """With 8 connections and with 32. A statement that finds its work done counts for nothing."""
    connection = await asyncpg.connect(platform.agenda_url())
    script = platform.folder.path / "reference.sql"
    start = Path(__file__).with_name("reference.sql").read_text().rstrip()
    script.write_text(start + (_COUNT_HOT if hot else _COUNT_SPREAD))
    figures = []
    try:
        for clients in (8, 32):
            command = [
                str(PROGRAMS / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
                "-D", f"hot={int(hot)}", "-D", f"tenant={reference.tenant}", "-D", f"periods={reference.periods}",
                "-D", f"children={CHILDREN}", "-f", str(script),
                "-h", "127.0.0.1", "-p", str(platform.ports["postgres"]), "-U", "agenda_app", "agenda",
            ]  # fmt: skip
            environment = {
                **os.environ,
                "PGPASSWORD": platform.folder.secrets()["agenda_app"],
                "PGOPTIONS": f"-c app.tenant_id={reference.tenant} -c jit=off",
            }
            before = await connection.fetchval("SELECT last_value FROM bench_reservation")
            cpu = cpu_seconds(platform.pids())["postgres"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: ASYNC221
            found = re.search(r"tps = ([\d.]+)", done.stdout)
            count = re.search(r"actually processed: (\d+)", done.stdout)
            if found is None or count is None or done.returncode:
                raise SystemExit(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
            created = (await connection.fetchval("SELECT last_value FROM bench_reservation") - before) / ROWS
            share = created / int(count[1])
            if not 0.99 < share < 1.01:
                raise SystemExit(f"the reference made {created:.0f} entries in {count[1]} transactions")
            cpu = cpu_seconds(platform.pids())["postgres"] - cpu
            figures.append(Figure(float(found[1]) * share, clients, cpu * 1000 / created))
    finally:
        await connection.close()
    return figures
