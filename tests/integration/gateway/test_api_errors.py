"""Bad input to the JSON API: a clear problem document, never a 5xx, nothing forwarded."""

from __future__ import annotations

import json

import httpx
import pytest
from preau_kernel.errors import ConflictError, DomainError, ErrorKind, InvalidError

from tests.fixtures.fake_world import World

ENTRY = {"child_ids": ["c"], "action": "create", "from": "2025-09-01", "to": "2025-09-30", "activity_ids": ["a"]}


def is_problem(answer: httpx.Response, status: int, reason: str) -> bool:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["reason"]) == (status, status, reason)
    assert body["type"] == "/problems/" + reason.lower().replace("_", "-")
    assert body["trace_id"] == answer.headers["x-trace-id"]
    assert body["title"]
    assert body["detail"]
    return True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": "2025-02-30"}, "from"),
        ({"from": "99999-01-01"}, "from"),
        ({"from": "0000-01-01"}, "from"),
        ({"from": 20250901}, "from"),
        ({"to": None}, "to"),
        ({"to": "2025-08-31"}, "to"),
        ({"weekdays": [0]}, "weekdays"),
        ({"weekdays": [8]}, "weekdays"),
        ({"weekdays": [10**30]}, "weekdays"),
        ({"weekdays": "1"}, "weekdays"),
        ({"periodicity": "monthly"}, "periodicity"),
        ({"action": ""}, "action"),
        ({"child_ids": []}, "child_ids"),
        ({"child_ids": ["a\u0000b"]}, "child_ids"),
        ({"child_ids": ["é" * 30]}, "child_ids"),
        ({"child_ids": ["c"] * 51}, "child_ids"),
        ({"activity_ids": {"a": 1}}, "activity_ids"),
    ],
)
async def test_a_wrong_value_is_named(
    parent: httpx.AsyncClient, world: World, change: dict[str, object], field: str
) -> None:
    answer = await parent.post("/api/v1/bulk-entries", json={**ENTRY, **change})
    assert is_problem(answer, 422, "PERIOD_REVERSED" if change == {"to": "2025-08-31"} else "INVALID_PAYLOAD")
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert world.calls["ApplyBulkEntry"] == 0


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"nul", b'{"child_ids": ["\\ud800"]}', b"[" * 100_000])
async def test_what_is_not_json_is_malformed(parent: httpx.AsyncClient, body: bytes) -> None:
    answer = await parent.post("/api/v1/bulk-entries", content=body, headers={"Content-Type": "application/json"})
    assert is_problem(answer, 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"', b"1e400", b"{}"])
async def test_json_of_another_shape_is_invalid(parent: httpx.AsyncClient, body: bytes) -> None:
    answer = await parent.post("/api/v1/bulk-entries", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_media_type_is_refused(parent: httpx.AsyncClient) -> None:
    answer = await parent.post(
        "/api/v1/bulk-entries", content=json.dumps(ENTRY), headers={"Content-Type": "text/plain"}
    )
    assert is_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_of_more_than_a_megabyte_is_refused(parent: httpx.AsyncClient) -> None:
    answer = await parent.post("/api/v1/bulk-entries", json={**ENTRY, "padding": "x" * 1_000_001})
    assert is_problem(answer, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "month",
    [
        "2025-00",
        "2025-13",
        "0000-01",
        "10000-01",
        "2025",
        "",
        "2025-9",
        "2025-09-01",
        "٢٠٢٥-٠٩",
        "2025-09\x00",
        "\ud83d",
    ],
)
async def test_a_month_that_does_not_exist_is_named_with_its_form(parent: httpx.AsyncClient, month: str) -> None:
    query = {"month": month.encode("utf-8", "surrogatepass")}
    answer = await parent.get("/api/v1/agenda", params=query)
    assert is_problem(answer, 422, "INVALID_MONTH")
    assert "Le mois (month) n'est pas lisible" in answer.json()["detail"]
    assert "comme 2025-09" in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "month"


async def test_a_missing_month_is_named_too(parent: httpx.AsyncClient) -> None:
    assert is_problem(await parent.get("/api/v1/agenda"), 422, "INVALID_MONTH")


async def test_a_missing_field_and_a_wrong_header_are_named(parent: httpx.AsyncClient) -> None:
    missing = await parent.post("/api/v1/reservations", json={"day": "2025-09-01", "activity_ids": ["act-midi"]})
    assert is_problem(missing, 422, "INVALID_PAYLOAD")
    assert missing.json()["errors"][0]["field"] == "child_id"
    assert missing.json()["detail"].startswith("« child_id » manque ou n'est pas lisible.")
    long = await parent.post("/api/v1/bulk-entries/1/undo", headers={"Idempotency-Key": "x" * 201})
    assert is_problem(long, 422, "INVALID_PAYLOAD")
    assert long.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", "reservations/a.b", "RESERVATION_NOT_FOUND"),
        ("GET", "invoices/a.b", "INVOICE_NOT_FOUND"),
        ("GET", "invoices/a.b/pdf", "INVOICE_NOT_FOUND"),
        ("GET", "payments/a.b", "PAYMENT_NOT_FOUND"),
        ("POST", "bulk-entries/a.b/undo", "ENTRY_NOT_FOUND"),
    ],
)
async def test_an_id_that_is_none_names_what_is_missing(
    parent: httpx.AsyncClient, method: str, path: str, reason: str
) -> None:
    answer = await parent.request(method, f"/api/v1/{path}")
    assert is_problem(answer, 404, reason)
    assert "page" not in answer.json()["detail"]


@pytest.mark.parametrize("size", ["-1", "0", "201", "x", str(2**31), str(2**63), str(10**40), "1.5", ""])
async def test_a_page_size_out_of_bounds_is_invalid(parent: httpx.AsyncClient, size: str) -> None:
    assert is_problem(await parent.get("/api/v1/basket", params={"page_size": size}), 422, "INVALID_PAYLOAD")


@pytest.mark.parametrize(
    "path", ["invoices/%00", "invoices/%FF%FE", "invoices/é", "invoices/" + "9" * 65, "payments/%2e%2e"]
)
async def test_an_id_that_cannot_be_is_not_found(parent: httpx.AsyncClient, path: str) -> None:
    answer = await parent.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["reason"] in {"NOT_FOUND", "INVOICE_NOT_FOUND", "PAYMENT_NOT_FOUND"}


@pytest.mark.parametrize("amount", [10**13, -(10**13), 10**30, "54", 54.5, None])
async def test_an_amount_that_is_no_amount_is_invalid(parent: httpx.AsyncClient, amount: object) -> None:
    body = {"expected_total": {"minor_units": amount, "currency": "EUR"}}
    answer = await parent.post("/api/v1/invoices", json=body)
    assert answer.status_code == (409 if amount == "54" else 422)


async def test_a_key_of_more_than_200_characters_is_invalid(parent: httpx.AsyncClient) -> None:
    answer = await parent.post("/api/v1/bulk-entries", json=ENTRY, headers={"Idempotency-Key": "k" * 201})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer \xe9"}],
)
async def test_nobody_gets_in_without_a_session(anyone: httpx.AsyncClient, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await anyone.get("/api/v1/household", headers=raw)  # type: ignore[arg-type]
    with_token = headers.get("Authorization", "").startswith("Bearer")
    assert is_problem(answer, 401, "SESSION_EXPIRED" if with_token else "SIGN_IN_REQUIRED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_password_says_nothing_of_what_was_wrong(anyone: httpx.AsyncClient) -> None:
    answers = [
        await anyone.post("/api/v1/sessions", json={"username": name, "password": "x"})
        for name in ("parent.demo", "nobody")
    ]
    assert all(is_problem(answer, 401, "SIGN_IN_FAILED") for answer in answers)
    assert answers[0].json()["detail"] == answers[1].json()["detail"] == "Nom d'utilisateur ou mot de passe incorrect."


async def test_a_session_of_one_town_is_none_of_another(parent: httpx.AsyncClient) -> None:
    answer = await parent.get("http://saint-aubin.localhost:8080/api/v1/household")
    assert is_problem(answer, 401, "SESSION_EXPIRED")


@pytest.mark.parametrize(
    "host", ["nowhere.localhost", "127.0.0.1", "casepilote.localhost.evil.example", "a" * 300, "a..b"]
)
async def test_an_unknown_host_is_no_town(parent: httpx.AsyncClient, world: World, host: str) -> None:
    answer = await parent.get("/api/v1/household", headers={"Host": host})
    assert is_problem(answer, 404, "UNKNOWN_TOWN")
    assert world.calls["GetHousehold"] == 0


async def test_an_unknown_method_says_which_are_known(parent: httpx.AsyncClient) -> None:
    answer = await parent.put("/api/v1/basket")
    assert is_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


async def test_an_unknown_address_is_not_found(parent: httpx.AsyncClient) -> None:
    assert is_problem(await parent.get("/api/v1/nothing"), 404, "NOT_FOUND")


async def test_throttling_says_when_to_come_back(anyone: httpx.AsyncClient, world: World) -> None:
    world.refusals["SignIn"] = DomainError(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", retry_at="2999-01-01T00:00:00+00:00")
    answer = await anyone.post("/api/v1/sessions", json={"username": "parent.demo", "password": "x"})
    assert is_problem(answer, 429, "TOO_MANY_ATTEMPTS")
    assert int(answer.headers["retry-after"]) > 1_000_000


async def test_a_conflict_may_be_tried_again(parent: httpx.AsyncClient, world: World) -> None:
    world.refusals["ApplyBulkEntry"] = ConflictError()
    answer = await parent.post("/api/v1/bulk-entries", json=ENTRY)
    assert is_problem(answer, 409, "CONFLICT")
    assert answer.headers["retry-after"] == "1"


async def test_a_failure_of_ours_gives_a_reference_and_no_detail(parent: httpx.AsyncClient, world: World) -> None:
    world.refusals["GetHousehold"] = DomainError(ErrorKind.BUG, "KEY_ERROR", "secret=42")
    answer = await parent.get("/api/v1/household")
    assert is_problem(answer, 500, "INTERNAL")
    assert "secret" not in answer.text
    assert answer.json()["trace_id"] in answer.json()["detail"]


async def test_english_is_spoken_to_who_accepts_only_english(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/api/v1/household", headers={"Accept-Language": "en-GB,en;q=0.9,fr;q=0.2"})
    french = await anyone.get("/api/v1/household", headers={"Accept-Language": "de"})
    assert answer.json()["title"] != french.json()["title"]


async def test_an_id_that_a_service_cannot_read_is_not_found(parent: httpx.AsyncClient, world: World) -> None:
    world.refusals["GetInvoice"] = InvalidError("INVALID_ID", "id")
    assert is_problem(await parent.get("/api/v1/invoices/x"), 404, "INVOICE_NOT_FOUND")


async def test_a_refused_internal_token_is_asked_for_anew_and_signs_nobody_out(
    parent: httpx.AsyncClient, world: World
) -> None:
    world.refusals["GetInvoice"] = DomainError(ErrorKind.UNAUTHENTICATED, "TOKEN_EXPIRED")
    assert is_problem(await parent.get("/api/v1/invoices/x"), 503, "UNAVAILABLE")
    del world.refusals["GetInvoice"]
    assert (await parent.get("/api/v1/household")).status_code == 200
    assert world.calls["ExchangeSession"] == 1
