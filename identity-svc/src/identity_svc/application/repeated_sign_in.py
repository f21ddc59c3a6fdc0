"""A sign-in that is repeated because its answer was lost gives the same session, and nothing secret is kept for that.

Kept are, beside the request id: a keyed digest of the account, the name as typed and the password's argon2id hash (so
that another name or password is told apart without keeping anything faster to guess than the hash itself), the
session's number, its end, and a random seed. The token is not kept, not even sealed: it is the seed's digest under the
service's own secret, worked out again for who has shown the password again. Neither the database alone nor a request id
that leaked gives a session; a repeat is throttled and verified like any other attempt. The row goes after 48 hours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from preau_kernel.context import Context

from identity_svc.application.ports import SecretFactory, UnitOfWork
from identity_svc.domain.errors import KeyReusedError, SessionExpiredError
from identity_svc.domain.people import Account

_METHOD = "SignIn"


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown and found right: ``username`` as typed, ``password_hash`` as stored from now on."""

    request_id: UUID
    username: str
    account: Account
    password_hash: str


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What the first of several equal sign-ins answered."""

    session_id: int
    token: str
    expires_at: datetime


async def refuse_known(uow: UnitOfWork, request_id: UUID) -> None:
    """After a wrong name or password: ``EXISTS/IDEMPOTENCY_KEY_REUSED`` when the request id served another body."""
    if await uow.answers.is_known(_METHOD, request_id):
        raise KeyReusedError


async def claim(
    uow: UnitOfWork, context: Context, secrets: SecretFactory, shown: Shown, now: datetime
) -> FirstAnswer | None:
    """``None`` when this is the first time; call ``keep`` then. ``SESSION_EXPIRED`` when that session is over."""
    account_id = shown.account.id
    fingerprint = secrets.fingerprint(
        context.tenant_id, "sign-in-request", str(account_id), shown.username, shown.password_hash
    )
    stored = await uow.answers.claim(_METHOD, shown.request_id, fingerprint)
    if stored is None:
        return None
    kept = json.loads(stored)
    if not await uow.sessions.is_open(kept["session_id"], now):
        raise SessionExpiredError
    token = secrets.token_of(context.tenant_id, kept["seed"])
    return FirstAnswer(kept["session_id"], token, datetime.fromisoformat(kept["expires_at"]))


async def keep(uow: UnitOfWork, request_id: UUID, session_id: int, seed: str, expires_at: datetime) -> None:
    """Commits with the session."""
    answer = {"session_id": session_id, "seed": seed, "expires_at": expires_at.isoformat()}
    await uow.answers.keep(_METHOD, request_id, json.dumps(answer).encode())
