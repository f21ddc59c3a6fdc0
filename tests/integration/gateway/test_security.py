"""Headers, cookies and form tokens."""

from __future__ import annotations

import httpx
import pytest
from gateway.app import create_app
from gateway.auth import start_session
from litestar import Request, Response, get
from preau.identity.v1.identity_service_pb2 import Account, SignInResponse

from tests.fixtures.fake_world import PASSWORD, World
from tests.integration.gateway.conftest import client_of, running, settings_for


@get("/entrer", include_in_schema=False)
async def enter(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
    response = Response(b"in", media_type="text/html")
    answer = SignInResponse(session_token="s1", access_token="a", account=Account(id="x", household_id="h"))
    start_session(response, request, answer)
    return response


@pytest.mark.parametrize(
    "path", ["/essai", "/api/v1/household", "/nowhere", "/schema", "/health/live", "/webhooks/payfip"]
)
async def test_every_answer_carries_the_security_headers(anyone: httpx.AsyncClient, path: str) -> None:
    headers = (await anyone.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


async def test_static_files_are_kept_by_their_content(anyone: httpx.AsyncClient, edge: object) -> None:
    name = next(iter(edge.application.state.assets._names))  # type: ignore[attr-defined]
    answer = await anyone.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    again = await anyone.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["../settings.py", "%2e%2e/settings.py", "nothing.css", "..%5csettings.py"])
async def test_nothing_but_assets_is_served_as_static(anyone: httpx.AsyncClient, name: str) -> None:
    assert (await anyone.get(f"/static/{name}")).status_code == 404


async def test_a_form_without_its_token_is_refused(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post("/essai", data={"field": "value"})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_form_with_the_token_of_the_same_visit_is_taken(anyone: httpx.AsyncClient) -> None:
    page = await anyone.get("/essai")
    assert "HttpOnly; SameSite=Lax" in page.headers["set-cookie"]
    assert (await anyone.post("/essai", data={"csrf_token": page.text})).text == "done"
    assert (await anyone.post("/essai", headers={"X-CSRF-Token": page.text})).text == "done"


async def test_the_token_of_another_visit_or_town_is_refused(anyone: httpx.AsyncClient, edge: object) -> None:
    page = await anyone.get("/essai")
    async with client_of(edge) as attacker:  # type: ignore[arg-type]
        stolen = (await attacker.get("/essai")).text
    assert (await anyone.post("/essai", data={"csrf_token": stolen})).status_code == 403
    assert (await anyone.post("/essai", data={"csrf_token": page.text[:-2] + "xx"})).status_code == 403
    cookies = {"preau_visit": anyone.cookies["preau_visit"]}
    other = await anyone.post(
        "http://saint-aubin.localhost:8080/essai",
        data={"csrf_token": page.text},
        headers={"Cookie": f"preau_visit={cookies['preau_visit']}"},
    )
    assert other.status_code == 403


async def test_json_under_a_cookie_needs_a_token_and_under_a_bearer_does_not(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post("/api/v1/sessions", json={"username": "parent.demo", "password": PASSWORD})
    token = answer.json()["token"]
    body = {"child_id": "child-1", "day": "2025-09-02", "activity_ids": ["act-midi"]}
    anyone.cookies.set("preau_session", token, domain="casepilote.localhost")
    refused = await anyone.post("/api/v1/reservations", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (403, "CSRF_INVALID")
    proof = (await anyone.get("/essai")).text
    assert (await anyone.post("/api/v1/reservations", json=body, headers={"X-CSRF-Token": proof})).status_code == 201
    assert (await anyone.get("/api/v1/household")).status_code == 200
    anyone.cookies.clear()
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await anyone.post("/api/v1/reservations", json=body, headers=bearer)).status_code == 201


async def test_the_session_cookie_is_closed_to_scripts_and_to_other_sites(
    fakes: tuple[World, str], world: World
) -> None:
    for scheme, wanted in (("http", "preau_session=s1;"), ("https", "__Host-preau_session=s1;")):
        app = create_app(settings_for(fakes[1], public_scheme=scheme), pages=[enter])
        async with running(app) as live, client_of(live) as client:
            answer = await client.get("/entrer")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(wanted)
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Path=/" in cookie
        assert ("Secure" in cookie) is (scheme == "https")
        assert ("strict-transport-security" in answer.headers) is (scheme == "https")
        assert "Domain" not in cookie


async def test_a_forwarded_scheme_counts_only_behind_a_trusted_proxy(fakes: tuple[World, str], world: World) -> None:
    for trusted in (False, True):
        app = create_app(settings_for(fakes[1], trust_forwarded=trusted), pages=[enter])
        async with running(app) as live, client_of(live) as client:
            answer = await client.get("/entrer", headers={"X-Forwarded-Proto": "https"})
        assert answer.headers["set-cookie"].startswith("__Host-") is trusted


async def test_signing_in_costs_one_call_and_what_follows_none(parent: httpx.AsyncClient, world: World) -> None:
    for _ in range(5):
        assert (await parent.get("/api/v1/household")).status_code == 200
    assert world.calls["ExchangeSession"] == 0
    assert world.calls["ResolveTenant"] == 1
    assert world.calls["IssueServiceToken"] == 1
    assert world.calls["GetHousehold"] == 1


async def test_a_closed_session_is_over_at_once(parent: httpx.AsyncClient) -> None:
    assert (await parent.get("/api/v1/household")).status_code == 200
    assert (await parent.delete("/api/v1/sessions/current")).status_code == 204
    assert (await parent.get("/api/v1/household")).status_code == 401


async def test_a_session_is_exchanged_once_for_many_requests_at_a_time(
    fakes: tuple[World, str], parent: httpx.AsyncClient, world: World
) -> None:
    import asyncio

    app = create_app(settings_for(fakes[1]), pages=[])
    async with running(app) as live, client_of(live) as client:
        client.headers["Authorization"] = parent.headers["Authorization"]
        answers = await asyncio.gather(*(client.get("/api/v1/household") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert world.calls["ExchangeSession"] == 1


async def test_a_notification_is_passed_on_as_it_came(anyone: httpx.AsyncClient, world: World) -> None:
    answer = await anyone.post(
        "/webhooks/payfip?idop=a%20b&x=%FF",
        content=b"idOp=\xff\x00",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.text) == (200, "OK")
    sent = next(each for each in world.requests if type(each).__name__ == "HandleNotificationRequest")
    assert sent.provider == "payfip"
    assert sent.query == "idop=a%20b&x=%FF"
    assert sent.body == b"idOp=\xff\x00"
    assert sent.content_type == "application/x-www-form-urlencoded"
    assert world.tokens[-1] == "service:casepilote"
    assert (await anyone.get("/webhooks/payfip?idop=1")).status_code == 200


async def test_probes_answer_on_any_host(anyone: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        assert (await anyone.get(path, headers={"Host": "10.0.0.7"})).status_code == 200


async def test_without_identity_the_gateway_is_alive_and_not_ready() -> None:
    app = create_app(settings_for("127.0.0.1:1"), pages=[])
    async with running(app) as live, client_of(live) as client:
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        answer = await client.get("/api/v1/household")
        assert (answer.status_code, answer.json()["reason"]) == (503, "UNAVAILABLE")


async def test_head_is_get_without_the_body(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.head("/schema")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 1_000
