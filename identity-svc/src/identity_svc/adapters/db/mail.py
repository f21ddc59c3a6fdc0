"""The queue of letters to write, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from preau_chassis.database import Database
from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId

from identity_svc.application.ports import LeasedMail, MailOrder, MailOutcome


class PostgresMailQueue:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def add(self, order: MailOrder, now: datetime) -> None:
        await self._transaction.execute(
            "INSERT INTO mail (tenant_id, kind, username_key, account_id, reset_url, created_at, due_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6)",
            self._tenant_id,
            order.kind,
            order.username_key,
            order.account_id,
            order.reset_url,
            now,
        )

    async def lease(self, mail_id: int, now: datetime, until: datetime) -> LeasedMail | None:
        row = await self._transaction.fetchrow(
            "UPDATE mail SET due_at = $4, attempts = attempts + 1 WHERE tenant_id = $1 AND id = $2"
            " AND finished_at IS NULL AND due_at <= $3"
            " RETURNING kind, username_key, account_id, reset_url, attempts, created_at",
            self._tenant_id,
            mail_id,
            now,
            until,
        )
        if row is None:
            return None
        order = MailOrder(row["kind"], row["username_key"], row["account_id"], row["reset_url"])
        return LeasedMail(order, row["attempts"], row["created_at"])

    async def finish(self, mail_id: int, outcome: MailOutcome, now: datetime) -> None:
        await self._transaction.execute(
            "UPDATE mail SET finished_at = $4, outcome = $3, username_key = '', account_id = NULL, reset_url = ''"
            " WHERE tenant_id = $1 AND id = $2",
            self._tenant_id,
            mail_id,
            outcome,
            now,
        )

    async def postpone(self, mail_id: int, due_at: datetime) -> None:
        await self._transaction.execute(
            "UPDATE mail SET due_at = $3 WHERE tenant_id = $1 AND id = $2", self._tenant_id, mail_id, due_at
        )


class PostgresDueWork:
    """Looks across towns with the worker's role, which may read the queue and nothing else."""

    def __init__(self, work_database: Database) -> None:
        self._database = work_database

    async def due_mail(self, now: datetime, limit: int) -> list[tuple[TenantId, int]]:
        rows = await self._database.fetch(
            "SELECT tenant_id, id FROM mail WHERE finished_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
            now,
            limit,
        )
        return [(TenantId(row["tenant_id"]), row["id"]) for row in rows]

    async def waiting_since(self, instant: datetime) -> int:
        return int(
            await self._database.fetchval(
                "SELECT count(*) FROM mail WHERE finished_at IS NULL AND created_at < $1", instant
            )
        )


class PostgresHousekeeping:
    """Deletes what has served."""

    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def purge(self, now: datetime, keep_sessions: timedelta, keep_others: timedelta) -> None:
        await self._transaction.execute(
            "DELETE FROM session WHERE tenant_id = $1 AND created_at < $2 AND ends_at < $3",
            self._tenant_id,
            now - keep_sessions,
            now,
        )
        for statement in (
            "DELETE FROM password_reset WHERE tenant_id = $1 AND expires_at < $2",
            "DELETE FROM mail WHERE tenant_id = $1 AND finished_at < $2",
            "DELETE FROM attempt_counter WHERE tenant_id = $1 AND greatest(window_started_at, blocked_until) < $2",
        ):
            await self._transaction.execute(statement, self._tenant_id, now - keep_others)
