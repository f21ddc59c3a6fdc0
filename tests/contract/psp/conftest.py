from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider, make_client
from preau_stack.ports import free_ports

from tests.contract.psp.parts import Payfip, SimulatorProcess, Town, afternoon


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The simulator, as the platform starts it."""
    (port,) = free_ports(1)
    with SimulatorProcess(port, tmp_path_factory.mktemp("simulator"), **afternoon()) as url:
        yield url


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    await town.start()
    yield town
    await town.stop()


@pytest.fixture
async def payfip(simulator: str, town: Town) -> AsyncIterator[Payfip]:
    """The adapter pointed at a simulator that remembers nothing of the test before."""
    async with httpx.AsyncClient(base_url=simulator, timeout=10) as browser, make_client(5.0) as client:
        (await browser.post("/admin/api/reset", json={})).raise_for_status()
        yield Payfip(simulator, PayfipProvider(client, 5.0), browser, town)
