"""Two at once, and somebody in the way: one turn each, nothing half done, and a line that says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from preau_chassis.migrations import MigrationError, run_migrations
from preau_stack.postgres import PostgresServer, psql

from tests.integration.chassis.conftest import MIGRATIONS, Urls
from tests.integration.chassis.test_process import process, settings

__all__ = ["settings"]

_LOCK = "SELECT pg_advisory_lock(hashtext('preau migrate'))"
_SECOND = '''"""Two steps, of which the second may have to wait."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE first_step (id integer)")
    op.execute("{second}")
'''


@pytest.fixture
async def owner(urls: Urls, postgres: PostgresServer) -> AsyncIterator[str]:
    psql(postgres.url(), "CREATE DATABASE chassis_migrate OWNER billing_owner;")
    yield urlunsplit(urlsplit(urls.owner)._replace(path="/chassis_migrate"))
    psql(postgres.url(), "DROP DATABASE chassis_migrate WITH (FORCE);")


@pytest.fixture
async def other(owner: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else at work in the same database."""
    connection = await asyncpg.connect(owner)
    yield connection
    await connection.close()


def next_release(folder: Path, second: str) -> Path:
    (folder / "versions").mkdir()
    first = (MIGRATIONS / "versions/0001_first.py").read_text()
    (folder / "versions/0001_first.py").write_text(first)
    (folder / "versions/0002_second.py").write_text(_SECOND.format(second=second))
    return folder


async def state(connection: asyncpg.Connection) -> tuple[str, bool]:
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return str(revision), bool(await connection.fetchval("SELECT to_regclass('first_step') IS NOT NULL"))


async def test_two_at_once_on_an_empty_database_make_one_schema(owner: str, other: asyncpg.Connection) -> None:
    await asyncio.gather(*(run_migrations(owner, MIGRATIONS) for _ in range(3)))
    assert await state(other) == ("0001", False)


async def test_the_second_waits_for_the_first_and_not_for_ever(owner: str, other: asyncpg.Connection) -> None:
    await other.execute(_LOCK)
    with pytest.raises(MigrationError, match="another migrate has been at work for 1 s"):
        await run_migrations(owner, MIGRATIONS, turn_seconds=1)
    assert await other.fetchval("SELECT to_regclass('alembic_version') IS NULL")
    waiting = asyncio.create_task(run_migrations(owner, MIGRATIONS))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await other.execute("SELECT pg_advisory_unlock_all()")
    await waiting
    assert await state(other) == ("0001", False)


async def test_a_table_that_somebody_holds_leaves_nothing_half_done(
    owner: str, other: asyncpg.Connection, tmp_path: Path
) -> None:
    await run_migrations(owner, MIGRATIONS)
    release = next_release(tmp_path, "ALTER TABLE effect ADD COLUMN more text")
    async with other.transaction():
        await other.execute("LOCK TABLE effect IN ACCESS SHARE MODE")
        with pytest.raises(MigrationError, match="somebody has held a table for 4 s; nothing was changed"):
            await run_migrations(owner, release)
    assert await state(other) == ("0001", False)
    await run_migrations(owner, release)
    assert await state(other) == ("0002", True)


async def test_a_statement_that_takes_long_leaves_nothing_half_done(
    owner: str, other: asyncpg.Connection, tmp_path: Path
) -> None:
    release = next_release(tmp_path, "SELECT pg_sleep(20)")
    with pytest.raises(MigrationError, match="a statement took longer than 5 s; nothing was changed"):
        await run_migrations(owner, release)
    assert await other.fetchval("SELECT to_regclass('alembic_version') IS NULL")


async def test_the_job_says_in_one_line_what_held_it_up(
    owner: str,
    other: asyncpg.Connection,
    settings: dict[str, str],
) -> None:
    await run_migrations(owner, MIGRATIONS)
    async with other.transaction():
        await other.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        async with process("migrate", settings | {"OWNER_DATABASE_URL": owner}) as running:
            _, errors = await running.communicate()
    assert running.returncode == 1, "the Job tries again"
    assert errors.decode() == "somebody has held a table for 4 s; nothing was changed, try again\n"


INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS step_by_id ON first_step (id);"
IS_WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('step_by_id')"
STEP = "INSERT INTO first_step VALUES (1)"


def with_index(release: Path, statements: str = INDEX) -> Path:
    (release / "indexes.sql").write_text(f"-- For readers; of years.\n{statements}\n")
    return release


async def test_an_index_is_built_beside_those_who_write(owner: str, other: asyncpg.Connection, tmp_path: Path) -> None:
    release = next_release(tmp_path, "SELECT 1")
    await run_migrations(owner, release)
    async with other.transaction():
        await other.execute(STEP)
        migrating = asyncio.create_task(run_migrations(owner, with_index(release)))
        await asyncio.sleep(1)
        assert not migrating.done()
        third = await asyncpg.connect(owner)
        await third.execute("SET lock_timeout = '1s'")
        await third.execute(STEP)
        await third.close()
    await migrating
    assert await other.fetchval(IS_WHOLE)


async def test_an_index_that_was_left_half_built_is_built_anew(
    owner: str, other: asyncpg.Connection, tmp_path: Path
) -> None:
    release = next_release(tmp_path, "SELECT 1")
    await run_migrations(owner, release)
    for _ in range(2):
        await other.execute(STEP)
    with pytest.raises(asyncpg.UniqueViolationError):
        await other.execute("CREATE UNIQUE INDEX CONCURRENTLY step_by_id ON first_step (id)")
    assert await other.fetchval(IS_WHOLE) is False
    await run_migrations(owner, with_index(release))
    assert await other.fetchval(IS_WHOLE)


async def test_two_at_once_build_an_index_once(owner: str, other: asyncpg.Connection, tmp_path: Path) -> None:
    release = with_index(next_release(tmp_path, "SELECT 1"))
    await asyncio.gather(*(run_migrations(owner, release) for _ in range(3)))
    assert await other.fetchval(IS_WHOLE)
    await other.execute("SELECT pg_advisory_lock(hashtext('preau indexes'))")
    with pytest.raises(MigrationError, match="another migrate has built indexes for 1 s; the schema is new"):
        await run_migrations(owner, release, turn_seconds=1)


async def test_the_file_of_indexes_says_nothing_else(owner: str, tmp_path: Path) -> None:
    release = with_index(next_release(tmp_path, "SELECT 1"), f"{INDEX} CREATE INDEX a ON first_step (id);")
    with pytest.raises(ValueError, match="nothing else: CREATE INDEX a ON first_step"):
        await run_migrations(owner, release)
