"""Accounts and open sessions for thousands, without an argon2id of each.

The accounts are as identity makes them, with one hash of the usual cost that all share: signing in costs what it costs.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import asyncpg
from bench_platform import Platform
from bench_town import PASSWORD
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.domain.passwords import normalise_password
from identity_svc.settings import IdentitySettings

_ACCOUNTS = """
INSERT INTO account (tenant_id, id, username, username_key, password_hash, password_changed_at, first_name, last_name,
                     email, language, household_id, roles, created_at)
SELECT h.tenant_id, gen_random_uuid(), n.username, n.username, $2, $3, g.first_name, g.last_name, g.email, '', h.id, '{guardian}', $3
FROM tenant t
JOIN household h ON h.tenant_id = t.tenant_id
JOIN guardian g ON g.tenant_id = h.tenant_id AND g.household_id = h.id AND g.position = 0,
LATERAL (SELECT replace(h.external_ref, 'bench-', 'famille') AS username) n
WHERE t.slug = ANY($1)
"""
_NAMES = """
SELECT t.slug, a.tenant_id, a.id, a.username FROM tenant t JOIN account a ON a.tenant_id = t.tenant_id WHERE t.slug = ANY($1)
"""
_SESSIONS = """
INSERT INTO session (tenant_id, token_hash, account_id, address_hash, user_agent, created_at, last_seen_at,
                     idle_ends_at, ends_at)
SELECT tenant_id, token_hash, account_id, '', 'load', $4, $4, $5, $5
FROM unnest($1::int[], $2::bytea[], $3::uuid[]) AS s(tenant_id, token_hash, account_id)
"""


async def open_accounts(platform: Platform, slugs: list[str], now: datetime) -> None:
    """One account for each household of these towns: user name of the benchmark's families, password of all."""
    cost = {
        name: IdentitySettings.model_fields[f"password_{name}"].default
        for name in ("memory_kib", "iterations", "lanes")
    }
    password_hash = await Argon2Hasher(**cost).hash(normalise_password(PASSWORD))
    connection = await asyncpg.connect(platform.database_url("identity"))
    try:
        await connection.execute(_ACCOUNTS, slugs, password_hash, now)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def open_sessions(platform: Platform, slugs: list[str], now: datetime) -> dict[tuple[str, str], str]:
    """A session for every account, as if signed in ``now``: tokens by town and user name."""
    connection = await asyncpg.connect(platform.database_url("identity"))
    try:
        rows = await connection.fetch(_NAMES, slugs)
        tokens = [secrets.token_urlsafe(32) for _ in rows]
        hashes = [hashlib.sha256(token.encode()).digest() for token in tokens]
        tenants, accounts = [row["tenant_id"] for row in rows], [row["id"] for row in rows]
        await connection.execute(_SESSIONS, tenants, hashes, accounts, now, now + timedelta(hours=8))
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return {(row["slug"], row["username"]): token for row, token in zip(rows, tokens, strict=True)}
