"""Accounts and reset links in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId

from identity_svc.application.ports import Credentials
from identity_svc.domain.people import Account

_COLUMNS = "id, username, first_name, last_name, email, language, household_id, roles"


class PostgresAccounts:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def get(self, account_id: UUID) -> Account | None:
        row = await self._transaction.fetchrow(
            f"SELECT {_COLUMNS} FROM account WHERE tenant_id = $1 AND id = $2", self._tenant_id, account_id
        )
        return to_account(row) if row else None

    async def credentials(self, account_id: UUID) -> Credentials | None:
        row = await self._transaction.fetchrow(
            f"SELECT {_COLUMNS}, password_hash FROM account WHERE tenant_id = $1 AND id = $2",
            self._tenant_id,
            account_id,
        )
        return Credentials(to_account(row), row["password_hash"]) if row else None

    async def credentials_by_username(self, key: str) -> Credentials | None:
        row = await self._transaction.fetchrow(
            f"SELECT {_COLUMNS}, password_hash FROM account WHERE tenant_id = $1 AND username_key = $2",
            self._tenant_id,
            key,
        )
        return Credentials(to_account(row), row["password_hash"]) if row else None

    async def insert(self, account: Account, key: str, password_hash: str, now: datetime) -> bool:
        inserted = await self._transaction.fetchval(
            "INSERT INTO account (tenant_id, id, username, username_key, password_hash, first_name, last_name, email,"
            " language, household_id, roles, created_at, password_changed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
            " ON CONFLICT (tenant_id, username_key) DO NOTHING RETURNING id",
            self._tenant_id,
            account.id,
            account.username,
            key,
            password_hash,
            account.first_name,
            account.last_name,
            account.email,
            account.language,
            account.household_id,
            sorted(account.roles),
            now,
        )
        return inserted is not None

    async def hold_password(self, account_id: UUID) -> str | None:
        password_hash: str | None = await self._transaction.fetchval(
            "SELECT password_hash FROM account WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self._tenant_id,
            account_id,
        )
        return password_hash

    async def renew_hash(self, account_id: UUID, password_hash: str) -> None:
        await self._transaction.execute(
            "UPDATE account SET password_hash = $3 WHERE tenant_id = $1 AND id = $2",
            self._tenant_id,
            account_id,
            password_hash,
        )

    async def set_password(self, account_id: UUID, password_hash: str, now: datetime) -> None:
        await self._transaction.execute(
            "UPDATE account SET password_hash = $3, password_changed_at = $4 WHERE tenant_id = $1 AND id = $2",
            self._tenant_id,
            account_id,
            password_hash,
            now,
        )

    async def set_profile(self, account_id: UUID, email: str | None, language: str | None) -> Account | None:
        row = await self._transaction.fetchrow(
            "UPDATE account SET email = coalesce($3, email), language = coalesce($4, language)"
            f" WHERE tenant_id = $1 AND id = $2 RETURNING {_COLUMNS}",
            self._tenant_id,
            account_id,
            email,
            language,
        )
        return to_account(row) if row else None


class PostgresResets:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def insert(self, token_hash: bytes, account_id: UUID, now: datetime, expires_at: datetime) -> None:
        await self._transaction.execute(
            "INSERT INTO password_reset (tenant_id, token_hash, account_id, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            self._tenant_id,
            token_hash,
            account_id,
            now,
            expires_at,
        )

    async def account_of(self, token_hash: bytes, now: datetime) -> UUID | None:
        account_id: UUID | None = await self._transaction.fetchval(
            "SELECT account_id FROM password_reset"
            " WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3",
            self._tenant_id,
            token_hash,
            now,
        )
        return account_id

    async def use(self, token_hash: bytes, now: datetime) -> bool:
        account_id = await self._transaction.fetchval(
            "UPDATE password_reset SET used_at = $3"
            " WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING account_id",
            self._tenant_id,
            token_hash,
            now,
        )
        return account_id is not None

    async def spend_all(self, account_id: UUID, now: datetime) -> None:
        await self._transaction.execute(
            "UPDATE password_reset SET used_at = $3 WHERE tenant_id = $1 AND account_id = $2 AND used_at IS NULL",
            self._tenant_id,
            account_id,
            now,
        )


def to_account(row: Any) -> Account:
    return Account(
        id=row["id"],
        username=row["username"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
        language=row["language"],
        household_id=row["household_id"],
        roles=frozenset(row["roles"]),
    )
