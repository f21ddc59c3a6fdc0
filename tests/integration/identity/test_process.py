"""The real process, started as an operator starts it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import grpc
import nats
import pytest
from preau.identity.v1 import identity_events_pb2 as events
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call, close_channel, open_channel
from preau_kernel.errors import DomainError
from preau_stack.databases import ServiceDatabase
from preau_stack.postgres import PostgresServer, psql
from preau_stack.testing import TestParts

from tests.integration.identity.world import household_request

Stub = Any
Environment = dict[str, str]


@pytest.fixture(scope="module")
def environment(parts: TestParts, identity_database: ServiceDatabase) -> Environment:
    assert identity_database.app_url
    # One anchor, so that the server and the operator's command read the same clock.
    clock = {"PREAU_NOW": "2025-08-20T09:00:00-04:00", "PREAU_NOW_ANCHOR": datetime.now(UTC).isoformat()}
    return parts.environment("identity") | clock


@pytest.fixture(scope="module")
def process(environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "identity_svc", "all"], env=environment)
    yield running
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0


@pytest.fixture(scope="module")
async def stub(environment: Environment, process: subprocess.Popen[bytes]) -> AsyncIterator[Stub]:
    channel = open_channel(environment["PREAU_LISTEN"])
    async with asyncio.timeout(30):
        while channel.get_state(try_to_connect=True) is not grpc.ChannelConnectivity.READY:
            assert process.poll() is None
            await asyncio.sleep(0.1)
    yield IdentityServiceStub(channel)
    await close_channel(channel)


async def token(stub: Stub, environment: Environment, service: str, slug: str = "") -> str:
    secret = json.loads(environment["PREAU_SERVICE_SECRETS"])[service]
    request = pb.IssueServiceTokenRequest(service=service, secret=secret, tenant_slug=slug)
    answer: pb.IssueServiceTokenResponse = await call(stub.IssueServiceToken, request, timeout=10, token="")
    return answer.access_token


async def test_a_town_a_family_a_sign_in_and_a_letter_through_the_real_process(
    stub: Stub, environment: Environment, parts: TestParts
) -> None:
    operator = await token(stub, environment, "operator")
    tenant = pb.Tenant(slug="process-ville", name="Case-Pilote", time_zone="America/Martinique")
    await call(stub.UpsertTenant, pb.UpsertTenantRequest(tenant=tenant), timeout=10, token=operator)
    local = await token(stub, environment, "operator", "process-ville")
    imported = await call(stub.ImportHousehold, household_request(), timeout=10, token=local)
    gateway = await token(stub, environment, "gateway", "process-ville")
    request = pb.SignInRequest(username="parent.demo", password="Cantine-Demo-2025", client_address="::1")
    opened = await call(stub.SignIn, request, timeout=10, token=gateway)
    assert opened.access_expires_at.ToDatetime().strftime("%Y-%m-%d") == "2025-08-20"
    household = await call(stub.GetHousehold, pb.GetHouseholdRequest(), timeout=10, token=opened.access_token)
    assert household.household == imported.household

    reset = pb.RequestPasswordResetRequest(
        username="parent.demo", reset_url="http://process-ville.localhost/nouveau-mot-de-passe"
    )
    await call(stub.RequestPasswordReset, reset, timeout=10, token=gateway)
    folder = parts.platform.data_dir / "mail"
    async with asyncio.timeout(20):
        while not list(folder.glob("process-ville-*.eml")):  # noqa: ASYNC110 - a folder tells nobody
            await asyncio.sleep(0.2)

    client = await nats.connect(parts.platform.nats_url)
    try:
        subscription = await client.jetstream().subscribe("evt.process-ville.identity.>", ordered_consumer=True)
        messages = [await subscription.next_msg(timeout=10) for _ in range(2)]
    finally:
        await client.close()
    assert [message.subject for message in messages] == [
        "evt.process-ville.identity.tenant.changed.v1",
        "evt.process-ville.identity.household.changed.v1",
    ]
    assert events.HouseholdChanged.FromString(messages[1].data).household_id == imported.household.id


async def test_calls_without_a_token_are_refused_but_for_the_three_public_ones(stub: Stub) -> None:
    assert "keys" in json.loads((await call(stub.GetJwks, pb.GetJwksRequest(), timeout=10, token="")).jwks_json)
    for method, request in (
        (stub.GetHousehold, pb.GetHouseholdRequest()),
        (stub.ExchangeSession, pb.ExchangeSessionRequest(session_token="x")),
        (stub.UpsertTenant, pb.UpsertTenantRequest()),
    ):
        with pytest.raises(DomainError) as refusal:
            await call(method, request, timeout=10, token="")
        assert refusal.value.reason == "TOKEN_MISSING"


async def test_an_operator_makes_the_next_key_by_hand_and_only_one(
    stub: Stub, environment: Environment, postgres: PostgresServer
) -> None:
    await call(stub.GetJwks, pb.GetJwksRequest(), timeout=10, token="")

    def kept() -> int:
        return int(psql(postgres.url("identity"), "SELECT count(*) FROM signing_key"))

    before = kept()
    command = [sys.executable, "-m", "identity_svc", "rotate-keys"]
    said = []
    for _ in range(2):
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=True
        )
        said.append(done.stdout)
    # The keys are the platform's: another test may have published the next one already.
    is_new = said[0].startswith("new signing key ")
    assert is_new or said[0] == "a next key is published already\n"
    assert said[1] == "a next key is published already\n"
    assert kept() - before == int(is_new)


def test_production_refuses_quick_hashes_and_a_demonstration_clock(environment: Environment) -> None:
    changes = {"PREAU_ENV": "production", "PREAU_PASSWORD_MEMORY_KIB": "1024", "PREAU_PAGE_TOKEN_KEY": "x" * 32}
    values = {name: value for name, value in environment.items() if not name.startswith("PREAU_NOW")} | changes
    done = subprocess.run(
        [sys.executable, "-m", "identity_svc", "serve"],
        env=values,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert "PREAU_PASSWORD_MEMORY_KIB is too low" in done.stderr
