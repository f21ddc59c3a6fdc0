"""What the use cases need from the world."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from identity_svc.domain.events import DomainEvent
from identity_svc.domain.people import Account, Household
from identity_svc.domain.sessions import OpenSession
from identity_svc.domain.tenants import Tenant
from identity_svc.domain.throttle import AttemptCounter


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with the hash its password is checked against."""

    account: Account
    password_hash: str


@dataclass(frozen=True, slots=True)
class NewSession:
    token_hash: bytes
    account_id: UUID
    address_hash: bytes
    user_agent: str
    created_at: datetime
    idle_ends_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ExchangedSession:
    """A live session, slid, with whom it belongs to."""

    id: int
    expires_at: datetime
    account: Account


MailKind = Literal["password_reset", "password_changed"]
MailOutcome = Literal["sent", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class MailOrder:
    """A letter to write. It names the account by user name or id; which address that is, the worker finds out."""

    kind: MailKind
    username_key: str = ""
    account_id: UUID | None = None
    reset_url: str = ""


@dataclass(frozen=True, slots=True)
class LeasedMail:
    order: MailOrder
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom an internal token speaks for."""

    subject: str
    tenant_id: TenantId
    tenant_slug: TenantSlug
    roles: frozenset[str]
    household_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed internal token."""

    text: str
    expires_at: datetime


class TenantDirectory(Protocol):
    """Towns as anybody may find them, before a town is known."""

    async def by_host(self, host: str, local_slug: str) -> Tenant | None: ...
    async def by_slug(self, slug: str) -> Tenant | None: ...
    async def by_number(self, number: TenantId) -> Tenant | None: ...
    async def all(self) -> list[Tenant]: ...
    async def next_number(self) -> TenantId: ...


class TenantRepository(Protocol):
    async def lock_directory(self) -> None:
        """One change of the directory at a time: host names are unique across towns."""
        ...

    async def by_slug(self, slug: str) -> Tenant | None: ...
    async def taken_host(self, hosts: Sequence[str]) -> str | None:
        """One of ``hosts`` that another town has."""
        ...

    async def save(self, tenant: Tenant, now: datetime) -> None: ...


class ThrottleRepository(Protocol):
    async def lock(self, keys: Sequence[bytes], now: datetime) -> list[AttemptCounter]:
        """The counters of ``keys``, in their order, locked until the transaction ends; fresh ones where there was none."""
        ...

    async def save(self, key: bytes, counter: AttemptCounter) -> None: ...
    async def forget(self, keys: Sequence[bytes]) -> None: ...


class AccountRepository(Protocol):
    async def get(self, account_id: UUID) -> Account | None: ...
    async def credentials(self, account_id: UUID) -> Credentials | None: ...
    async def credentials_by_username(self, key: str) -> Credentials | None: ...
    async def insert(self, account: Account, key: str, password_hash: str, now: datetime) -> bool:
        """False when the user name is taken."""
        ...

    async def hold_password(self, account_id: UUID) -> str | None:
        """The present hash, which stays what it is until the transaction ends."""
        ...

    async def renew_hash(self, account_id: UUID, password_hash: str) -> None:
        """Another hash of the same password."""
        ...

    async def set_password(self, account_id: UUID, password_hash: str, now: datetime) -> None: ...
    async def set_profile(self, account_id: UUID, email: str | None, language: str | None) -> Account | None:
        """``None`` leaves a field as it is; the account as it is now, ``None`` when there is none."""
        ...


class SessionRepository(Protocol):
    async def open(self, session: NewSession) -> int: ...
    async def is_known_address(self, username_key: str, address_hash: bytes, since: datetime) -> bool:
        """Whether this account was signed in to from this address lately."""
        ...

    async def known_addresses(self, account_id: UUID, since: datetime) -> list[bytes]:
        """The addresses this account was signed in to from lately."""
        ...

    async def list_open(self, account_id: UUID, now: datetime, limit: int) -> list[OpenSession]:
        """Latest first; ``is_current`` is left false."""
        ...

    async def is_open(self, session_id: int, now: datetime) -> bool: ...

    async def close(self, account_id: UUID, session_id: int, now: datetime) -> bool: ...
    async def close_by_token(self, token_hash: bytes, now: datetime) -> None: ...
    async def close_all(self, account_id: UUID, now: datetime, except_id: int | None = None) -> None: ...


class ResetRepository(Protocol):
    async def insert(self, token_hash: bytes, account_id: UUID, now: datetime, expires_at: datetime) -> None: ...
    async def account_of(self, token_hash: bytes, now: datetime) -> UUID | None:
        """Whose link this is, while it is unused and young."""
        ...

    async def use(self, token_hash: bytes, now: datetime) -> bool:
        """Spend the link; False when it was no longer valid."""
        ...

    async def spend_all(self, account_id: UUID, now: datetime) -> None:
        """No link that this account was sent serves any more."""
        ...


class HouseholdRepository(Protocol):
    async def by_id(self, household_id: UUID) -> Household | None: ...
    async def by_external_ref(self, external_ref: str) -> Household | None: ...
    async def insert(self, household: Household) -> bool:
        """False when the reference is known already."""
        ...


class MailQueue(Protocol):
    async def add(self, order: MailOrder, now: datetime) -> None: ...
    async def lease(self, mail_id: int, now: datetime, until: datetime) -> LeasedMail | None:
        """The order if it is due, kept from other workers until ``until``; counts one attempt."""
        ...

    async def finish(self, mail_id: int, outcome: MailOutcome, now: datetime) -> None:
        """End it and empty it: nothing personal stays in the queue."""
        ...

    async def postpone(self, mail_id: int, due_at: datetime) -> None: ...


class Housekeeping(Protocol):
    async def purge(self, now: datetime, keep_sessions: timedelta, keep_others: timedelta) -> None: ...


class AnswerRepository(Protocol):
    """What commands answered, for who repeats one."""

    async def is_known(self, method: str, request_id: UUID) -> bool: ...
    async def claim(self, method: str, request_id: UUID, fingerprint: bytes) -> bytes | None:
        """``None`` when the id is ours now, else the first answer; ``EXISTS/IDEMPOTENCY_KEY_REUSED`` for another body.

        A twin that still runs is waited for.
        """
        ...

    async def keep(self, method: str, request_id: UUID, answer: bytes) -> None: ...


class UnitOfWork(Protocol):
    """One transaction for one town; leaving it without ``commit`` undoes everything."""

    @property
    def tenants(self) -> TenantRepository: ...
    @property
    def throttle(self) -> ThrottleRepository: ...
    @property
    def accounts(self) -> AccountRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def resets(self) -> ResetRepository: ...
    @property
    def households(self) -> HouseholdRepository: ...
    @property
    def mail(self) -> MailQueue: ...
    @property
    def answers(self) -> AnswerRepository: ...
    @property
    def housekeeping(self) -> Housekeeping: ...

    def publish(self, event: DomainEvent) -> None: ...
    async def commit(self) -> None: ...


class UnitOfWorkFactory(Protocol):
    def __call__(self, context: Context) -> AbstractAsyncContextManager[UnitOfWork]: ...


class SessionExchange(Protocol):
    """On the path of every page: one round trip."""

    async def exchange(
        self, tenant_id: TenantId, token_hash: bytes, now: datetime, idle: timedelta
    ) -> ExchangedSession | None: ...


class PasswordHasher(Protocol):
    """Slow on purpose; a bounded number run at once."""

    def place(self) -> AbstractContextManager[None]:
        """A place in the line for one ``verify``; ``SIGN_IN_BUSY`` when its turn would come too late for the caller."""
        ...

    async def hash(self, password: str) -> str: ...
    async def verify(self, password_hash: str | None, password: str) -> bool:
        """As slow for ``None`` (no such account) as for a real hash, and then False."""
        ...

    def needs_rehash(self, password_hash: str) -> bool: ...


class TokenSigner(Protocol):
    async def issue(self, claims: Claims, now: datetime) -> AccessToken: ...
    async def jwks(self, now: datetime) -> str:
        """The public keys, as JSON text."""
        ...


class SecretFactory(Protocol):
    """Unguessable texts, and the keyed or plain digests kept of them."""

    def new_token(self) -> str: ...
    def token_of(self, tenant_id: TenantId, seed: str) -> str:
        """The token of a random ``seed``: always the same, and not to be had from the seed without the service's secret."""
        ...

    def token_hash(self, token: str) -> bytes: ...
    def fingerprint(self, tenant_id: TenantId, *parts: str) -> bytes:
        """A keyed digest: an address or a name cannot be found back by trying them all."""
        ...
