"""One service's database: single statements on the hot path, units of work for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeAlias

from google.protobuf.message import Message
from opentelemetry.trace import SpanKind
from preau_kernel.context import Context

from preau_chassis.events import OutboxEvent, insert_events, outbox_event
from preau_chassis.idempotency import IdempotencyKey
from preau_chassis.pool import DRIVER_ERRORS, Lease, LeasePool, translate
from preau_chassis.telemetry import current_recording, span

__all__ = ["Database", "IdempotencyKey", "UnitOfWork"]

Row: TypeAlias = Any
"""A driver record: by name, by position, or as a mapping."""


class UnitOfWork:
    """One transaction for one town. Leaving it without ``commit`` rolls back."""

    __slots__ = (
        "_after", "_context", "_database", "_events", "_key", "_lease", "_raw", "_span", "replayed",
    )  # fmt: skip

    def __init__(self, database: Database, context: Context, key: IdempotencyKey | None) -> None:
        self._database = database
        self._context = context
        self._key = key
        self._lease: Lease | None = None
        self._raw: Any = None
        self._events: list[OutboxEvent] = []
        self._after: list[Callable[[], None]] = []
        self._span: Any = None
        self.replayed: bytes | None = None

    async def __aenter__(self) -> Self:
        if current_recording() is not None:
            self._span = span("unit_of_work", {"db.system.name": "postgresql"}, SpanKind.CLIENT)
            self._span.__enter__()
        try:
            await self._begin()
            if self._key is not None:
                self.replayed = await self._key.claim(self._raw, self._context.tenant_id)
        except BaseException as error:
            await self._leave(error)
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        is_lost = self._raw is None or self._raw.is_closed()
        await self._leave(error)
        # An OSError is the database's only if the connection is gone; else it is of whatever the caller did meanwhile.
        if error is not None and (is_lost or not isinstance(error, OSError)):
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error

    @property
    def context(self) -> Context:
        """On whose behalf this transaction runs."""
        return self._context

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """All rows."""
        rows: list[Row] = await self._raw.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        """The first row, if any."""
        row: Row | None = await self._raw.fetchrow(sql, *args)
        return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or ``None``."""
        return await self._raw.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; the command tag ("UPDATE 3")."""
        tag: str = await self._raw.execute(sql, *args)
        return tag

    async def executemany(self, sql: str, args: Iterable[Iterable[Any]]) -> None:
        """Run a statement once per row of arguments, pipelined."""
        await self._raw.executemany(sql, args)

    def publish(self, *messages: Message) -> None:
        """Publish these events of the caller's town if and when this transaction commits."""
        for message in messages:
            self._events.append(outbox_event(self._context, message))

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once what was done is committed, and never if it is not. It must not fail: for counting."""
        self._after.append(call)

    async def commit(self, response: bytes = b"") -> None:
        """Make it so: the changes, their events, and the answer kept for a repeated command.

        ``RuntimeError`` when a statement had failed before, of which nothing can be committed.
        """
        raw = self._raw
        tenant_id = self._context.tenant_id
        if self._key is not None and self.replayed is None:
            await self._key.store(raw, tenant_id, response)
        if self._events:
            await insert_events(raw, tenant_id, self._events)
        if await raw.execute("COMMIT") != "COMMIT":
            # Its answer when a statement had failed: the caller took that for harmless.
            raise RuntimeError("a statement had failed, so nothing was committed")
        if self._events:
            self._database.nudge()
        for listener in self._after:
            listener()

    async def _begin(self) -> None:
        # A number straight from a verified token or envelope, so it can be part of the text: one round trip, not three.
        opening = f"BEGIN; SELECT set_config('app.tenant_id', '{int(self._context.tenant_id)}', true)"
        for attempt in (1, 2):
            lease = Lease(self._database.pool)
            await lease.__aenter__()
            self._lease, self._raw = lease, lease.raw
            try:
                await lease.raw.execute(opening)
            except DRIVER_ERRORS as error:
                # The server went away while the connection was idle. Nothing was done yet: once more, on a new one.
                if attempt == 2 or translate(error) is None or not lease.raw.is_closed():  # noqa: PLR2004 - the last
                    raise
                self._lease = self._raw = None
                await lease.__aexit__(type(error), error, None)
            else:
                return

    async def _leave(self, error: BaseException | None) -> None:
        lease, raw = self._lease, self._raw
        self._lease = self._raw = None
        try:
            if lease is not None:
                ended = error is None or isinstance(error, Exception)
                try:
                    if ended and not raw.is_closed() and raw.is_in_transaction():
                        with suppress(*DRIVER_ERRORS):
                            await raw.execute("ROLLBACK")
                except BaseException as interruption:
                    error = interruption
                    raise
                finally:
                    await lease.__aexit__(None if error is None else type(error), error, None)
        finally:
            if self._span is not None:
                self._span.__exit__(None, None, None)
                self._span = None


class Database:
    """The service's database under one role."""

    def __init__(self, dsn: str, *, pool_size: int = 8, application_name: str = "preau") -> None:
        self.pool = LeasePool(dsn, size=pool_size, application_name=application_name)
        self._listeners: list[Callable[[], None]] = []

    async def fetch(self, sql: str, *args: Any, label: str = "") -> list[Row]:
        """All rows of one autocommitted statement, in one round trip. ``label`` names its span."""
        rows: list[Row] = await self._run("fetch", sql, args, label)
        return rows

    async def fetchrow(self, sql: str, *args: Any, label: str = "") -> Row | None:
        """The first row, if any."""
        row: Row | None = await self._run("fetchrow", sql, args, label)
        return row

    async def fetchval(self, sql: str, *args: Any, label: str = "") -> Any:
        """The first column of the first row, or ``None``."""
        return await self._run("fetchval", sql, args, label)

    async def execute(self, sql: str, *args: Any, label: str = "") -> str:
        """Run one statement; the command tag ("UPDATE 3")."""
        tag: str = await self._run("execute", sql, args, label)
        return tag

    def unit_of_work(self, context: Context, key: IdempotencyKey | None = None) -> UnitOfWork:
        """A transaction for the caller's town, to be entered with ``async with``."""
        return UnitOfWork(self, context, key)

    def lease(self) -> Lease:
        """A raw connection for the time of an ``async with``: for locks that live as long as a connection."""
        return self.pool.lease()

    def nudge(self) -> None:
        """Tell the relay that there is something to publish. Called by ``commit``; hot paths call it themselves."""
        for listener in self._listeners:
            listener()

    def on_nudge(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at each nudge."""
        self._listeners.append(listener)

    async def ping(self) -> bool:
        """Whether the database answers. While everybody waits in line, an answer to one of them says so."""
        try:
            return self.pool.is_busy or bool(await self.fetchval("SELECT true"))
        except Exception:  # noqa: BLE001 - a health check has one answer to every failure
            return False

    async def close(self) -> None:
        """Close every connection."""
        await self.pool.close()

    async def _run(self, method: str, sql: str, args: tuple[Any, ...], label: str) -> Any:
        recording = label and current_recording() is not None
        if recording:
            with span(label, {"db.system.name": "postgresql", "db.query.summary": label}, SpanKind.CLIENT):
                return await self._run(method, sql, args, "")
        try:
            async with Lease(self.pool) as lease:
                return await getattr(lease.raw, method)(sql, *args)
        except DRIVER_ERRORS as error:
            meaning = translate(error)
            if meaning is not None:
                raise meaning from error
            raise
