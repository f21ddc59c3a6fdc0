"""What pages stand on: notices, revision, redirects, the way to the provider, error pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from gateway.app import create_app
from gateway.auth import Visitor
from gateway.notices import Notice, add_notice, read_notices
from gateway.rendering import leave_for, now_in, redirect
from gateway.revision import known_revision, remember_revision
from litestar import Request, Response, get
from preau.identity.v1.identity_service_pb2 import Account
from preau_kernel.errors import PreconditionError
from preau_kernel.money import Money

from tests.fixtures.fake_world import World
from tests.integration.gateway.conftest import client_of, running, settings_for

AnyRequest = Request[Any, Any, Any]
MINE = Visitor("s", "t", Account(id="a", household_id="mine"))
THEIRS = Visitor("s", "t", Account(id="b", household_id="theirs"))


@get("/dire", include_in_schema=False)
async def say(request: AnyRequest) -> Response[bytes]:
    response = redirect(request, request.query_params.get("to", "/"))
    add_notice(response, request, Notice("success", "72 réservations créées.", "Annuler", "/annuler", (("id", "1"),)))
    remember_revision(response, request, MINE, int(request.query_params.get("revision", "7")))
    return response


@get("/entendre", include_in_schema=False)
async def hear(request: AnyRequest) -> dict[str, Any]:
    return {
        "notices": [each.text for each in read_notices(request)],
        "mine": known_revision(request, MINE),
        "theirs": known_revision(request, THEIRS),
        "zone": str(now_in(request, request.scope["state"]["town"]).tzinfo),
    }


@get("/partir", include_in_schema=False)
async def leave(request: AnyRequest) -> Response[bytes]:
    return leave_for(request, request.query_params["to"], amount=Money(5400))


@get("/refuser", include_in_schema=False)
async def refuse() -> None:
    raise PreconditionError("BASKET_EMPTY")


@get("/casser", include_in_schema=False)
async def break_down() -> None:
    raise KeyError("secret")


@pytest.fixture
async def visitor(fakes: tuple[World, str], world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings_for(fakes[1]), pages=[say, hear, leave, refuse, break_down])
    async with running(app) as live, client_of(live) as client:
        yield client


async def test_a_notice_and_the_revision_travel_with_the_browser(visitor: httpx.AsyncClient) -> None:
    await visitor.get("/dire?revision=7")
    heard = (await visitor.get("/entendre")).json()
    assert heard == {
        "notices": ["72 réservations créées."],
        "mine": 7,
        "theirs": 0,
        "zone": "America/Martinique",
    }


async def test_a_revision_never_goes_back(visitor: httpx.AsyncClient) -> None:
    await visitor.get("/dire?revision=9")
    await visitor.get("/dire?revision=8")
    assert (await visitor.get("/entendre")).json()["mine"] == 9


async def test_changed_cookies_say_nothing(visitor: httpx.AsyncClient) -> None:
    await visitor.get("/dire")
    jar = {cookie.name: cookie.value or "" for cookie in visitor.cookies.jar}
    visitor.cookies.clear()
    forged = "; ".join(f"{name}={value[:-2]}xx" for name, value in jar.items())
    heard = (await visitor.get("/entendre", headers={"Cookie": forged})).json()
    assert (heard["notices"], heard["mine"]) == ([], 0)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_a_redirect_never_leaves_the_site(visitor: httpx.AsyncClient, target: str) -> None:
    answer = await visitor.get("/dire", params={"to": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_htmx_is_told_where_to_go_in_its_own_way(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/dire?to=/agenda", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/agenda")


async def test_leaving_for_the_provider_needs_no_script_and_no_looser_policy(visitor: httpx.AsyncClient) -> None:
    url = "https://www.payfip.gouv.fr/tpa/paiementws.web?idop=abc"
    answer = await visitor.get("/partir", params={"to": url})
    assert answer.status_code == 200
    assert answer.headers["refresh"] == f"0; url={url}"
    assert "form-action 'self';" in answer.headers["content-security-policy"]
    assert f'href="{url}"' in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "https://a b", "https://a\r\nX: y", "//a", "https://a;url=b"]
)
async def test_what_is_no_address_is_not_left_for(visitor: httpx.AsyncClient, target: str) -> None:
    answer = await visitor.get("/partir", params={"to": target})
    assert answer.status_code == 500
    assert "refresh" not in answer.headers


async def test_a_refusal_on_a_page_is_a_page_with_its_sentence(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/refuser")
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/html")
    assert "Rien à payer" in answer.text


async def test_a_failure_of_ours_is_a_page_with_a_reference_and_no_detail(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/casser")
    assert answer.status_code == 500
    assert answer.headers["x-trace-id"] in answer.text
    assert "secret" not in answer.text


async def test_an_unknown_town_is_a_plain_page_without_data(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/entendre", headers={"Host": "nowhere.localhost"})
    assert answer.status_code == 404
    assert "Aucune ville ne correspond à cette adresse." in answer.text
    assert "Case-Pilote" not in answer.text
