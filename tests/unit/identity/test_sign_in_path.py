"""Whether a name exists changes neither what is asked of the store nor what is hashed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from identity_svc.adapters.secrets import KeyedSecrets
from identity_svc.application.ports import AccessToken, Claims, Credentials, UnitOfWork
from identity_svc.application.sign_in import SignIn, SignInPorts, sign_in
from identity_svc.domain.errors import SignInFailedError
from identity_svc.domain.people import Account
from identity_svc.domain.sessions import SessionPolicy
from identity_svc.domain.throttle import fresh_counter
from preau_kernel.clock import FixedClock
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

NOW = datetime(2025, 9, 1, 8, tzinfo=UTC)
GATEWAY = Context(TenantId(1), TenantSlug("casepilote"), "service:gateway", frozenset({"service"}))
ACCOUNT = Account(UUID(int=1), "parent.demo", "Ada", "Martin", "", "", UUID(int=2), frozenset({"guardian"}))


@dataclass
class FakeStore:
    """A unit of work that writes down what it is asked."""

    asked: list[str] = field(default_factory=list)

    def __getattr__(self, area: str) -> Any:
        return _Area(self.asked, area)

    async def commit(self) -> None:
        self.asked.append("commit")


@dataclass
class _Area:
    asked: list[str]
    area: str

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def answer(*arguments: Any, **_named: Any) -> Any:
            self.asked.append(f"{self.area}.{method}")
            match method:
                case "is_known_address":
                    return False
                case "lock":
                    return [fresh_counter(NOW) for _ in arguments[0]]
                case "credentials_by_username":
                    return Credentials(ACCOUNT, "stored") if arguments[0] == "parent.demo" else None
                case "hold_password":
                    return "stored"
                case "open":
                    return 7
                case _:
                    return None

        return answer


@dataclass
class FakeHasher:
    verified: list[str | None] = field(default_factory=list)

    def place(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash == "stored" and password == "right"

    def needs_rehash(self, password_hash: str) -> bool:
        return password_hash != "stored"


class FakeSigner:
    async def issue(self, claims: Claims, now: datetime) -> AccessToken:
        return AccessToken(f"{claims.subject} {claims.session_id}", now)

    async def jwks(self, now: datetime) -> str:
        return f"{now}"


def make_ports(store: FakeStore, hasher: FakeHasher) -> SignInPorts:
    @asynccontextmanager
    async def unit_of_work(_context: Context) -> AsyncIterator[UnitOfWork]:
        store.asked.append("begin")
        yield cast("UnitOfWork", store)

    def factory(context: Context) -> AbstractAsyncContextManager[UnitOfWork]:
        return unit_of_work(context)

    policy = SessionPolicy(timedelta(hours=2), timedelta(hours=12))
    return SignInPorts(factory, hasher, FakeSigner(), KeyedSecrets(b"k" * 32), FixedClock(NOW), policy)


async def attempt(username: str, password: str) -> tuple[list[str], list[str | None], str]:
    store, hasher = FakeStore(), FakeHasher()
    command = SignIn(username, password, "192.0.2.1", "Firefox")
    try:
        result = await sign_in(command, GATEWAY, make_ports(store, hasher))
    except SignInFailedError:
        return store.asked, hasher.verified, ""
    return store.asked, hasher.verified, result.access.text


async def test_an_unknown_name_costs_one_verification_and_the_same_statements() -> None:
    known, known_hashes, _ = await attempt("parent.demo", "wrong")
    unknown, unknown_hashes, _ = await attempt("nobody.here", "wrong")
    assert known == unknown
    assert (known_hashes, unknown_hashes) == (["stored"], [None])


async def test_the_attempt_is_counted_and_committed_before_the_password_is_looked_at() -> None:
    asked, _, _ = await attempt("parent.demo", "wrong")
    assert asked.index("throttle.save") < asked.index("commit")
    assert asked.count("begin") == asked.count("commit") == 1


async def test_the_right_password_opens_a_session_and_forgets_the_failures() -> None:
    asked, _, token = await attempt("parent.demo", "right")
    assert token == f"{ACCOUNT.id} 7"
    assert asked.index("throttle.forget") < asked.index("sessions.open")
    assert asked[-1] == "commit"


@pytest.mark.parametrize("password", ["x" * 300, "x" * 1_000_000])
async def test_an_endless_password_is_hashed_no_longer_than_the_longest_possible(password: str) -> None:
    assert (await attempt("parent.demo", password))[2] == ""
