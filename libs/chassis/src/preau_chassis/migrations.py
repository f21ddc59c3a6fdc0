"""``migrate``: the service's schema, then its streams. Forward only, one at a time, gentle with a running service."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from preau_chassis.logs import get_logger

_log = get_logger("migrate")
TURN_SECONDS = 60
_LOCK_SECONDS = 4
_STATEMENT_SECONDS = 5
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('preau migrate'))"
# A number that is no secret: services look at it before they start.
_COMMENT = re.compile(r"--[^\n]*")
_INDEX = re.compile(r"CREATE INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON .+", re.DOTALL)
_INDEX_TURN = "SELECT pg_try_advisory_lock(hashtext('preau indexes'))"
_INDEX_SECONDS = 60
_LOOK_SECONDS = 0.2
_IS_HALF_BUILT = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"
_SHOW = "GRANT SELECT ON alembic_version TO PUBLIC"


class MigrationError(Exception):
    """Not all was done; the text says why, what was changed, and that it may be tried again."""


async def run_migrations(dsn: str, migrations: Path, *, turn_seconds: int = TURN_SECONDS) -> None:
    """Bring the database to the newest revision under ``migrations``/versions, in one transaction.

    A second run at the same time waits for the first, ``turn_seconds`` at most, then finds nothing to do.
    ``MigrationError`` when that time is over, when somebody holds a table for longer than 4 s, or when a statement takes
    longer than 5 s: whoever uses the service would wait behind it. Then the indexes of ``migrations``/indexes.sql.
    """

    async def connect() -> asyncpg.Connection:
        return await _connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await _take_turn(connection, turn_seconds)
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
            await _upgrade_patiently(connection, migrations)
    finally:
        await engine.dispose()
    if indexes := _indexes(migrations / "indexes.sql"):
        await _build_indexes(dsn, indexes, turn_seconds)
    _log.info("migrate.done")


async def _connect(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(dsn, timeout=10.0, server_settings={"application_name": "preau migrate"})


async def _take_turn(connection: AsyncConnection, seconds: int) -> None:
    await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{seconds}s'")
    try:
        await connection.exec_driver_sql(_LOCK)
    except DBAPIError as error:
        if _is(error, asyncpg.LockNotAvailableError):
            raise MigrationError(f"another migrate has been at work for {seconds} s; nothing was changed") from None
        raise


async def _upgrade_patiently(connection: AsyncConnection, migrations: Path) -> None:
    try:
        await connection.run_sync(_upgrade, migrations)
        await connection.exec_driver_sql(_SHOW)
    except (DBAPIError, asyncpg.PostgresError) as error:
        if _is(error, asyncpg.LockNotAvailableError):
            held = f"somebody has held a table for {_LOCK_SECONDS} s"
            raise MigrationError(f"{held}; nothing was changed, try again") from None
        if _is(error, asyncpg.QueryCanceledError):
            took = f"a statement took longer than {_STATEMENT_SECONDS} s"
            raise MigrationError(f"{took}; nothing was changed, try again at a quieter hour") from None
        raise


def _indexes(file: Path) -> dict[str, str]:
    """The statements of ``indexes.sql`` by the index they make; ``ValueError`` for anything else in it."""
    text = _COMMENT.sub("", file.read_text(encoding="utf-8")) if file.exists() else ""
    found = {}
    for statement in filter(None, map(str.strip, text.split(";"))):
        if not (match := _INDEX.fullmatch(statement)):
            raise ValueError(f"{file.name} makes indexes CONCURRENTLY IF NOT EXISTS and nothing else: {statement}")
        found[match[1]] = statement
    return found


async def _build_indexes(dsn: str, indexes: Mapping[str, str], seconds: int) -> None:
    """What is missing of a table with years of rows, beside those who write to it: outside the transaction, however long it
    takes. One that was left half built is built anew.
    """
    connection = await _connect(dsn)
    try:
        await connection.execute(f"SET lock_timeout = '{_INDEX_SECONDS}s'; SET statement_timeout = 0")
        await _take_index_turn(connection, seconds)
        for name, statement in indexes.items():
            if await connection.fetchval(_IS_HALF_BUILT, name):
                await connection.execute(f"DROP INDEX CONCURRENTLY {name}")
            await connection.execute(statement)
    except asyncpg.LockNotAvailableError:
        held = f"somebody has held a table or a transaction for {_INDEX_SECONDS} s"
        raise MigrationError(f"{held}; the schema is new, an index is missing, try again") from None
    finally:
        await connection.close()


async def _take_index_turn(connection: asyncpg.Connection, seconds: int) -> None:
    # Asked again and again: who waited inside a statement would be waited for by the one who builds.
    ends = time.monotonic() + seconds
    while not await connection.fetchval(_INDEX_TURN):
        if time.monotonic() > ends:
            raise MigrationError(f"another migrate has built indexes for {seconds} s; the schema is new, try again")
        await asyncio.sleep(_LOOK_SECONDS)


def _is(error: BaseException, kind: type[Exception]) -> bool:
    """Whether the driver's error ``kind`` is what SQLAlchemy speaks of."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, kind):
            return True
        cause = getattr(cause, "orig", None) or cause.__cause__
    return False


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(migrations / "versions"))
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")
