"""Which driver under SQLAlchemy's engine: the hot write's shape on asyncpg and psycopg 3, in alternating rounds of one run.

`.venv/bin/python tests/load/drivers.py`. The figures are in docs/adr/0007-driver.md.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from preau_stack.testing import running_postgres, temporary_folder
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

ROWS = 72
CLIENTS = 32
POOL = 8
ROUNDS = 5
CALLS_PER_CLIENT = 30

SCHEMA = """
CREATE TABLE place (id int PRIMARY KEY, booked int NOT NULL DEFAULT 0, capacity int NOT NULL);
CREATE TABLE row72 (id bigint PRIMARY KEY, child int NOT NULL, place int NOT NULL, UNIQUE (child, place));
INSERT INTO place SELECT n, 0, 2000000 FROM generate_series(1, 7200) n;
CREATE FUNCTION write72(ids bigint[], child int, places int[]) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO row72 SELECT i, child, p FROM unnest(ids, places) AS t(i, p);
  UPDATE place SET booked = booked + 1 WHERE id = ANY(places);
  RETURN cardinality(ids);
END $$;
"""

Write = Callable[[list[int], int, list[int]], Awaitable[Any]]


def asyncpg_raw(engine: AsyncEngine) -> Write:
    async def write(ids: list[int], child: int, places: list[int]) -> Any:
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            return await raw.fetchval("SELECT write72($1, $2, $3)", ids, child, places)

    return write


def psycopg_raw(engine: AsyncEngine) -> Write:
    async def write(ids: list[int], child: int, places: list[int]) -> Any:
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            cursor = await raw.execute(
                "SELECT write72(%b::bigint[], %b::int, %b::int[])", (ids, child, places), prepare=True
            )
            return await cursor.fetchone()

    return write


def through_text(engine: AsyncEngine) -> Write:
    statement = text("SELECT write72(:ids, :child, :places)")

    async def write(ids: list[int], child: int, places: list[int]) -> Any:
        async with engine.begin() as connection:
            return await connection.scalar(statement, {"ids": ids, "child": child, "places": places})

    return write


async def measure(write: Write, numbers: itertools.count[int]) -> tuple[float, float]:
    """Calls per second and CPU milliseconds of this process per call."""

    async def client() -> None:
        for _ in range(CALLS_PER_CLIENT):
            number = next(numbers)
            first = (number % 100) * ROWS + 1
            await write(list(range(number * ROWS, (number + 1) * ROWS)), number, list(range(first, first + ROWS)))

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    calls = CLIENTS * CALLS_PER_CLIENT
    return calls / (time.perf_counter() - start), (time.process_time() - cpu) * 1000 / calls


async def main() -> None:
    with temporary_folder() as folder, running_postgres(folder) as server:
        url = server.url()
        tail = url.split("://", 1)[1]
        asyncpg_engine = create_async_engine(f"postgresql+asyncpg://{tail}", pool_size=POOL, max_overflow=0)
        psycopg_engine = create_async_engine(
            f"postgresql+psycopg://{tail}", pool_size=POOL, max_overflow=0, isolation_level="AUTOCOMMIT"
        )
        async with asyncpg_engine.begin() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.execute(SCHEMA)
        variants = {
            "asyncpg, raw connection": asyncpg_raw(asyncpg_engine),
            "psycopg 3, raw connection": psycopg_raw(psycopg_engine),
            "asyncpg, SQLAlchemy text()": through_text(asyncpg_engine),
        }
        numbers = itertools.count(1)
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
        for write in variants.values():
            await measure(write, numbers)
        for _ in range(ROUNDS):
            for name, write in variants.items():
                results[name].append(await measure(write, numbers))
        best = statistics.median(rate for rate, _ in results["asyncpg, raw connection"])
        print(
            f"{CLIENTS} in flight, pool of {POOL}, {ROWS} rows a call, {os.cpu_count()} cores, medians of {ROUNDS} rounds"
        )
        for name, rounds in results.items():
            rate = statistics.median(r for r, _ in rounds)
            cpu = statistics.median(c for _, c in rounds)
            print(f"{name:32} {rate:7.0f}/s  {rate / best:5.2f}  {cpu:5.2f} ms CPU of Python a call")
        await asyncpg_engine.dispose()
        await psycopg_engine.dispose()


if __name__ == "__main__":
    uvloop.run(main())
