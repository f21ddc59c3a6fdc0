"""``migrate``: the service's schema, then its streams. Forward only, one at a time, gentle with a running service."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from preau_chassis.logs import get_logger

_log = get_logger("migrate")
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('preau migrate'))"


async def run_migrations(dsn: str, migrations: Path) -> None:
    """Bring the database to the newest revision under ``migrations``/versions, in one transaction.

    A second run at the same time waits for the first, then finds nothing to do.
    """

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, timeout=10.0, server_settings={"application_name": "preau migrate"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
            await connection.exec_driver_sql(_LOCK)
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '4s'")
            await connection.exec_driver_sql("SET LOCAL statement_timeout = '5s'")
            await connection.run_sync(_upgrade, migrations)
    finally:
        await engine.dispose()
    _log.info("migrate.done")


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(migrations / "versions"))
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")
