from __future__ import annotations

import asyncio

import asyncpg
import pytest
from preau.identity.v1.identity_events_pb2 import TenantChanged
from preau_chassis.database import Database, IdempotencyKey
from preau_chassis.pool import ANSWERED_SECONDS
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import uuid7
from preau_stack.postgres import PostgresServer, psql

from tests.integration.chassis.conftest import Urls, context

INSERT = "INSERT INTO effect (tenant_id, note) VALUES ($1, $2)"


async def test_a_unit_of_work_without_commit_leaves_nothing(database: Database) -> None:
    async with database.unit_of_work(context()) as uow:
        await uow.execute(INSERT, 1, "lost")
    async with database.unit_of_work(context()) as uow:
        assert await uow.fetchval("SELECT count(*) FROM effect") == 0


async def test_commit_writes_the_change_and_its_events_together(database: Database, work_database: Database) -> None:
    nudges: list[int] = []
    database.on_nudge(lambda: nudges.append(1))
    async with database.unit_of_work(context()) as uow:
        await uow.execute(INSERT, 1, "kept")
        uow.publish(TenantChanged(number=1, version=1), TenantChanged(number=1, version=2))
        await uow.commit()
    rows = await work_database.fetch("SELECT * FROM outbox ORDER BY id")
    assert [TenantChanged.FromString(row["body"]).version for row in rows] == [1, 2]
    assert rows[0]["subject"] == "evt.casepilote.identity.tenant.changed.v1"
    assert rows[0]["type"] == "preau.identity.v1.TenantChanged"
    assert nudges == [1]


async def test_what_is_to_be_counted_after_the_commit_is_not_when_there_is_none(database: Database) -> None:
    counted: list[str] = []
    async with database.unit_of_work(context()) as uow:
        uow.after_commit(lambda: counted.append("left without commit"))
    async with database.unit_of_work(context()) as uow:
        uow.after_commit(lambda: counted.append("failed"))
        with pytest.raises(asyncpg.PostgresError):
            await uow.execute("SELECT 1/0")
    assert counted == []
    async with database.unit_of_work(context()) as uow:
        uow.after_commit(lambda: counted.append("first"))
        uow.after_commit(lambda: counted.append("second"))
        assert counted == []
        await uow.commit()
    assert counted == ["first", "second"]


async def test_the_tenant_does_not_leak_through_a_reused_connection(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    try:
        async with database.unit_of_work(context(1)) as uow:
            first = await uow.fetchval("SELECT pg_backend_pid()")
            await uow.execute(INSERT, 1, "of town 1")
            await uow.commit()
        assert await database.fetchval("SELECT pg_backend_pid()") == first
        assert not await database.fetchval("SELECT current_setting('app.tenant_id', true)")
        with pytest.raises(asyncpg.PostgresError):
            await database.fetch("SELECT * FROM effect")
        async with database.unit_of_work(context(2, "saint-aubin")) as uow:
            assert await uow.fetchval("SELECT pg_backend_pid()") == first
            assert await uow.fetch("SELECT * FROM effect") == []
    finally:
        await database.close()


@pytest.mark.parametrize("table", ["outbox", "inbox", "idempotency", "effect"])
async def test_no_town_reads_or_writes_rows_of_another(database: Database, work_database: Database, table: str) -> None:
    inserts = {
        "outbox": "INSERT INTO outbox (tenant_id, event_id, subject, type, body) VALUES ($1, $2, 's', 't', '')",
        "inbox": "INSERT INTO inbox (tenant_id, consumer, event_id) VALUES ($1, 'c', $2)",
        "idempotency": "INSERT INTO idempotency (tenant_id, method, request_id, request_hash) VALUES ($1, 'm', $2, '')",
        "effect": "INSERT INTO effect (tenant_id, note) VALUES ($1, $2::uuid::text)",
    }
    async with database.unit_of_work(context(1)) as uow:
        await uow.execute(inserts[table], 1, uuid7())
        await uow.commit()
    async with database.unit_of_work(context(2, "saint-aubin")) as uow:
        assert await uow.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await uow.execute(f"DELETE FROM {table}") == "DELETE 0"
        assert await uow.execute(f"UPDATE {table} SET tenant_id = 2") == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await uow.execute(inserts[table], 1, uuid7())
    assert await work_database.fetchval(f"SELECT count(*) FROM {table}") == 1


async def test_a_repeated_command_replays_its_answer(database: Database) -> None:
    request = TenantChanged(number=1)
    key = IdempotencyKey.of("Change", str(uuid7()), request)
    async with database.unit_of_work(context(), key) as uow:
        assert uow.replayed is None
        await uow.execute(INSERT, 1, "once")
        await uow.commit(response=b"answer")
    async with database.unit_of_work(context(), key) as uow:
        assert uow.replayed == b"answer"
    async with database.unit_of_work(context(2, "saint-aubin"), key) as uow:
        assert uow.replayed is None, "keys belong to one town"


async def test_the_same_key_with_another_body_is_refused(database: Database) -> None:
    request_id = str(uuid7())
    async with database.unit_of_work(
        context(), IdempotencyKey.of("Change", request_id, TenantChanged(number=1))
    ) as uow:
        await uow.commit(response=b"answer")
    other = IdempotencyKey.of("Change", request_id, TenantChanged(number=2))
    with pytest.raises(DomainError) as raised:
        async with database.unit_of_work(context(), other):
            pass
    assert raised.value.reason == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("first_commits", [True, False])
async def test_a_twin_waits_then_replays_or_takes_over(database: Database, *, first_commits: bool) -> None:
    key = IdempotencyKey.of("Change", str(uuid7()), TenantChanged(number=1))
    started = asyncio.Event()

    async def first() -> None:
        async with database.unit_of_work(context(), key) as uow:
            started.set()
            await asyncio.sleep(0.2)
            if first_commits:
                await uow.commit(response=b"first")

    async def twin() -> bytes | None:
        await started.wait()
        async with database.unit_of_work(context(), key) as uow:
            return uow.replayed

    _, replayed = await asyncio.gather(first(), twin())
    assert replayed == (b"first" if first_commits else None)


async def test_cancelled_work_leaks_neither_connection_nor_transaction(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=2)

    async def slow_work() -> None:
        async with database.unit_of_work(context()) as uow:
            await uow.execute(INSERT, 1, "cancelled")
            await uow.fetchval("SELECT pg_sleep(5)")
            await uow.commit()

    try:
        for _ in range(5):
            tasks = [asyncio.create_task(slow_work()), asyncio.create_task(database.fetch("SELECT pg_sleep(5)"))]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        async with asyncio.timeout(2):
            values = await asyncio.gather(*(database.fetchval("SELECT 1") for _ in range(8)))
        assert values == [1] * 8
        async with database.unit_of_work(context()) as uow:
            assert await uow.fetchval("SELECT count(*) FROM effect") == 0
    finally:
        await database.close()


async def test_waiting_in_line_for_a_connection_is_bounded_and_fair(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    database.pool._wait_seconds = 0.1
    try:
        async with database.lease():
            with pytest.raises(DomainError) as raised:
                await database.fetchval("SELECT 1")
        assert raised.value.reason == "DATABASE_BUSY"
        order: list[int] = []

        async def one(number: int) -> None:
            await database.fetchval("SELECT 1")
            order.append(number)

        await asyncio.gather(*(one(number) for number in range(20)))
        assert order == list(range(20))
    finally:
        await database.close()


async def test_connections_that_died_while_idle_are_replaced_unseen(
    database: Database, postgres: PostgresServer
) -> None:
    await asyncio.gather(*(database.fetchval("SELECT pg_sleep(0.05)") for _ in range(4)))
    for at_once in (True, False):
        # From outside, and without giving our loop a turn when at_once, so that it has not seen the sockets close.
        psql(
            postgres.url(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chassis test';",
        )
        if not at_once:
            await asyncio.sleep(0.1)
        async with database.unit_of_work(context()) as uow:
            assert await uow.fetchval("SELECT 1") == 1
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*(database.fetchval("SELECT 1") for _ in range(8))) == [1] * 8


async def test_an_error_of_the_callers_own_input_and_output_is_not_the_databases(database: Database) -> None:
    with pytest.raises(FileNotFoundError):
        async with database.unit_of_work(context()):
            raise FileNotFoundError
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.unit_of_work(context()) as uow:
            await uow.execute("INSERT INTO effect (tenant_id, id, note) VALUES (1, 7, 'x'), (1, 7, 'x')")


async def test_integer_arrays_go_and_come_back_as_the_database_means_them(database: Database) -> None:
    whole, small = list(range(10**12, 10**12 + 100)), [3, -1, 2]

    row = await database.fetchrow(
        "SELECT $1::bigint[] AS whole, $2::int[] AS small, $3::int[] AS none, (SELECT sum(n) FROM unnest($1::bigint[]) n)::bigint"
        " AS total, ARRAY[1, NULL, 3]::int[] AS holes, $4::int[] AS given, '{}'::bigint[] AS empty",
        whole,
        small,
        None,
        [None, 5],
    )

    assert row is not None
    assert (row["whole"], row["small"], row["none"], row["total"]) == (whole, small, None, sum(whole))
    assert (row["holes"], row["given"], row["empty"]) == ([1, None, 3], [None, 5], [])
    with pytest.raises(asyncpg.DataError):
        await database.fetchval("SELECT $1::int[]", [2**40])


async def test_a_commit_that_the_database_turned_into_a_rollback_is_not_taken_for_one(database: Database) -> None:
    counted: list[str] = []
    async with database.unit_of_work(context()) as uow:
        uow.after_commit(lambda: counted.append("committed"))
        await uow.execute(INSERT, 1, "lost")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await uow.execute("SELECT 1/0")
        with pytest.raises(RuntimeError, match="nothing was committed"):
            await uow.commit()
    assert counted == []


async def test_a_connection_to_what_was_the_primary_is_not_used_again(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    try:
        for write in (_write_in_a_unit_of_work, _write_at_once):
            await database.execute("SET default_transaction_read_only = on")
            with pytest.raises(DomainError) as raised:
                await write(database)
            assert raised.value.reason == "DATABASE_UNAVAILABLE"
            await write(database)
    finally:
        await database.close()


async def _write_in_a_unit_of_work(database: Database) -> None:
    async with database.unit_of_work(context()) as uow:
        await uow.execute(INSERT, 1, "kept")
        await uow.commit()


async def _write_at_once(database: Database) -> None:
    await database.execute(
        "WITH s AS (SELECT set_config('app.tenant_id', '1', false)) UPDATE effect SET note = note FROM s"
    )


async def test_a_migration_beside_a_running_service_is_no_bug_of_the_next_call(
    migrated_urls: Urls, database: Database
) -> None:
    owner = Database(migrated_urls.owner, pool_size=1)

    async def read() -> None:
        async with database.unit_of_work(context()) as uow:
            await uow.fetch("SELECT * FROM effect")

    try:
        await read()
        await owner.execute("ALTER TABLE effect ADD COLUMN more text")
        with pytest.raises(DomainError) as raised:
            await read()
        assert raised.value.kind is ErrorKind.UNAVAILABLE, "which every caller tries again"
        await read()
    finally:
        await owner.execute("ALTER TABLE effect DROP COLUMN IF EXISTS more")
        await owner.close()


async def test_a_database_that_everybody_waits_for_is_there(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    try:
        asked = [asyncio.create_task(database.execute("SELECT pg_sleep(0.1)")) for _ in range(20)]
        await asyncio.sleep(0.3)
        assert await asyncio.wait_for(database.ping(), 0.5)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await database.close()


async def test_a_database_that_answers_nobody_is_not_there(migrated_urls: Urls) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    try:
        await database.execute("SELECT 1")
        asked = asyncio.create_task(database.execute("SELECT pg_sleep(10)"))
        await asyncio.sleep(ANSWERED_SECONDS + 0.2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(database.ping(), 0.5)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    finally:
        await database.close()
