"""Leases of the driver's connections, cheap enough for the hot path and safe under cancellation."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import asyncpg
from preau_kernel.errors import ConflictError, DomainError, ErrorKind, UnavailableError

from preau_chassis.arrays import INTEGER_ARRAYS

CONNECTION_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    # What was the primary is none any more, and keeps its connections.
    asyncpg.ReadOnlySQLTransactionError,
    # A migration came by: what was prepared before it is worth nothing, on any connection.
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
    # The driver lost track: the server went away in the middle of an exchange.
    asyncpg.InternalClientError,
    OSError,
)
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""Everything the driver raises."""

_USELESS = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.InternalClientError,
)
"""After these a connection is open, and good for nothing."""
_CLEAN_UP_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
ANSWERED_SECONDS = 2.0
"""How long an answer to somebody shows that the database is there."""


def translate(error: BaseException) -> DomainError | None:
    """What a driver's error means to a caller, or ``None`` when it is a bug or a constraint the adapter must read."""
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError | asyncpg.LockNotAvailableError):
        return ConflictError()
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.IdleInTransactionSessionTimeoutError):
        return DomainError(ErrorKind.TIMEOUT, "DATABASE_TIMEOUT")
    if isinstance(error, CONNECTION_ERRORS) or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)):
        return UnavailableError("DATABASE_UNAVAILABLE")
    return None


class Lease:
    """One connection for a while. Always used with ``async with``; ``raw`` is asyncpg's connection."""

    __slots__ = ("_pool", "raw")

    def __init__(self, pool: LeasePool) -> None:
        self._pool = pool
        self.raw: Any = None

    async def __aenter__(self) -> Self:
        self.raw = await self._pool.take()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _stack: TracebackType | None
    ) -> None:
        raw, self.raw = self.raw, None
        if raw.is_closed() or isinstance(error, _USELESS):
            self._pool.discard(raw)
        elif raw.is_in_transaction() or (error is not None and not isinstance(error, Exception)):
            # Cancelled in the middle of something: nobody waits for us any more, so tidy up on the side.
            self._pool.clean_up(raw)
        else:
            self._pool.give_back(raw)


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
        self._idle: list[Any] = []
        self._answered_at = -ANSWERED_SECONDS
        self._is_closed = False
        self.size = size
        self.used = 0
        """Leases given out."""
        self.waiting = 0
        """Who stands in line for one."""

    @property
    def idle(self) -> int:
        """Open connections that nobody uses."""
        return len(self._idle)

    @property
    def is_busy(self) -> bool:
        """Whether all are in use and somebody was answered a moment ago: who asks would wait for nothing new."""
        return self._free.locked() and time.monotonic() - self._answered_at < ANSWERED_SECONDS

    def lease(self) -> Lease:
        """A connection for the time of an ``async with``."""
        return Lease(self)

    async def take(self) -> Any:
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
            while self._idle:
                raw = self._idle.pop()
                if not raw.is_closed():
                    return raw
            return await self._connect()
        except BaseException as error:
            self._release()
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error
            raise

    def give_back(self, raw: Any) -> None:
        self._answered_at = time.monotonic()
        if self._is_closed:
            raw.terminate()
        else:
            self._idle.append(raw)
        self._release()

    def discard(self, raw: Any) -> None:
        raw.terminate()
        # What idles is as useless, though the loop may not have heard of it yet.
        while self._idle:
            self._idle.pop().terminate()
        self._release()

    def clean_up(self, raw: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._clean_up(raw))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def close(self) -> None:
        """Close every connection; those on lease as they come back."""
        self._is_closed = True
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=_CLEAN_UP_SECONDS)
        while self._idle:
            with suppress(*DRIVER_ERRORS):
                await self._idle.pop().close(timeout=_CLOSE_SECONDS)

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

    async def _clean_up(self, raw: Any) -> None:
        try:
            async with asyncio.timeout(_CLEAN_UP_SECONDS):
                await raw.execute("ROLLBACK")
        except (*DRIVER_ERRORS, TimeoutError):
            raw.terminate()
            self._release()
        else:
            self.give_back(raw)
