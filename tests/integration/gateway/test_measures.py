"""What the gateway counts of its answers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from gateway.measures import measure
from preau_chassis.testing import Recorded, recorded_metrics

PAGES = "http.server.request.duration"


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recorded_metrics() as kept:
        yield kept


async def test_an_answer_is_counted_by_route_and_by_town(anyone: httpx.AsyncClient, recorded: Recorded) -> None:
    for path in ("/api/v1/invoices/0198c0de-0000-7000-8000-000000000001", "/nowhere/at/all", "/essai"):
        await anyone.get(path)
    await anyone.request("HACK", "/essai")
    found = {(each["http.request.method"], each["http.route"]) for each in recorded.attributes(PAGES)}
    assert found == {("GET", "/api/v1/invoices/{invoice_id}"), ("GET", ""), ("GET", "/essai"), ("_OTHER", "")}
    town = {"preau.tenant": "casepilote", "preau.outcome": "good"}
    assert recorded.attributes("preau.town.requests") == [town]
    assert recorded.value("preau.town.requests", town) == 4


async def test_assets_probes_and_hosts_without_a_town_are_nobodys_service_level(
    anyone: httpx.AsyncClient, recorded: Recorded
) -> None:
    for path in ("/static/tokens.css", "/theme.css", "/health/live"):
        assert (await anyone.get(path)).status_code in {200, 404}
    assert recorded.attributes(PAGES) == []
    await anyone.get("/", headers={"Host": "nobody.localhost"})
    assert len(recorded.attributes(PAGES)) == 1
    assert recorded.attributes("preau.town.requests") == []


@pytest.mark.parametrize(
    ("status", "seconds", "outcome"),
    [(200, 1.0, "good"), (404, 0.1, "good"), (200, 1.01, "slow"), (500, 0.1, "failed"), (503, 9.0, "failed")],
)
def test_a_town_is_served_well_within_a_second_whatever_the_answer_says(
    recorded: Recorded, status: int, seconds: float, outcome: str
) -> None:
    measure(method="GET", route="/", status=status, tenant="casepilote", seconds=seconds)
    assert recorded.attributes("preau.town.requests") == [{"preau.tenant": "casepilote", "preau.outcome": outcome}]
