"""Trade a session for a fresh internal token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from preau_kernel.clock import Clock
from preau_kernel.context import Context

from identity_svc.application.access import require_gateway
from identity_svc.application.ports import AccessToken, SecretFactory, SessionExchange, TokenSigner
from identity_svc.application.sign_in import account_claims
from identity_svc.domain.errors import SessionExpiredError
from identity_svc.domain.people import Account
from identity_svc.domain.sessions import SessionPolicy


@dataclass(frozen=True, slots=True)
class Exchanged:
    access: AccessToken
    session_expires_at: datetime
    account: Account


@dataclass(frozen=True, slots=True)
class ExchangePorts:
    exchange: SessionExchange
    signer: TokenSigner
    secrets: SecretFactory
    clock: Clock
    sessions: SessionPolicy


async def exchange_session(session_token: str, context: Context, ports: ExchangePorts) -> Exchanged:
    """The session slides with each use, up to its fixed end; another town's session is unknown here."""
    require_gateway(context)
    now = ports.clock.now()
    token_hash = ports.secrets.token_hash(session_token)
    session = await ports.exchange.exchange(context.tenant_id, token_hash, now, ports.sessions.idle)
    if session is None:
        raise SessionExpiredError
    access = await ports.signer.issue(account_claims(session.account, context, session.id), now)
    return Exchanged(access, session.expires_at, session.account)
