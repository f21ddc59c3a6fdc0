"""The fakes the gateway is tested with keep the promises that the real services are held to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from gateway.clients import Clients
from gateway.settings import GatewaySettings
from preau_kernel.clock import SystemClock

from tests.contract.grpc import gateway__agenda, gateway__billing, gateway__identity, gateway__payment
from tests.contract.grpc.gateway_contract import Contract, Expectation, expectations
from tests.fixtures.fake_services import running_fakes
from tests.fixtures.fake_world import PASSWORD, World


@pytest.fixture
async def contract() -> AsyncIterator[Contract]:
    async with running_fakes(World()) as address:
        addresses = {f"{name}_address": address for name in ("identity", "agenda", "billing", "payment")}
        settings = GatewaySettings.model_validate({**addresses, "service_secret": "s", "cookie_secret": "c"})
        clients = Clients.open(settings, SystemClock())
        yield Contract(clients, "casepilote", "saint-aubin", "parent.demo", PASSWORD, date(2025, 9, 8))
        await clients.close()


@pytest.mark.parametrize(
    "expectation", expectations(gateway__identity, gateway__agenda, gateway__billing, gateway__payment)
)
async def test_the_fakes_answer_as_the_gateway_expects(contract: Contract, expectation: Expectation) -> None:
    await expectation(contract)
