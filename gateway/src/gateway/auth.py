"""Who the visitor is: from the session cookie of pages or the Bearer token of the JSON API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from preau.identity.v1.identity_service_pb2 import Account, ExchangeSessionRequest, SignInResponse
from preau_kernel.errors import DomainError, ErrorKind, ForbiddenError

from gateway.cache import ExpiringCache
from gateway.security import AnyResponse, Connection, read_cookie, write_cookie
from gateway.signing import fingerprint

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from preau_kernel.clock import Clock

    from gateway.clients import Clients
    from gateway.town import Town

SESSION_COOKIE = "preau_session"
_MARGIN_SECONDS = 30.0
_ENDED_SECONDS = 30.0
_MEMORY_SECONDS = 24 * 3600.0
_ROUNDING = timedelta(seconds=90)
_SESSIONS = 20_000
_TOKEN_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind a request; signed out, every text is empty and there is no account."""

    session_token: str = ""
    token: str = ""
    account: Account | None = None
    had_session: bool = False
    """Whether a session came with the request that is over now."""
    is_bearer: bool = False
    session_ends_at: datetime | None = None
    """When the session ends if nothing more is done."""
    idle_minutes: int = 0
    """How long nothing was done, when that is what ended the session."""

    @property
    def is_signed_in(self) -> bool:
        return self.account is not None

    @property
    def account_id(self) -> str:
        return self.account.id if self.account else ""

    @property
    def household_id(self) -> str:
        return self.account.household_id if self.account else ""

    @property
    def first_name(self) -> str:
        return self.account.first_name if self.account else ""

    @property
    def session_key(self) -> str:
        """Names the session without revealing it."""
        return fingerprint(self.session_token) if self.session_token else ""


@dataclass(frozen=True, slots=True)
class _Open:
    access_token: str
    account: Account
    session_ends_at: datetime


class _Ended:
    """A session token that identity does not know, or no longer."""


class Sessions:
    """Internal tokens by session: one call to identity every few minutes, none in between."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._cache: ExpiringCache[str, _Open | _Ended] = ExpiringCache(_SESSIONS)
        self._ends: ExpiringCache[str, tuple[datetime, timedelta]] = ExpiringCache(_SESSIONS)
        self._idle = timedelta()

    async def visitor(self, town: Town, session_token: str, *, is_bearer: bool) -> Visitor:
        """Signed in when the session is open in this town, signed out otherwise."""
        if not 0 < len(session_token) <= _TOKEN_LENGTH or not session_token.isascii():
            return Visitor(had_session=bool(session_token), is_bearer=is_bearer)
        key = _key(town, session_token)
        found = await self._cache.get(key, lambda: self._exchange(town, session_token))
        if isinstance(found, _Open):
            ends_at = found.session_ends_at
            return Visitor(
                session_token, found.access_token, found.account, is_bearer=is_bearer, session_ends_at=ends_at
            )
        return Visitor(had_session=True, is_bearer=is_bearer, idle_minutes=self._idle_minutes(key))

    def remembered(self, town: Town, session_token: str) -> Visitor | None:
        """The visitor without asking anybody, when the session was seen a moment ago."""
        found = self._cache.peek(_key(town, session_token))
        if not isinstance(found, _Open):
            return None
        return Visitor(session_token, found.access_token, found.account, session_ends_at=found.session_ends_at)

    async def prolong(self, town: Town, session_token: str) -> Visitor:
        """The visitor, after identity has heard that somebody is there."""
        self.forget_session(town, session_token)
        return await self.visitor(town, session_token, is_bearer=False)

    def remember(self, town: Town, answer: SignInResponse) -> Visitor:
        """Take the internal token that came with the sign-in, so that no second call is needed."""
        key = _key(town, answer.session_token)
        ends_at = self._remember_end(key, answer.session_expires_at)
        entry = _Open(answer.access_token, answer.account, ends_at)
        self._cache.put(key, entry, self._seconds(answer.access_expires_at))
        return Visitor(answer.session_token, answer.access_token, answer.account, session_ends_at=ends_at)

    def forget_session(self, town: Town, session_token: str) -> None:
        self._cache.drop(_key(town, session_token))

    def forget_account(self, account_id: str) -> None:
        """Ask identity again for every session of an account: one was closed, or its password or language changed."""
        self._cache.drop_where(lambda entry: isinstance(entry, _Open) and entry.account.id == account_id)

    async def _exchange(self, town: Town, session_token: str) -> tuple[_Open | _Ended, float]:
        service_token = await self._clients.service_token(town.slug)
        try:
            answer = await self._clients.identity.exchange_session(
                service_token, ExchangeSessionRequest(session_token=session_token)
            )
        except DomainError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED and error.reason == "SESSION_EXPIRED":
                return _Ended(), _ENDED_SECONDS
            raise
        ends_at = self._remember_end(_key(town, session_token), answer.session_expires_at)
        return _Open(answer.access_token, answer.account, ends_at), self._seconds(answer.access_expires_at)

    def _remember_end(self, key: str, end: Timestamp) -> datetime:
        ends_at: datetime = end.ToDatetime(tzinfo=UTC)
        left = ends_at - self._clock.now()
        self._idle = max(self._idle, left)
        self._ends.put(key, (ends_at, left), left.total_seconds() + _MEMORY_SECONDS)
        return ends_at

    def _idle_minutes(self, key: str) -> int:
        """Identity never says why a session is over. It was idleness when the hour it told has passed and no
        fixed end had shortened it; otherwise (closed elsewhere, new password) nothing is claimed.
        """
        ends_at, granted = self._ends.peek(key) or (None, timedelta())
        if ends_at is None or ends_at > self._clock.now() or granted < self._idle - _ROUNDING:
            return 0
        return round(self._idle.total_seconds() / 60)

    def _seconds(self, end: Timestamp) -> float:
        left: datetime = end.ToDatetime(tzinfo=UTC)
        return (left - self._clock.now()).total_seconds() - _MARGIN_SECONDS


def _key(town: Town, session_token: str) -> str:
    return fingerprint(f"{town.number}:{session_token}")


def bearer_of(connection: Connection) -> str | None:
    """The token of an Authorization header, ``None`` without one."""
    header = connection.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def visitor_of(connection: Connection) -> Visitor:
    """The visitor of this request; asked once, however many parts want to know."""
    state: dict[str, Any] = connection.scope["state"]
    known: Visitor | None = state.get("visitor")
    if known is not None:
        return known
    bearer = bearer_of(connection)
    token = read_cookie(connection, SESSION_COOKIE) if bearer is None else bearer
    visitor = Visitor()
    if token:
        sessions: Sessions = connection.app.state.sessions
        visitor = await sessions.visitor(state["town"], token, is_bearer=bearer is not None)
    state["visitor"] = visitor
    return visitor


def recall_visitor(connection: Connection) -> None:
    """For a page that says what failed before anyone asked who is there: who it was a moment ago."""
    state: dict[str, Any] = connection.scope["state"]
    if state.get("visitor") is not None or state.get("town") is None:
        return
    if token := read_cookie(connection, SESSION_COOKIE):
        sessions: Sessions = connection.app.state.sessions
        state["visitor"] = sessions.remembered(state["town"], token)


async def require_family(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: a signed-in member of a household."""
    visitor = await visitor_of(connection)
    if not visitor.is_signed_in:
        raise _signed_out(visitor)
    if not visitor.household_id:
        raise ForbiddenError("NO_HOUSEHOLD")


async def require_signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: anybody signed in."""
    visitor = await visitor_of(connection)
    if not visitor.is_signed_in:
        raise _signed_out(visitor)


def _signed_out(visitor: Visitor) -> DomainError:
    if not visitor.had_session:
        return DomainError(ErrorKind.UNAUTHENTICATED, "SIGN_IN_REQUIRED")
    facts = {"idle_minutes": str(visitor.idle_minutes)} if visitor.idle_minutes else {}
    return DomainError(ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED", **facts)


def start_session(response: AnyResponse, connection: Connection, answer: SignInResponse) -> Visitor:
    """Keep the session in the browser, as long as it is open; identity decides when it ends."""
    write_cookie(response, connection, SESSION_COOKIE, answer.session_token)
    sessions: Sessions = connection.app.state.sessions
    return sessions.remember(connection.scope["state"]["town"], answer)


def end_session(response: AnyResponse, connection: Connection) -> None:
    """Forget the session here; the caller has asked identity to close it."""
    token = read_cookie(connection, SESSION_COOKIE)
    if token:
        sessions: Sessions = connection.app.state.sessions
        sessions.forget_session(connection.scope["state"]["town"], token)
    write_cookie(response, connection, SESSION_COOKIE, "", max_age=0)


async def prolong_session(connection: Connection) -> Visitor:
    """« Rester connecté(e) »: the session slides now, not when the internal token is next renewed."""
    sessions: Sessions = connection.app.state.sessions
    return await sessions.prolong(connection.scope["state"]["town"], read_cookie(connection, SESSION_COOKIE))


def forget_account(connection: Connection, account_id: str) -> None:
    """After CloseSession, ChangePassword or UpdateAccount: cached tokens of this account are asked for anew."""
    sessions: Sessions = connection.app.state.sessions
    sessions.forget_account(account_id)


def forget_visitor(connection: Connection) -> None:
    """A service refused the visitor's internal token: ask identity for another one next time."""
    visitor: Visitor | None = connection.scope["state"].get("visitor")
    if visitor is not None and visitor.session_token:
        sessions: Sessions = connection.app.state.sessions
        sessions.forget_session(connection.scope["state"]["town"], visitor.session_token)
