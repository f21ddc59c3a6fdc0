"""The service as the platform runs it: its own process, identity's tokens, the simulator, the bus, and a kill -9."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import nats
import pytest
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_service_pb2 as identity_pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau.payment.v1 import payment_events_pb2 as events
from preau.payment.v1 import payment_service_pb2 as pb
from preau.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from preau_chassis.client import call, close_channel, open_channel
from preau_kernel.errors import DomainError, ErrorKind
from preau_stack.databases import ServiceDatabase
from preau_stack.environment import service_command
from preau_stack.health import service_is_healthy
from preau_stack.testing import TestParts

from tests.contract.psp.parts import SimulatorProcess

pytestmark = pytest.mark.timeout(180)
CLOSED_PORT = 1


@contextmanager
def process(parts: TestParts, service: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        started = subprocess.Popen(
            service_command(service, "all"), env=parts.environment(service), stdout=output, stderr=output
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


async def healthy(parts: TestParts, service: str) -> None:
    for _ in range(300):
        if await asyncio.to_thread(service_is_healthy, parts.platform.ports[service]):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{service} is not ready")


@dataclass
class Running:
    parts: TestParts
    folder: Path
    simulator: str
    processes: ExitStack
    payment: subprocess.Popen[bytes]
    town: int = 0

    async def restart_payment(self) -> None:
        self.payment = self.processes.enter_context(process(self.parts, "payment", self.folder / "payment.log"))
        await healthy(self.parts, "payment")

    @asynccontextmanager
    async def calling(self, service: str, stub: type[Any]) -> AsyncIterator[Any]:
        channel = open_channel(self.parts.platform.address(service))
        try:
            # A connection of an earlier channel may be waiting to try again, and gRPC shares it with this one.
            await asyncio.wait_for(channel.channel_ready(), 10)
            yield stub(channel)
        finally:
            await close_channel(channel)

    async def token(self, service: str, town: str) -> str:
        secret = self.parts.platform.secrets[f"service_{service}"]
        request = identity_pb.IssueServiceTokenRequest(service=service, secret=secret, tenant_slug=town)
        async with self.calling("identity", IdentityServiceStub) as stub:
            answer = await call(stub.IssueServiceToken, request, timeout=10.0)
        return str(answer.access_token)

    async def ask(self, method: str, request: Any, *, service: str = "billing") -> Any:
        token = await self.token(service, "casepilote")
        async with self.calling("payment", PaymentServiceStub) as stub:
            return await call(getattr(stub, method), request, timeout=15.0, token=token)

    async def configure(self, simulator: str) -> None:
        payfip = pb.PayfipSettings(
            client_number="100001",
            mode="T",
            service_url=f"{simulator}/tpa/services/securite",
            page_url=f"{simulator}/tpa/paiementws.web",
        )
        request = pb.ConfigureProviderRequest(provider="payfip", payfip=payfip)
        await self.ask("ConfigureProvider", request, service="operator")


@pytest.fixture(scope="module")
async def running(
    parts: TestParts, migrated: Callable[[str], ServiceDatabase], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    for service in ("identity", "payment"):
        await asyncio.to_thread(migrated, service)
    folder = tmp_path_factory.mktemp("processes")
    with ExitStack() as processes:
        processes.enter_context(process(parts, "identity", folder / "identity.log"))
        simulator = processes.enter_context(SimulatorProcess(parts.platform.ports["simulator"], folder))
        payment = processes.enter_context(process(parts, "payment", folder / "payment.log"))
        await healthy(parts, "identity")
        await healthy(parts, "payment")
        running = Running(parts, folder, simulator, processes, payment)
        await make_town(running)
        await running.configure(simulator)
        yield running


async def make_town(running: Running) -> None:
    tenant = identity_pb.Tenant(slug="casepilote", name="Case-Pilote", time_zone="America/Martinique")
    tenant.hosts.append("casepilote.localhost")
    token = await running.token("operator", "")
    async with running.calling("identity", IdentityServiceStub) as stub:
        request = identity_pb.UpsertTenantRequest(tenant=tenant)
        answer = await call(stub.UpsertTenant, request, timeout=10.0, token=token)
    running.town = answer.tenant.number


def creation(request_id: str) -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(
        request_id=request_id,
        invoice_id="invoice-1",
        amount=Money(minor_units=5400, currency_code="EUR"),
        debt_reference="CP2025000123",
        description="Cantine",
        payer_email="parent@example.org",
        fiscal_year=2025,
        return_url="http://casepilote.localhost:8080/paiement/retour/{attempt_id}",
        notify_url="http://casepilote.localhost:1/webhooks/payfip",
    )


async def pay(url: str) -> None:
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
        assert page.status_code == 200
        form = {"number": "4111111111111111", "expiry": "12/30", "code": "123", "action": "pay"}
        id_op = url.rpartition("=")[2]
        answer = await browser.post(url.partition("?")[0], data={"idop": id_op, **form})
        assert answer.status_code == 303


async def test_a_payment_from_the_order_to_the_bus(running: Running) -> None:
    client = await nats.connect(running.parts.broker.url)
    heard: asyncio.Queue[Any] = asyncio.Queue()
    await client.subscribe("evt.casepilote.payment.payment.succeeded.v1", cb=heard.put)
    created = (await running.ask("CreatePayment", creation(str(uuid4())))).payment
    waiting = (await running.ask("RefreshPayment", pb.RefreshPaymentRequest(id=created.id))).payment
    await pay(created.payment_url)

    notified = await running.ask(
        "HandleNotification",
        pb.HandleNotificationRequest(provider="payfip", query=f"idOp={created.payment_url.rpartition('=')[2]}"),
        service="gateway",
    )
    found = (await running.ask("GetPayment", pb.GetPaymentRequest(id=created.id))).payment
    message = await asyncio.wait_for(heard.get(), 10)
    await client.close()

    assert waiting.status == pb.PAYMENT_STATUS_PENDING
    assert notified.is_known
    assert found.status == pb.PAYMENT_STATUS_PAID
    event = events.PaymentSucceeded.FromString(message.data)
    assert (event.attempt_id, event.amount.minor_units, event.is_test) == (created.id, 5400, True)


async def test_a_process_killed_after_the_order_loses_nothing(running: Running) -> None:
    request_id = str(uuid4())
    created = (await running.ask("CreatePayment", creation(request_id))).payment
    running.payment.kill()
    running.payment.wait(10)
    await pay(created.payment_url)
    await running.restart_payment()

    repeated = (await running.ask("CreatePayment", creation(request_id))).payment
    # Its own timed job may have been faster: either way it is the same look-up.
    await running.ask("PollPayments", pb.PollPaymentsRequest(), service="operator")
    found = (await running.ask("GetPayment", pb.GetPaymentRequest(id=created.id))).payment

    assert (repeated.id, repeated.payment_url) == (created.id, created.payment_url)
    assert found.status == pb.PAYMENT_STATUS_PAID


async def test_a_provider_that_is_down_is_said_so_and_the_same_request_works_later(running: Running) -> None:
    request_id = str(uuid4())
    await running.configure(f"http://127.0.0.1:{CLOSED_PORT}")
    with pytest.raises(DomainError) as caught:
        await running.ask("CreatePayment", creation(request_id))
    await running.configure(running.simulator)

    created = (await running.ask("CreatePayment", creation(request_id))).payment

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert created.status == pb.PAYMENT_STATUS_REDIRECTED


async def test_the_settings_can_be_tried_by_an_operator_and_by_nobody_else(running: Running) -> None:
    tried = await running.ask("TestProvider", pb.TestProviderRequest(), service="operator")
    with pytest.raises(DomainError) as caught:
        await running.ask("TestProvider", pb.TestProviderRequest(), service="billing")

    assert tried.is_ok
    assert tried.labels[0] == "REGIE DE RECETTES"
    assert caught.value.kind is ErrorKind.FORBIDDEN


async def test_the_least_that_can_be_paid_online_is_told(running: Running) -> None:
    answer = await running.ask("GetOnlinePayment", pb.GetOnlinePaymentRequest())

    assert answer.is_open
    assert (answer.minimum.minor_units, answer.minimum.currency_code) == (100, "EUR")


async def test_what_is_written_to_the_log_names_nobody(running: Running) -> None:
    await running.ask("CreatePayment", creation(str(uuid4())))

    log = (running.folder / "payment.log").read_text()

    assert "CreatePayment" in log
    assert "parent@example.org" not in log
    assert "100001" not in log


async def test_what_identity_says_of_the_town_is_known_here(running: Running) -> None:
    connection = await asyncpg.connect(running.parts.databases["payment"].app_url)
    found = None
    try:
        await connection.execute("SELECT set_config('app.tenant_id', $1, false)", str(running.town))
        for _ in range(100):
            found = await connection.fetchrow("SELECT version, is_production FROM town")
            if found:
                break
            await asyncio.sleep(0.1)
    finally:
        await connection.close()

    assert found is not None
    assert (found["version"] >= 1, found["is_production"]) == (True, False)
