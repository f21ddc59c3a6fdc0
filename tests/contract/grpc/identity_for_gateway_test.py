"""What the gateway expects of identity, run with the gateway's own clients on the real service."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from gateway.clients import Clients
from gateway.settings import GatewaySettings
from preau_stack.databases import ServiceDatabase
from pydantic import SecretStr

from tests.contract.grpc import gateway__identity
from tests.contract.grpc.gateway_contract import Contract, Expectation, expectations
from tests.integration.identity.world import PASSWORD, SECRETS, running_world


@pytest.fixture
async def contract(migrated: Callable[[str], ServiceDatabase], parts: Any, tmp_path: Path) -> AsyncIterator[Contract]:
    keys = Path(parts.environment("identity")["PREAU_SIGNING_KEY_DIR"])
    async with running_world(migrated("identity"), tmp_path, signing_key_dir=keys) as world:
        town, other = await world.make_town(), await world.make_town()
        await town.add_household()
        settings = GatewaySettings(
            identity_address=world.address,
            agenda_address=world.address,
            billing_address=world.address,
            payment_address=world.address,
            service_secret=SecretStr(SECRETS["gateway"]),
            cookie_secret=SecretStr("c"),
        )
        clients = Clients.open(settings, world.clock)
        yield Contract(clients, town.slug, other.slug, "parent.demo", PASSWORD, date(2025, 9, 8))
        await clients.close()


@pytest.mark.parametrize("expectation", expectations(gateway__identity))
async def test_identity_answers_as_the_gateway_expects(contract: Contract, expectation: Expectation) -> None:
    await expectation(contract)
