"""The real services keep the promises that the gateway counts on (tests/contract/grpc/gateway__*.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from gateway.clients import Clients
from gateway.settings import GatewaySettings
from preau_kernel.clock import SystemClock
from preau_stack.running import RunningPlatform

from tests.contract.grpc import gateway__agenda, gateway__billing, gateway__identity, gateway__payment
from tests.contract.grpc.gateway_contract import Contract, Expectation, expectations


@pytest.fixture
async def contract(platform: RunningPlatform) -> AsyncIterator[Contract]:
    addresses = {
        f"{name}_address": f"127.0.0.1:{platform.ports[name]}" for name in ("identity", "agenda", "billing", "payment")
    }
    secret = platform.folder.secrets()["service_gateway"]
    settings = GatewaySettings.model_validate({**addresses, "service_secret": secret, "cookie_secret": "c"})
    clients = Clients.open(settings, SystemClock())
    # The other guardian, and a month no other journey uses.
    username, password = platform.account("casepilote", guardian=1)
    yield Contract(clients, "casepilote", "saint-aubin", username, password, date(2026, 3, 9))
    await clients.close()


@pytest.mark.parametrize(
    "expectation", expectations(gateway__identity, gateway__agenda, gateway__billing, gateway__payment)
)
async def test_the_services_answer_as_the_gateway_expects(contract: Contract, expectation: Expectation) -> None:
    await expectation(contract)
