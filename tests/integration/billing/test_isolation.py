"""One town never sees or changes another's rows, table by table."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import asyncpg
import pytest
from preau_chassis.consumers import RetryLater

from tests.integration.billing.town import SCHOOL_DAYS, Family, Platform, Town

TABLES = (
    "town",
    "household",
    "child",
    "activity",
    "till",
    "tariff",
    "charge_line",
    "counter",
    "document",
    "document_line",
    "invoice_state",
    "payment_attempt",
    "payment",
    "allocation",
    "alert",
    "ledger_transaction",
    "ledger_entry",
    "unpriced_booking",
    "outbox",
    "idempotency",
)


@pytest.fixture
async def busy_town(family: Family, town: Town) -> Town:
    """A town with at least one row in every table."""
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id))
    await family.pay(invoice, str(uuid4()))
    with pytest.raises(RetryLater):
        await family.hold([date(2025, 8, 29)])
    return town


async def test_every_table_has_forced_row_security_and_is_covered_here(platform: Platform) -> None:
    rows = await platform.database.fetch(
        "SELECT relname, relrowsecurity, relforcerowsecurity, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy"
        " FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
    )
    unguarded = [
        row["relname"]
        for row in rows
        if not (row["relrowsecurity"] and row["relforcerowsecurity"] and row["has_policy"])
    ]
    assert unguarded == []
    assert {row["relname"] for row in rows} == {*TABLES, "inbox"}


@pytest.mark.parametrize("table", TABLES)
async def test_another_town_reads_and_changes_nothing(busy_town: Town, table: str) -> None:
    mine = await busy_town.rows(f"SELECT count(*) AS n FROM {table}")
    assert mine[0]["n"] > 0
    stranger = await busy_town.platform.town()
    tenant = busy_town.system.tenant_id
    assert await stranger.rows(f"SELECT 1 FROM {table} WHERE tenant_id = $1", tenant) == []
    assert (
        await stranger.rows(f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = $1 RETURNING 1", tenant) == []
    )
    assert await stranger.rows(f"DELETE FROM {table} WHERE tenant_id = $1 RETURNING 1", tenant) == []


async def test_a_row_cannot_be_given_to_another_town(town: Town) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await town.rows("UPDATE town SET tenant_id = 1")


async def test_without_a_town_nothing_is_read(busy_town: Town) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await busy_town.platform.database.fetch("SELECT * FROM document")
