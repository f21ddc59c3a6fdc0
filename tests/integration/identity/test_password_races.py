"""What happens while a password is being looked at: that takes long enough for another command to come between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from identity_svc.adapters.db.unit_of_work import PostgresUnitOfWorkFactory
from identity_svc.adapters.keys import Ed25519Signer, SigningKeys
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.adapters.secrets import KeyedSecrets, derive_key, load_master_key
from identity_svc.application.attempts import Limit, name_key, register, settle
from identity_svc.application.change_password import ChangePassword, change_password
from identity_svc.application.reset_password import ResetPassword, reset_password
from identity_svc.application.sign_in import SignedIn, SignIn, SignInPorts, sign_in
from identity_svc.domain.errors import ResetLinkInvalidError, SignInFailedError
from identity_svc.domain.sessions import SessionPolicy
from identity_svc.domain.throttle import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS
from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError
from preau_kernel.ids import TenantId, TenantSlug
from preau_stack.testing import TestParts

from tests.integration.identity.world import PASSWORD, Town, minutes

NEW_PASSWORD = "Nouveau-Secret-77"
Event = Callable[[], Awaitable[object]]


@dataclass
class InterruptedHasher:
    """argon2id, and once, after the first verification, something else that happens."""

    inner: Argon2Hasher
    meanwhile: Event | None = None

    def place(self) -> AbstractContextManager[None]:
        return self.inner.place()

    async def hash(self, password: str) -> str:
        return await self.inner.hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        is_right = await self.inner.verify(password_hash, password)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            await meanwhile()
        return is_right

    def needs_rehash(self, password_hash: str) -> bool:
        return self.inner.needs_rehash(password_hash)


@dataclass
class Desk:
    """The use cases of one town, on the real store."""

    town: Town
    ports: SignInPorts

    @property
    def gateway(self) -> Context:
        return Context(
            TenantId(self.town.number), TenantSlug(self.town.slug), "service:gateway", frozenset({"service"})
        )

    async def sign_in(
        self, password: str = PASSWORD, meanwhile: Event | None = None, request_id: UUID | None = None
    ) -> SignedIn:
        ports = replace(self.ports, hasher=InterruptedHasher(self.hasher, meanwhile))
        command = SignIn("parent.demo", password, "192.0.2.1", "Firefox", request_id)
        return await sign_in(command, self.gateway, ports)

    async def link(self) -> str:
        token, now = self.ports.secrets.new_token(), self.ports.clock.now()
        async with self.ports.uow_factory(self.gateway) as uow:
            credentials = await uow.accounts.credentials_by_username("parent.demo")
            assert credentials is not None
            token_hash = self.ports.secrets.token_hash(token)
            await uow.resets.insert(token_hash, credentials.account.id, now, now + minutes(60))
            await uow.commit()
        return token

    async def reset(self, token: str, password: str = NEW_PASSWORD) -> None:
        ports = self.ports
        command = ResetPassword(token, password)
        await reset_password(command, self.gateway, ports.uow_factory, self.hasher, ports.secrets, ports.clock)

    async def change(self, who: SignedIn, new: str, meanwhile: Event | None = None) -> None:
        ports, hasher = self.ports, InterruptedHasher(self.hasher, meanwhile)
        caller = replace(self.gateway, actor=str(who.account.id), roles=who.account.roles)
        command = ChangePassword(PASSWORD, new, "")
        await change_password(command, caller, ports.uow_factory, hasher, ports.secrets, ports.clock)

    async def age_the_hash(self) -> None:
        old = await Argon2Hasher(memory_kib=64, iterations=1).hash(PASSWORD)
        async with self.town.world.connect(self.town.number) as connection:
            await connection.execute("UPDATE account SET password_hash = $1", old)

    @property
    def hasher(self) -> Argon2Hasher:
        assert isinstance(self.ports.hasher, Argon2Hasher)
        return self.ports.hasher


@pytest.fixture
async def desk(family: Town, parts: TestParts) -> AsyncIterator[Desk]:
    master = load_master_key(Path(parts.environment("identity")["PREAU_SIGNING_KEY_DIR"]))
    database = Database(family.world.database.app_url, pool_size=4)
    ports = SignInPorts(
        uow_factory=PostgresUnitOfWorkFactory(database),
        hasher=Argon2Hasher(memory_kib=1024, iterations=2),
        signer=Ed25519Signer(SigningKeys(database, derive_key(master, "signing keys"))),
        secrets=KeyedSecrets(master),
        clock=family.world.clock,
        sessions=SessionPolicy(minutes(120), minutes(720)),
    )
    yield Desk(family, ports)
    await database.close()


async def open_sessions(desk: Desk) -> int:
    async with desk.town.world.connect(desk.town.number) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM session WHERE closed_at IS NULL"))


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_sign_in_with_the_old_password_opens_nothing_once_it_was_reset(desk: Desk, is_old: bool) -> None:
    token = await desk.link()
    if is_old:
        await desk.age_the_hash()
    with pytest.raises(SignInFailedError):
        await desk.sign_in(meanwhile=lambda: desk.reset(token))
    assert await open_sessions(desk) == 0
    assert (await desk.sign_in(NEW_PASSWORD)).session_token


async def test_two_sign_ins_that_renew_the_hash_at_once_both_succeed(desk: Desk) -> None:
    await desk.age_the_hash()
    request_id = uuid4()
    firsts: list[SignedIn] = []

    async def twin() -> None:
        firsts.append(await desk.sign_in(request_id=request_id))

    second = await desk.sign_in(meanwhile=twin, request_id=request_id)
    assert second.is_repeated
    assert second.session_token == firsts[0].session_token
    assert await open_sessions(desk) == 1


async def test_a_change_that_a_reset_overtook_changes_nothing(desk: Desk) -> None:
    who, token = await desk.sign_in(), await desk.link()
    with pytest.raises(ConflictError):
        await desk.change(who, "Secret-Du-Voleur-1", meanwhile=lambda: desk.reset(token))
    assert (await desk.sign_in(NEW_PASSWORD)).session_token


async def test_a_changed_password_makes_links_worthless_that_were_sent_before(desk: Desk) -> None:
    who, token = await desk.sign_in(), await desk.link()
    await desk.change(who, NEW_PASSWORD)
    with pytest.raises(ResetLinkInvalidError):
        await desk.reset(token, "Encore-Un-Secret-1")


async def test_a_success_and_the_next_attempt_take_their_counters_in_one_order(desk: Desk) -> None:
    tenant_id, store = desk.gateway.tenant_id, desk.ports.uow_factory
    address = Limit(desk.ports.secrets.fingerprint(tenant_id, "sign-in-address", "192.0.2.1"), SIGN_IN_BY_ADDRESS)
    names = (name_key(desk.ports.secrets, tenant_id, "sign-in", f"name-{number}") for number in range(100))
    name = Limit(next(key for key in names if key > address.key), SIGN_IN_BY_ACCOUNT)
    now = desk.ports.clock.now()
    async with store(desk.gateway) as uow:
        await register(uow.throttle, [name, address], now)
        await uow.commit()

    async def succeed() -> None:
        async with store(desk.gateway) as uow:
            await settle(uow.throttle, name, address, now)
            await uow.commit()

    async with store(desk.gateway) as uow:
        await uow.throttle.lock([address.key], now)
        success = asyncio.create_task(succeed())
        await asyncio.sleep(0.3)
        # The other one waits for the address: if it held the name already, the two would wait for each other.
        await asyncio.wait_for(uow.throttle.lock([name.key], now), 0.5)
        await uow.commit()
    await success


async def test_a_reset_ends_the_wait_at_the_owner_s_usual_address_too(desk: Desk) -> None:
    await desk.sign_in()
    token = await desk.link()
    for _ in range(5):
        with pytest.raises(SignInFailedError):
            await desk.sign_in("wrong")
    await desk.reset(token)
    assert (await desk.sign_in(NEW_PASSWORD)).session_token
