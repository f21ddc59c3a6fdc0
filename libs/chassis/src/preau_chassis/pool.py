"""Leases of raw driver connections from SQLAlchemy's pool, cheap enough for the hot path and safe under cancellation."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import asyncpg
from preau_kernel.errors import ConflictError, DomainError, ErrorKind, UnavailableError
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from preau_chassis.arrays import INTEGER_ARRAYS
from preau_chassis.logs import get_logger

_log = get_logger("database")

CONNECTION_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    # The driver lost track: the server went away in the middle of an exchange.
    asyncpg.InternalClientError,
    OSError,
)
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""Everything the driver raises."""

_CLEAN_UP_SECONDS = 5.0


def translate(error: BaseException) -> DomainError | None:
    """What a driver's error means to a caller, or ``None`` when it is a bug or a constraint the adapter must read."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error) and error.__cause__ is not None:
        # Where no connection came about, SQLAlchemy's adapter raises its own error around the driver's.
        error = error.__cause__
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError | asyncpg.LockNotAvailableError):
        return ConflictError()
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.IdleInTransactionSessionTimeoutError):
        return DomainError(ErrorKind.TIMEOUT, "DATABASE_TIMEOUT")
    if isinstance(error, CONNECTION_ERRORS) or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)):
        return UnavailableError("DATABASE_UNAVAILABLE")
    return None


class Lease:
    """One connection for a while. Always used with ``async with``; ``raw`` is asyncpg's connection."""

    __slots__ = ("_fairy", "_pool", "raw")

    def __init__(self, pool: LeasePool) -> None:
        self._pool = pool
        self._fairy: PoolProxiedConnection | None = None
        self.raw: Any = None

    async def __aenter__(self) -> Self:
        self._fairy, self.raw = await self._pool.take()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _stack: TracebackType | None
    ) -> None:
        fairy, raw = self._fairy, self.raw
        self._fairy = self.raw = None
        if fairy is None:
            return
        if raw.is_closed() or isinstance(error, asyncpg.InternalClientError):
            self._pool.discard(fairy)
        elif raw.is_in_transaction() or (error is not None and not isinstance(error, Exception)):
            # Cancelled in the middle of something: nobody waits for us any more, so tidy up on the side.
            self._pool.clean_up(fairy, raw)
        else:
            self._pool.give_back(fairy, raw)


class LeasePool:
    """At most ``size`` connections; who finds none waits in line, and no longer than ``wait_seconds``."""

    def __init__(self, dsn: str, *, size: int, application_name: str, wait_seconds: float = 5.0) -> None:
        self._dsn = dsn
        self._server_settings = {
            "application_name": application_name,
            "jit": "off",
            "idle_in_transaction_session_timeout": "60000",
        }
        self._wait_seconds = wait_seconds
        self._free = asyncio.Semaphore(size)
        self._cleaning: set[asyncio.Task[None]] = set()
        self._idle: list[tuple[PoolProxiedConnection, Any]] = []
        self.size = size
        self.used = 0
        """Leases given out."""
        self.waiting = 0
        """Who stands in line for one."""
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=wait_seconds,
            pool_use_lifo=True,
            # A lease gives back only connections that are in no transaction, so there is nothing to reset.
            pool_reset_on_return=None,
        )

    @property
    def idle(self) -> int:
        """Open connections that nobody uses."""
        return len(self._idle)

    def lease(self) -> Lease:
        """A connection for the time of an ``async with``."""
        return Lease(self)

    async def take(self) -> tuple[PoolProxiedConnection, Any]:
        if self._free.locked():
            self.waiting += 1
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._free.acquire()
            except TimeoutError:
                raise UnavailableError("DATABASE_BUSY") from None
            finally:
                self.waiting -= 1
        else:
            await self._free.acquire()
        self.used += 1
        try:
            # Idle connections stay checked out of the engine's pool: checking in and out costs as much as a small query.
            while self._idle:
                fairy, raw = self._idle.pop()
                if not raw.is_closed():
                    return fairy, raw
                self._invalidate(fairy)
            fairy = await self.engine.raw_connection()
            return fairy, fairy.driver_connection
        except BaseException as error:
            self._release()
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error
            raise

    def give_back(self, fairy: PoolProxiedConnection, raw: Any) -> None:
        self._idle.append((fairy, raw))
        self._release()

    def discard(self, fairy: PoolProxiedConnection) -> None:
        self._invalidate(fairy)
        # The server went away: what idles has died with it, though the loop may not have heard of it yet.
        while self._idle:
            self._invalidate(self._idle.pop()[0])
        self._release()

    def clean_up(self, fairy: PoolProxiedConnection, raw: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._clean_up(fairy, raw))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def close(self) -> None:
        """Close every connection."""
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=_CLEAN_UP_SECONDS)
        while self._idle:
            self._idle.pop()[0].close()
        await self.engine.dispose()

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5.0,
            server_settings=self._server_settings,
            statement_cache_size=512,
            max_cached_statement_lifetime=0,
        )
        for array in INTEGER_ARRAYS:
            array.use_on(connection)
        return connection

    def _release(self) -> None:
        self.used -= 1
        self._free.release()

    def _invalidate(self, fairy: PoolProxiedConnection) -> None:
        raw = fairy.driver_connection
        if raw is not None:
            raw.terminate()
        # Not fairy.invalidate(): it would close politely, which needs a greenlet; the socket is gone already.
        fairy.detach()

    async def _clean_up(self, fairy: PoolProxiedConnection, raw: Any) -> None:
        try:
            async with asyncio.timeout(_CLEAN_UP_SECONDS):
                await raw.execute("ROLLBACK")
        except (*DRIVER_ERRORS, TimeoutError):
            self._invalidate(fairy)
        else:
            self._idle.append((fairy, raw))
        finally:
            self._release()
