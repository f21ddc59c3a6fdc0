"""Every table of every service is behind row security, and no role that runs can step around it (docs/adr/0003)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from preau_stack.databases import SERVICES, ServiceDatabase
from preau_stack.postgres import PostgresServer

# Alembic's own: one row, no town's.
NOT_A_TOWNS = {"alembic_version"}
WHOLE_TENANT = "(tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::integer AS current_setting))"

_TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull) AS has_tenant
  FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"""
_POLICIES = "SELECT tablename, policyname, permissive, roles::text[] AS roles, cmd, qual, with_check FROM pg_policies"
_KEYS = """
SELECT i.indrelid::regclass::text AS relname, i.indexrelid::regclass::text AS index
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey::smallint[]))"""
_OWNED = """
SELECT c.relname FROM pg_class c WHERE pg_get_userbyid(c.relowner) = ANY ($1)
UNION ALL SELECT p.proname FROM pg_proc p WHERE pg_get_userbyid(p.proowner) = ANY ($1)
UNION ALL SELECT n.nspname FROM pg_namespace n WHERE pg_get_userbyid(n.nspowner) = ANY ($1)
UNION ALL SELECT d.datname FROM pg_database d WHERE pg_get_userbyid(d.datdba) = ANY ($1)"""
_DEFINERS = """
SELECT p.proname FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"""

Ask = Callable[..., Any]


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, migrated: Callable[[str], ServiceDatabase]) -> str:
    migrated(request.param)
    return str(request.param)


@pytest.fixture
def ask(service: str, postgres: PostgresServer) -> Ask:
    async def fetch(sql: str, *values: object) -> list[Any]:
        connection = await asyncpg.connect(postgres.url(service))
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    return fetch


async def test_every_table_has_a_town_and_forces_row_security(service: str, ask: Ask) -> None:
    tables = [row for row in await ask(_TABLES) if row["relname"] not in NOT_A_TOWNS]
    assert len(tables) > 3
    assert {"outbox", "inbox", "idempotency"} <= {row["relname"] for row in tables}
    for row in tables:
        assert row["relrowsecurity"], row["relname"]
        assert row["relforcerowsecurity"], row["relname"]
        assert row["has_tenant"], row["relname"]
        assert row["owner"] == f"{service}_owner", row["relname"]


async def test_every_table_shows_the_app_its_own_town_only(service: str, ask: Ask) -> None:
    tables = {row["relname"] for row in await ask(_TABLES)} - NOT_A_TOWNS
    policies = await ask(_POLICIES)
    of_app = {row["tablename"]: row for row in policies if row["roles"] == [f"{service}_app"]}
    assert of_app.keys() == tables
    for name, row in of_app.items():
        assert (row["cmd"], row["qual"], row["with_check"]) == ("ALL", WHOLE_TENANT, WHOLE_TENANT), name
    others = [row for row in policies if row["roles"] != [f"{service}_app"]]
    # Who works across towns does so under its own role, never under the app's, and PUBLIC has nothing.
    assert {role for row in others for role in row["roles"]} <= {f"{service}_work"}


async def test_the_worker_writes_nothing_but_the_chassis_own_tables(service: str, ask: Ask) -> None:
    rows = await ask(
        "SELECT DISTINCT table_name FROM information_schema.role_table_grants"
        " WHERE grantee = $1 AND privilege_type <> 'SELECT'",
        f"{service}_work",
    )
    assert {row["table_name"] for row in rows} == {"outbox", "inbox", "idempotency"}


async def test_every_unique_key_names_the_town(service: str, ask: Ask) -> None:
    # `town` projections of identity hold slugs and host names that are unique over the whole deployment.
    across_towns = {"tenant", "tenant_host"} if service == "identity" else set()
    keys = [row for row in await ask(_KEYS) if row["relname"] not in NOT_A_TOWNS | across_towns]
    assert not [dict(row) for row in keys]


async def test_roles_that_run_are_plain_and_own_nothing(service: str, ask: Ask) -> None:
    names = [f"{service}_app", f"{service}_work"]
    roles = await ask(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
        " WHERE rolname = ANY ($1)",
        [*names, f"{service}_owner"],
    )
    assert len(roles) == 3
    assert not [row["rolname"] for row in roles if any(list(row.values())[1:])]
    assert await ask(_OWNED, names) == []
    granted = await ask(
        "SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE pg_get_userbyid(member) = ANY ($1)", names
    )
    assert granted == []


async def test_no_function_lends_its_owners_rights(ask: Ask) -> None:
    assert await ask(_DEFINERS) == []
