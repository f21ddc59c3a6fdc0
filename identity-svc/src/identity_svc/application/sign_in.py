"""Open a session for a user name and a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError

from identity_svc.application.access import require_gateway
from identity_svc.application.attempts import (
    ADDRESS_IS_KNOWN_FOR,
    Limit,
    address_key,
    name_key,
    register,
    settle,
)
from identity_svc.application.ports import (
    AccessToken,
    Claims,
    Credentials,
    NewSession,
    PasswordHasher,
    SecretFactory,
    TokenSigner,
    UnitOfWork,
    UnitOfWorkFactory,
)
from identity_svc.application.repeated_sign_in import FirstAnswer, Shown, claim, keep, refuse_known
from identity_svc.domain.errors import SignInFailedError
from identity_svc.domain.passwords import MAXIMUM_LENGTH, normalise_password
from identity_svc.domain.people import Account, storable, username_key
from identity_svc.domain.sessions import SessionPolicy
from identity_svc.domain.throttle import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS

LONGEST_USER_AGENT = 300
# The account's hash may become another one while it is looked at; once more is enough for a twin that renewed it.
_TRIES = 2


@dataclass(frozen=True, slots=True)
class SignIn:
    username: str
    password: str
    client_address: str
    user_agent: str
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    session_token: str
    session_expires_at: datetime
    access: AccessToken
    account: Account
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class SignInPorts:
    uow_factory: UnitOfWorkFactory
    hasher: PasswordHasher
    signer: TokenSigner
    secrets: SecretFactory
    clock: Clock
    sessions: SessionPolicy


@dataclass(frozen=True, slots=True)
class _Checked:
    credentials: Credentials | None
    account_limit: Limit
    address_limit: Limit | None
    address_hash: bytes


async def sign_in(command: SignIn, context: Context, ports: SignInPorts) -> SignedIn:
    """The same statements, the same hash and the same answer whether the name exists or not.

    Two transactions, not one: the attempt must count even when the sign-in fails, and hashing holds no row.
    """
    require_gateway(context)
    now = ports.clock.now()
    # Before the attempt is counted: who is sent away unheard has not guessed.
    with ports.hasher.place():
        async with ports.uow_factory(context) as uow:
            checked = await _register_attempt(uow, command, context, ports.secrets, now)
            await uow.commit()
        password = normalise_password(command.password[: MAXIMUM_LENGTH + 1])
        credentials = checked.credentials
        is_right = await _is_right(credentials, password, ports.hasher)
    for _ in range(_TRIES):
        if credentials is None or not is_right:
            if command.request_id:
                async with ports.uow_factory(context) as uow:
                    await refuse_known(uow, command.request_id)
            raise SignInFailedError
        signed_in = await _finish(command, context, ports, checked, credentials, password, now)
        if signed_in:
            return signed_in
        async with ports.uow_factory(context) as uow:
            credentials = await uow.accounts.credentials(credentials.account.id)
        is_right = await _is_right(credentials, password, ports.hasher)
    raise ConflictError


async def _is_right(credentials: Credentials | None, password: str, hasher: PasswordHasher) -> bool:
    return await hasher.verify(credentials.password_hash if credentials else None, password)


async def _finish(
    command: SignIn,
    context: Context,
    ports: SignInPorts,
    checked: _Checked,
    credentials: Credentials,
    password: str,
    now: datetime,
) -> SignedIn | None:
    """``None`` when the hash that was verified is not the account's any more: changed, reset, or renewed by a twin."""
    account, stored = credentials.account, credentials.password_hash
    rehash = await ports.hasher.hash(password) if ports.hasher.needs_rehash(stored) else None
    async with ports.uow_factory(context) as uow:
        # Held to the end: a reset that comes now closes this session too, one that came before is seen here.
        if await uow.accounts.hold_password(account.id) != stored:
            return None
        answer = None
        if command.request_id:
            shown = Shown(command.request_id, command.username, account, rehash or stored)
            answer = await claim(uow, context, ports.secrets, shown, now)
        await settle(uow.throttle, checked.account_limit, checked.address_limit, now)
        if rehash:
            await uow.accounts.renew_hash(account.id, rehash)
        is_repeated = answer is not None
        if answer is None:
            answer = await _open_session(uow, command, context, ports, checked.address_hash, account, now)
        await uow.commit()
    access = await ports.signer.issue(account_claims(account, context, answer.session_id), now)
    return SignedIn(answer.token, answer.expires_at, access, account, is_repeated)


async def _open_session(
    uow: UnitOfWork,
    command: SignIn,
    context: Context,
    ports: SignInPorts,
    address_hash: bytes,
    account: Account,
    now: datetime,
) -> FirstAnswer:
    seed = ports.secrets.new_token()
    token = ports.secrets.token_of(context.tenant_id, seed) if command.request_id else seed
    expires_at = ports.sessions.expires_at(now, now)
    session_id = await uow.sessions.open(
        NewSession(
            token_hash=ports.secrets.token_hash(token),
            account_id=account.id,
            address_hash=address_hash,
            user_agent=storable(command.user_agent)[:LONGEST_USER_AGENT],
            created_at=now,
            idle_ends_at=expires_at,
            ends_at=ports.sessions.ends_at(now),
        )
    )
    if command.request_id:
        await keep(uow, command.request_id, session_id, seed, expires_at)
    return FirstAnswer(session_id, token, expires_at)


def account_claims(account: Account, context: Context, session_id: int) -> Claims:
    """What an internal token says of someone who signed in."""
    return Claims(
        subject=str(account.id),
        tenant_id=context.tenant_id,
        tenant_slug=context.tenant_slug,
        roles=account.roles,
        household_id=str(account.household_id) if account.household_id else "",
        session_id=str(session_id),
    )


async def _register_attempt(
    uow: UnitOfWork, command: SignIn, context: Context, secrets: SecretFactory, now: datetime
) -> _Checked:
    name = username_key(command.username)
    address = address_key(command.client_address)
    address_hash = secrets.fingerprint(context.tenant_id, "address", address)
    is_known = bool(address) and await uow.sessions.is_known_address(name, address_hash, now - ADDRESS_IS_KNOWN_FOR)
    account_key = name_key(secrets, context.tenant_id, "sign-in", name, address_hash if is_known else b"")
    account_limit = Limit(account_key, SIGN_IN_BY_ACCOUNT)
    address_limit = (
        Limit(secrets.fingerprint(context.tenant_id, "sign-in-address", address), SIGN_IN_BY_ADDRESS)
        if address
        else None
    )
    await register(uow.throttle, [limit for limit in (account_limit, address_limit) if limit], now)
    credentials = await uow.accounts.credentials_by_username(name)
    return _Checked(credentials, account_limit, address_limit, address_hash)
