"""``migrate``: the service's schema, then its streams. Forward only, one at a time, gentle with a running service."""

from __future__ import annotations

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
_SHOW = "GRANT SELECT ON alembic_version TO PUBLIC"


class MigrationError(Exception):
    """Nothing was changed; the text says why and that it may be tried again."""


async def run_migrations(dsn: str, migrations: Path, *, turn_seconds: int = TURN_SECONDS) -> None:
    """Bring the database to the newest revision under ``migrations``/versions, in one transaction.

    A second run at the same time waits for the first, ``turn_seconds`` at most, then finds nothing to do.
    ``MigrationError`` when that time is over, when somebody holds a table for longer than 4 s, or when a statement takes
    longer than 5 s: whoever uses the service would wait behind it.
    """

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, timeout=10.0, server_settings={"application_name": "preau migrate"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await _take_turn(connection, turn_seconds)
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
            await _upgrade_patiently(connection, migrations)
    finally:
        await engine.dispose()
    _log.info("migrate.done")


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
