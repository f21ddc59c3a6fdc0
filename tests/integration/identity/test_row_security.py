"""Every table, tried by a town that does not own the rows."""

import asyncpg
import pytest

from tests.integration.identity.world import Town, World

DIRECTORY = ("tenant", "tenant_host")
PRIVATE = ("household", "guardian", "child", "account", "session", "attempt_counter", "password_reset", "mail")
CHASSIS = ("outbox", "inbox", "idempotency")
PLATFORM = ("signing_key",)


async def fill(world: World, town: Town) -> None:
    """At least one row of the town in every table."""
    await town.sign_in()
    async with world.connect(town.number) as connection:
        account = await connection.fetchval("SELECT id FROM account")
        await connection.execute(
            "INSERT INTO password_reset VALUES ($1, '\\x01', $2, now(), now())", town.number, account
        )
        await connection.execute(
            "INSERT INTO mail (tenant_id, kind, username_key, account_id, reset_url, created_at, due_at, finished_at)"
            " VALUES ($1, 'password_changed', '', $2, '', now(), now(), now())",
            town.number,
            account,
        )
        await connection.execute("INSERT INTO inbox VALUES ($1, 'test', gen_random_uuid())", town.number)
        await connection.execute("INSERT INTO idempotency VALUES ($1, 'test', gen_random_uuid(), '\\x00')", town.number)


async def test_no_table_is_forgotten_here(world: World) -> None:
    async with world.connect(url=world.database.owner_url) as connection:
        rows = await connection.fetch(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
        )
        bypassing = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'identity%' AND (rolbypassrls OR rolsuper)"
        )
    assert sorted(row["relname"] for row in rows) == sorted((*DIRECTORY, *PRIVATE, *CHASSIS, *PLATFORM))
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in rows)
    assert bypassing == []


@pytest.mark.parametrize("table", [*PRIVATE, *CHASSIS])
async def test_a_town_neither_sees_nor_changes_nor_forges_another_s_rows(
    world: World, family: Town, table: str
) -> None:
    await fill(world, family)
    stranger = await world.make_town()
    async with world.connect(family.number) as connection:
        own = await connection.fetchval(f"SELECT count(*) FROM {table}")
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id <> {family.number}") == 0
    assert own > 0
    async with world.connect(stranger.number) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = {family.number}") == 0
        changed = await connection.execute(
            f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = {family.number}"
        )
        assert changed == "UPDATE 0"
        assert await connection.execute(f"DELETE FROM {table} WHERE tenant_id = {family.number}") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with world.connect(family.number) as connection:
            await connection.execute(f"UPDATE {table} SET tenant_id = {stranger.number}")


@pytest.mark.parametrize("table", [*PRIVATE, *CHASSIS, *PLATFORM])
async def test_without_a_town_nothing_is_read(world: World, table: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        async with world.connect() as connection:
            await connection.fetch(f"SELECT * FROM {table}")


@pytest.mark.parametrize("table", DIRECTORY)
async def test_the_directory_is_read_by_all_and_written_by_the_town_alone(world: World, table: str) -> None:
    town, stranger = await world.make_town(), await world.make_town()
    async with world.connect() as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", town.number) == 1
    async with world.connect(stranger.number) as connection:
        for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}"):
            count = (await connection.execute(f"{statement} WHERE tenant_id = {town.number}")).split()[-1]
            assert count == "0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with world.connect(stranger.number) as connection:
            await connection.execute("INSERT INTO tenant_host VALUES ($1, 'forged.example', 9)", town.number)


async def test_signing_keys_belong_to_the_platform(world: World, town: Town) -> None:
    async with world.connect(0) as connection:
        assert await connection.fetchval("SELECT count(*) FROM signing_key") > 0
    async with world.connect(town.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM signing_key") == 0


async def test_a_worker_sees_the_queue_of_every_town_and_nothing_else_of_them(world: World, family: Town) -> None:
    await fill(world, family)
    async with world.connect(url=world.database.work_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM mail WHERE tenant_id = $1", family.number) == 1
    for table in (*DIRECTORY, *PRIVATE, *PLATFORM):
        if table != "mail":
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with world.connect(family.number, world.database.work_url) as connection:
                    await connection.fetch(f"SELECT * FROM {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.connect(family.number, world.database.work_url) as connection:
            await connection.execute("DELETE FROM mail")


async def test_the_owner_of_the_tables_sees_no_town_either(world: World, family: Town) -> None:
    async with world.connect(family.number, world.database.owner_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM account") == 0


async def test_the_session_function_obeys_row_security_and_leaks_no_town(world: World, family: Town) -> None:
    stranger = await world.make_town()
    async with world.connect(url=world.database.app_url) as connection:
        rows = await connection.fetch(
            "SELECT * FROM identity_exchange_session($1, $2, now(), '1 hour')", stranger.number, b"x"
        )
    assert rows == []
    connection = await asyncpg.connect(world.database.app_url)
    try:
        await connection.fetch("SELECT * FROM identity_exchange_session($1, $2, now(), '1 hour')", family.number, b"x")
        assert await connection.fetchval("SELECT current_setting('app.tenant_id', true)") in {None, ""}
    finally:
        await connection.close()
