import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from identity_svc.adapters.keys import Ed25519Signer, SigningKeys
from identity_svc.adapters.secrets import derive_key, load_master_key
from identity_svc.application.ports import Claims
from identity_svc.bootstrap import DEFINITION
from joserfc import jwt
from joserfc.jws import extract_compact
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.database import Database
from preau_chassis.migrations import run_migrations
from preau_chassis.tokens import ALGORITHM, TokenClaims, TokenVerifier, token_claims
from preau_kernel.clock import FixedClock
from preau_kernel.errors import DomainError
from preau_kernel.ids import TenantId, TenantSlug, uuid7
from preau_stack.databases import ServiceDatabase
from preau_stack.postgres import PostgresServer, psql

from tests.integration.identity.world import START, World, minutes, running_world

DAYS = timedelta(days=1)


def kid_of(token: str) -> str:
    return str(extract_compact(token.encode()).headers()["kid"])


async def jwks(world: World) -> dict[str, dict[str, str]]:
    answer = await world.call("GetJwks", pb.GetJwksRequest())
    return {key["kid"]: key for key in json.loads(answer.jwks_json)["keys"]}


@pytest.fixture
async def own_database(identity_database: ServiceDatabase, postgres: PostgresServer) -> ServiceDatabase:
    """A database of this test: keys belong to a whole platform."""
    name = f"identity_keys_{uuid7().hex}"
    psql(
        postgres.url(),
        f"CREATE DATABASE {name} OWNER identity_owner;\n\\connect {name}\n"
        "GRANT ALL ON SCHEMA public TO identity_owner; GRANT USAGE ON SCHEMA public TO identity_app, identity_work;",
    )
    urls = [
        urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        for url in (identity_database.owner_url, identity_database.app_url, identity_database.work_url)
    ]
    await run_migrations(urls[0], DEFINITION.migrations)
    return ServiceDatabase("identity", *urls)


@pytest.fixture
async def own_world(own_database: ServiceDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(own_database, tmp_path, FixedClock(START)) as running:
        yield running


async def test_a_token_is_verified_with_the_published_key_alone(world: World) -> None:
    token = await world.operator()
    published = await jwks(world)
    key = published[kid_of(token)]
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "Ed25519")
    assert all("d" not in one for one in published.values())
    assert (await TokenVerifier(world.jwks_source, world.clock).verify(token)).roles == {"operator"}


async def test_a_token_ends_after_five_minutes(world: World) -> None:
    token = await world.operator()
    world.clock.advance(minutes(5))
    with pytest.raises(DomainError) as refusal:
        await world.verifier.verify(token)
    assert refusal.value.reason == "TOKEN_EXPIRED"


async def test_a_changed_token_is_refused(world: World) -> None:
    header, payload, signature = (await world.operator()).split(".")
    with pytest.raises(DomainError) as refusal:
        await world.verifier.verify(f"{header}.{payload[:-2]}AA.{signature}")
    assert refusal.value.reason == "TOKEN_INVALID"


async def test_keys_rotate_every_thirty_days_published_before_use_and_until_their_tokens_end(own_world: World) -> None:
    clock = own_world.clock
    old = kid_of(await own_world.operator())
    await own_world.run_job("rotate-keys")
    assert set(await jwks(own_world)) == {old}

    clock.advance(30 * DAYS - minutes(10))
    await own_world.run_job("rotate-keys")
    await own_world.run_job("rotate-keys")
    (new,) = set(await jwks(own_world)) - {old}
    assert kid_of(await own_world.operator()) == old

    clock.advance(minutes(9))
    last_of_old = await own_world.operator()
    assert kid_of(last_of_old) == old
    clock.advance(minutes(1))
    assert kid_of(await own_world.operator()) == new

    clock.advance(minutes(3))
    assert set(await jwks(own_world)) == {old, new}
    fresh = TokenVerifier(own_world.jwks_source, clock)
    assert (await fresh.verify(last_of_old)).roles == {"operator"}
    clock.advance(minutes(5))
    assert set(await jwks(own_world)) == {new}

    clock.advance(30 * DAYS)
    await own_world.run_job("rotate-keys")
    async with own_world.connect(0) as connection:
        assert await connection.fetchval("SELECT array_agg(kid = $1) FROM signing_key", old) == [False, False]


async def test_replicas_sign_with_and_publish_the_same_keys(own_world: World, own_database: ServiceDatabase) -> None:
    async with running_world(own_database, own_world.folder, own_world.clock) as twin:
        first, second = await own_world.operator(), await twin.operator()
        assert kid_of(first) == kid_of(second)
        assert await jwks(own_world) == await jwks(twin)
        assert (await twin.verifier.verify(first)).subject == "service:operator"


async def test_a_key_that_leaked_serves_nobody_minutes_after_the_next_one_signs(
    own_world: World, own_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seconds of the machine, which this test's minutes do not take.
    monkeypatch.setattr("preau_chassis.tokens._REFETCH_SECONDS", 0.0)
    clock, verifier = own_world.clock, own_world.verifier
    await own_world.operator()
    sealed_with = derive_key(load_master_key(own_world.folder / "keys"), "signing keys")
    database = Database(own_database.app_url, pool_size=1)
    try:
        keys = SigningKeys(database, sealed_with)
        (leaked,) = await keys.load()
        assert leaked.private is not None
        await keys.rotate(clock.now(), force=True)
    finally:
        await database.close()
    claims = TokenClaims("service:operator", 0, "platform", "", frozenset({"operator"}), "", clock.now() + 365 * DAYS)
    header = {"alg": ALGORITHM, "kid": leaked.period.kid}
    forged = jwt.encode(header, token_claims(claims), leaked.private, algorithms=[ALGORITHM])
    assert (await verifier.verify(forged)).roles == {"operator"}
    clock.advance(minutes(10))
    await verifier.verify(await own_world.operator())
    clock.advance(minutes(7))
    await verifier.verify(await own_world.operator())
    with pytest.raises(DomainError) as refusal:
        await verifier.verify(forged)
    assert refusal.value.reason == "TOKEN_INVALID"


async def test_those_who_sign_at_the_same_time_read_the_keys_once(own_database: ServiceDatabase) -> None:
    class CountedKeys(SigningKeys):
        readings = 0

        async def load(self) -> Any:
            self.readings += 1
            return await super().load()

    database = Database(own_database.app_url, pool_size=4)
    try:
        keys = CountedKeys(database, b"k" * 32)
        await keys.rotate(START - minutes(1))
        signer = Ed25519Signer(keys)
        claims = Claims("service:gateway", TenantId(1), TenantSlug("casepilote"), frozenset({"service"}))
        # Some began seconds ago: their password took its time.
        await asyncio.gather(*(signer.issue(claims, START - timedelta(seconds=late)) for late in range(10)))
    finally:
        await database.close()
    assert keys.readings == 1


async def test_private_keys_are_sealed_in_the_database(own_world: World) -> None:
    token = await own_world.operator()
    async with own_world.connect(0) as connection:
        sealed = await connection.fetchval("SELECT sealed_private_jwk FROM signing_key WHERE kid = $1", kid_of(token))
    assert b"Ed25519" not in sealed
    assert b'"d"' not in sealed


async def test_a_server_that_lost_its_master_key_makes_a_key_of_its_own(
    own_world: World, own_database: ServiceDatabase, tmp_path: Path
) -> None:
    lost = kid_of(await own_world.operator())
    async with running_world(own_database, tmp_path / "elsewhere", own_world.clock) as other:
        token = await other.operator()
        assert kid_of(token) != lost
        assert set(await jwks(other)) == {lost, kid_of(token)}
        assert (await other.verifier.verify(token)).roles == {"operator"}
