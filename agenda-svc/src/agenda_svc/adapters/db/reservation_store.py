"""Reservations, read and written by the SQL functions of ``migrations/sql``: one round trip each, tenant included."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import asyncpg
from preau_chassis.database import Database, UnitOfWork
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError, DomainError

from agenda_svc.adapters.db.changes import APPLY_MANY, APPLY_ONE, Write, arguments_of_many, arguments_of_one
from agenda_svc.adapters.db.combining import Combiner
from agenda_svc.adapters.db.first_schema import count_holds_by_rows
from agenda_svc.adapters.db.places import PlacesMemory
from agenda_svc.adapters.db.reading import READ_MANY, CombinedReader, CommandQuery, arguments_of_reading
from agenda_svc.adapters.db.records import to_closed_rows, to_reading, to_rows
from agenda_svc.adapters.db.turns import Turns
from agenda_svc.adapters.measures import count_change
from agenda_svc.application.ports import Change, HoldCounts, HoldsQuery, OfferQuery, Reading, RowsQuery

_READ_OFFER = "SELECT * FROM agenda_read_offer($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_READ_OFFER_AND_COUNT = """
SELECT o.*, c.held_count FROM agenda_read_offer($1, $2, $3, $4, $5, $6, $7, $8, $9) o
LEFT JOIN LATERAL (
  SELECT h.held_count FROM agenda_count_holds($1, $4, $10, $11, NULL) h WHERE o.household_key IS NOT NULL) c ON true"""
_COUNT_HOLDS = "SELECT * FROM agenda_count_holds($1, $2, $3, $4, $5)"
_READ_ROWS = "SELECT * FROM agenda_read_reservations($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_OVERTAKEN = frozenset({"PR001", "PR002", "23505"})


class _Runner(Protocol):
    async def fetchrow(self, sql: str, *args: Any) -> Any: ...

    async def fetchval(self, sql: str, *args: Any) -> Any: ...


class _Store:
    """What reading and writing have in common, in a transaction or out of one."""

    _runner: _Runner

    async def read_offer(self, ctx: Context, query: OfferQuery, *, lock: bool = False) -> Reading:
        command, holds = query.command, query.holds
        arguments = (
            ctx.tenant_id,
            command and command.method,
            command and command.request_id,
            query.household_id,
            query.child_ids,
            query.session_keys,
            query.first_key,
            query.last_key,
            lock,
        )
        if holds is None:
            record = await self._runner.fetchrow(_READ_OFFER, *arguments)
        else:
            try:
                record = await self._runner.fetchrow(_READ_OFFER_AND_COUNT, *arguments, holds.now, holds.first_key)
            except asyncpg.UndefinedFunctionError:
                reading = await self.read_offer(ctx, replace(query, holds=None), lock=lock)
                reading.held_count = (await count_holds_by_rows(self, ctx, holds)).held_count
                return reading
        reading = to_reading(record, to_rows(record))
        if holds is not None:
            reading.held_count = record["held_count"] or 0
        return reading

    async def count_holds(self, ctx: Context, query: HoldsQuery) -> HoldCounts:
        try:
            record = await self._runner.fetchrow(
                _COUNT_HOLDS, ctx.tenant_id, query.household_id, query.now, query.first_key, query.closed_since
            )
        except asyncpg.UndefinedFunctionError:
            return await count_holds_by_rows(self, ctx, query)
        if record["household_key"] is None:
            return HoldCounts(record["rules_version"])
        return HoldCounts(
            record["rules_version"],
            record["revision"],
            record["held_count"],
            record["hold_expires_at"],
            record["lapsing_count"],
            to_closed_rows(record),
        )

    async def read_rows(self, ctx: Context, query: RowsQuery, *, lock: bool = False) -> Reading:
        command = query.command
        record = await self._runner.fetchrow(
            _READ_ROWS,
            ctx.tenant_id,
            command and command.method,
            command and command.request_id,
            query.household_id,
            query.ids,
            query.with_coupled,
            query.live,
            query.closed_since,
            query.first_key,
            query.last_key,
            query.offer_last_key,
            lock,
        )
        reading = to_reading(record, to_closed_rows(record))
        if record["child_members"] is not None:
            members = zip(record["child_keys"], record["child_members"], strict=True)
            reading.members = {key for key, is_member in members if is_member}
            if reading.offer is not None:
                children = reading.offer.children
                reading.offer.children = {each: key for each, key in children.items() if key in reading.members}
        return reading

    async def _write(self, write: Write) -> bool:
        is_done: bool = await self._runner.fetchval(APPLY_ONE, *arguments_of_one(write))
        return is_done


class PostgresReservationStore(_Store):
    """Each call is its own transaction, but for commands that waited together."""

    def __init__(self, database: Database) -> None:
        self._runner = database
        self._database = database
        turns = Turns()
        self._combiner = Combiner(self._write_alone, self._write_together, turns)
        self._reader = CombinedReader(self._read_together, turns)
        self._places = PlacesMemory()

    async def read_offer(self, ctx: Context, query: OfferQuery, *, lock: bool = False) -> Reading:
        """A command's places may be a few seconds old where they were plenty; its write fails if they are gone."""
        wanted = None if lock else CommandQuery.of(query)
        if wanted is None:
            return await super().read_offer(ctx, query, lock=lock)
        reading: Reading = await self._reader.read(ctx.tenant_id, wanted)
        return reading

    async def apply(self, ctx: Context, change: Change) -> bool:
        write = Write.of(ctx, change)
        is_done = await (self._combiner.write(write) if write.only_creates else self._write_alone(write))
        if not is_done:
            self._places.forget(ctx.tenant_id, change.counters)
            return False
        if change.event is not None:
            self._database.nudge()
        count_change(ctx.tenant_slug, change)
        return True

    async def _read_together(self, tenant_id: int, queries: Sequence[CommandQuery]) -> Sequence[Reading]:
        # A copy: what is known may be dropped while the rest is read.
        wanted = set().union(*(query.session_keys for query in queries))
        known = self._places.of_town(tenant_id, wanted)
        unknown = sorted(wanted - known.keys())
        records = await self._database.fetch(READ_MANY, *arguments_of_reading(tenant_id, queries, unknown))
        keys, places = records[0]["session_keys"], records[0]["places"]
        if keys is not None:
            self._places.learn(tenant_id, keys, places)
            known.update(zip(keys, places, strict=True))
        return [
            to_reading(record, to_rows(record), {key: known[key] for key in query.session_keys if key in known})
            for record, query in zip(records, queries, strict=True)
        ]

    async def _write_alone(self, write: Write) -> bool:
        try:
            return await self._write(write)
        except ConflictError:
            return False
        except asyncpg.PostgresError as error:
            if error.sqlstate in _OVERTAKEN:
                return False
            raise

    async def _write_together(self, writes: Sequence[Write]) -> bool:
        try:
            await self._database.fetchval(APPLY_MANY, *arguments_of_many(writes))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, DomainError):
            # Whoever is to blame finds out alone; what was done in spite of the error is found done.
            return False
        return True

    @asynccontextmanager
    async def locking(self, ctx: Context) -> AsyncIterator[TransactionReservationStore]:
        async with self._database.unit_of_work(ctx) as uow:
            store = TransactionReservationStore(uow, self._database)
            yield store


class TransactionReservationStore(_Store):
    """In one transaction. A change that cannot be ends it: ``ConflictError``, and the whole may be tried again."""

    def __init__(self, uow: UnitOfWork, database: Database) -> None:
        self._runner = uow
        self._uow = uow
        self._database = database

    async def apply(self, ctx: Context, change: Change) -> bool:
        try:
            is_done = await self._write(Write.of(ctx, change))
        except asyncpg.PostgresError as error:
            if error.sqlstate in _OVERTAKEN:
                raise ConflictError from error
            raise
        if is_done:
            self._uow.after_commit(partial(count_change, ctx.tenant_slug, change))
        return is_done

    async def commit(self) -> None:
        await self._uow.commit()
        self._database.nudge()

    @asynccontextmanager
    async def locking(self, ctx: Context) -> AsyncIterator[TransactionReservationStore]:
        del ctx
        yield self
