"""Sessions and attempt counters in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from preau_chassis.database import Database
from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId

from identity_svc.adapters.db.accounts import to_account
from identity_svc.application.ports import ExchangedSession, NewSession
from identity_svc.domain.sessions import OpenSession
from identity_svc.domain.throttle import AttemptCounter


class PostgresSessionExchange:
    """One round trip, the town's setting included: the function in the migration does it all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exchange(
        self, tenant_id: TenantId, token_hash: bytes, now: datetime, idle: timedelta
    ) -> ExchangedSession | None:
        rows = await self._database.fetch(
            "SELECT * FROM identity_exchange_session($1, $2, $3, $4)", tenant_id, token_hash, now, idle
        )
        if not rows:
            return None
        row = rows[0]
        return ExchangedSession(row["session_id"], row["expires_at"], to_account(row))


class PostgresSessions:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def open(self, session: NewSession) -> int:
        session_id: int = await self._transaction.fetchval(
            "INSERT INTO session (tenant_id, token_hash, account_id, address_hash, user_agent, created_at,"
            " last_seen_at, idle_ends_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8) RETURNING id",
            self._tenant_id,
            session.token_hash,
            session.account_id,
            session.address_hash,
            session.user_agent,
            session.created_at,
            session.idle_ends_at,
            session.ends_at,
        )
        return session_id

    async def is_known_address(self, username_key: str, address_hash: bytes, since: datetime) -> bool:
        is_known: bool = await self._transaction.fetchval(
            "SELECT EXISTS (SELECT FROM account a JOIN session s ON s.tenant_id = a.tenant_id AND s.account_id = a.id"
            " WHERE a.tenant_id = $1 AND a.username_key = $2 AND s.address_hash = $3 AND s.created_at >= $4)",
            self._tenant_id,
            username_key,
            address_hash,
            since,
        )
        return is_known

    async def known_addresses(self, account_id: UUID, since: datetime) -> list[bytes]:
        rows = await self._transaction.fetch(
            "SELECT DISTINCT address_hash FROM session WHERE tenant_id = $1 AND account_id = $2 AND created_at >= $3",
            self._tenant_id,
            account_id,
            since,
        )
        return [bytes(row["address_hash"]) for row in rows]

    async def is_open(self, session_id: int, now: datetime) -> bool:
        found: bool = await self._transaction.fetchval(
            "SELECT EXISTS (SELECT FROM session WHERE tenant_id = $1 AND id = $2"
            " AND closed_at IS NULL AND idle_ends_at > $3 AND ends_at > $3)",
            self._tenant_id,
            session_id,
            now,
        )
        return found

    async def list_open(self, account_id: UUID, now: datetime, limit: int) -> list[OpenSession]:
        rows = await self._transaction.fetch(
            "SELECT id, created_at, last_seen_at, user_agent FROM session WHERE tenant_id = $1 AND account_id = $2"
            " AND closed_at IS NULL AND idle_ends_at > $3 AND ends_at > $3 ORDER BY last_seen_at DESC, id DESC LIMIT $4",
            self._tenant_id,
            account_id,
            now,
            limit,
        )
        return [
            OpenSession(row["id"], row["created_at"], row["last_seen_at"], row["user_agent"], is_current=False)
            for row in rows
        ]

    async def close(self, account_id: UUID, session_id: int, now: datetime) -> bool:
        closed = await self._transaction.fetchval(
            "UPDATE session SET closed_at = $4 WHERE tenant_id = $1 AND account_id = $2 AND id = $3"
            " AND closed_at IS NULL AND idle_ends_at > $4 AND ends_at > $4 RETURNING id",
            self._tenant_id,
            account_id,
            session_id,
            now,
        )
        return closed is not None

    async def close_by_token(self, token_hash: bytes, now: datetime) -> None:
        await self._transaction.execute(
            "UPDATE session SET closed_at = $3 WHERE tenant_id = $1 AND token_hash = $2 AND closed_at IS NULL",
            self._tenant_id,
            token_hash,
            now,
        )

    async def close_all(self, account_id: UUID, now: datetime, except_id: int | None = None) -> None:
        await self._transaction.execute(
            "UPDATE session SET closed_at = $3 WHERE tenant_id = $1 AND account_id = $2 AND closed_at IS NULL"
            " AND id IS DISTINCT FROM $4",
            self._tenant_id,
            account_id,
            now,
            except_id,
        )


class PostgresThrottle:
    """Counters by keyed digest; one statement locks all of an attempt, in one order, so that none waits in a ring."""

    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def lock(self, keys: Sequence[bytes], now: datetime) -> list[AttemptCounter]:
        rows = await self._transaction.fetch(
            "INSERT INTO attempt_counter AS kept (tenant_id, key, attempts, window_started_at)"
            " SELECT $1, key, 0, $3 FROM unnest($2::bytea[]) AS wanted (key) ORDER BY key"
            " ON CONFLICT (tenant_id, key) DO UPDATE SET attempts = kept.attempts"
            " RETURNING key, attempts, window_started_at, blocked_until",
            self._tenant_id,
            sorted(set(keys)),
            now,
        )
        found = {
            bytes(row["key"]): AttemptCounter(row["attempts"], row["window_started_at"], row["blocked_until"])
            for row in rows
        }
        return [found[key] for key in keys]

    async def save(self, key: bytes, counter: AttemptCounter) -> None:
        await self._transaction.execute(
            "UPDATE attempt_counter SET attempts = $3, window_started_at = $4, blocked_until = $5"
            " WHERE tenant_id = $1 AND key = $2",
            self._tenant_id,
            key,
            counter.attempts,
            counter.window_started_at,
            counter.blocked_until,
        )

    async def forget(self, keys: Sequence[bytes]) -> None:
        await self._transaction.execute(
            "DELETE FROM attempt_counter WHERE tenant_id = $1 AND key = ANY($2::bytea[])", self._tenant_id, list(keys)
        )
