"""The main job through the JSON API, against services that answer but do not decide."""

from __future__ import annotations

import httpx
from preau.payment.v1 import payment_service_pb2 as payment
from preau_kernel.errors import UnavailableError

from tests.fixtures.fake_world import World

SEPTEMBER = {
    "child_ids": ["child-1", "child-2"],
    "action": "create",
    "from": "2025-09-01",
    "to": "2025-09-30",
    "activity_ids": ["act-midi", "act-meal"],
    "periodicity": "none",
    "weekdays": [],
}


async def test_the_household_lists_its_children_by_name(parent: httpx.AsyncClient) -> None:
    answer = (await parent.get("/api/v1/household")).json()
    assert answer["children"][0] == {"id": "child-1", "first_name": "Maëlle", "last_name": "Démo"}


async def test_activities_come_as_a_list_with_kind_and_weekdays(parent: httpx.AsyncClient) -> None:
    answer = (await parent.get("/api/v1/activities")).json()
    assert [each["kind"] for each in answer["items"]] == ["childcare", "meal"]
    assert answer["items"][1]["weekdays"] == [1, 2, 4, 5]
    assert answer["next_page_token"] == ""


async def test_the_agenda_gives_a_state_a_day_and_child(parent: httpx.AsyncClient) -> None:
    answer = (await parent.get("/api/v1/agenda", params={"month": "2025-09"})).json()
    assert answer["items"][0]["day"] == "2025-09-01"
    assert answer["items"][0]["state"] == "bookable"


async def test_a_preview_counts_and_prices_without_writing(parent: httpx.AsyncClient, world: World) -> None:
    answer = (await parent.post("/api/v1/bulk-entries/preview", json=SEPTEMBER)).json()
    assert (answer["created"], answer["removed"], answer["skipped"]) == (4, 0, [])
    assert answer["total"] == {"minor_units": 180, "currency": "EUR"}
    assert world.held == {}


async def test_a_bulk_entry_answers_counts_and_skipped_rows_with_reasons(parent: httpx.AsyncClient) -> None:
    answer = await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["created"], body["removed"]) == (4, 0)
    assert body["skipped"] == [
        {"child_id": "child-1", "day": "2025-09-30", "activity_id": "act-midi", "reason": "SITE_CLOSED"}
    ]
    assert body["undo_until"] == "2025-08-20T13:10:00Z"


async def test_the_basket_is_asked_for_at_the_agendas_revision(parent: httpx.AsyncClient, world: World) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    answer = (await parent.get("/api/v1/basket", params={"page_size": 3})).json()
    assert answer["total"] == {"minor_units": 180, "currency": "EUR"}
    assert answer["count"] == 4
    line = answer["lines"][0]
    assert line["child"]["first_name"] == "Maëlle"
    assert line["activity"]["name"] == "Accueil périscolaire midi"
    assert line["status"] == "pending_payment"
    asked = [each for each in world.requests if type(each).__name__ == "GetBasketRequest"]
    assert asked[-1].min_revision == world.revision > 0
    rest = (await parent.get("/api/v1/basket", params={"page_size": 3, "page_token": answer["next_page_token"]})).json()
    assert len(rest["lines"]) == 1
    assert rest["next_page_token"] == ""


async def test_an_invoice_is_issued_after_the_holds_and_leads_to_the_payment_page(
    parent: httpx.AsyncClient, world: World
) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    answer = await parent.post("/api/v1/invoices", json={"expected_total": {"minor_units": 180, "currency": "EUR"}})
    assert answer.status_code == 201
    body = answer.json()
    assert body["status"] == "issued"
    assert body["total"] == {"minor_units": 180, "currency": "EUR"}
    assert len(body["lines"]) == 4
    assert body["payment_url"].startswith("https://payeur.example/")
    issued = next(each for each in world.requests if type(each).__name__ == "IssueInvoiceRequest")
    assert issued.min_revision == world.revision
    started = next(each for each in world.requests if type(each).__name__ == "StartPaymentRequest")
    assert started.return_url == "http://casepilote.localhost:8080/paiement/retour/{attempt_id}"
    assert started.notify_url == "http://casepilote.localhost:8080/webhooks/payfip"
    assert (await parent.get(f"/api/v1/invoices/{body['id']}")).json()["number"] == "CP-2025-000001"
    assert (await parent.get("/api/v1/invoices")).json()["items"][0]["id"] == body["id"]
    pdf = await parent.get(f"/api/v1/invoices/{body['id']}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"] == 'inline; filename="CP-2025-000001.pdf"'
    assert pdf.content.startswith(b"%PDF")


async def test_a_stale_total_is_refused_with_both_amounts(parent: httpx.AsyncClient) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    answer = await parent.post("/api/v1/invoices", json={"expected_total": {"minor_units": 5400, "currency": "EUR"}})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["reason"] == "BASKET_CHANGED"
    assert answer.json()["metadata"] == {"expected_minor": "5400", "actual_minor": "180"}


async def test_the_same_key_and_body_give_the_same_invoice_once(parent: httpx.AsyncClient, world: World) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    key = {"Idempotency-Key": "facture de septembre"}
    body = {"expected_total": {"minor_units": 180, "currency": "EUR"}}
    first = await parent.post("/api/v1/invoices", json=body, headers=key)
    again = await parent.post("/api/v1/invoices", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len(world.invoices) == len(world.attempts) == 1


async def test_the_same_key_with_another_body_is_a_conflict(parent: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await parent.post("/api/v1/bulk-entries", json=SEPTEMBER, headers=key)).status_code == 200
    other = await parent.post("/api/v1/bulk-entries", json={**SEPTEMBER, "to": "2025-09-29"}, headers=key)
    assert (other.status_code, other.json()["reason"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_a_provider_that_is_away_leaves_the_invoice_and_says_which(
    parent: httpx.AsyncClient, world: World
) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    world.refusals["StartPayment"] = UnavailableError("PROVIDER_UNAVAILABLE")
    key = {"Idempotency-Key": "one"}
    body = {"expected_total": {"minor_units": 180, "currency": "EUR"}}
    refused = await parent.post("/api/v1/invoices", json=body, headers=key)
    assert refused.status_code == 503
    assert refused.json()["reason"] == "PROVIDER_UNAVAILABLE"
    assert refused.json()["metadata"]["invoice_id"] == "invoice-1"
    assert int(refused.headers["retry-after"]) > 0
    del world.refusals["StartPayment"]
    assert (await parent.post("/api/v1/invoices", json=body, headers=key)).json()["id"] == "invoice-1"


async def test_an_open_payment_is_looked_up_and_a_paid_one_is_not(parent: httpx.AsyncClient, world: World) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    issued = await parent.post("/api/v1/invoices", json={"expected_total": {"minor_units": 180, "currency": "EUR"}})
    attempt = issued.json()["attempt_id"]
    for _ in range(2):
        answer = (await parent.get(f"/api/v1/payments/{attempt}")).json()
        assert (answer["status"], answer["invoice_status"]) == ("paid", "paid")
    assert world.calls["RefreshPayment"] == 1


async def test_anothers_payment_is_not_found_and_not_looked_up(parent: httpx.AsyncClient, world: World) -> None:
    world.attempts["attempt-9"] = payment.Payment(
        id="attempt-9", invoice_id="invoice-of-others", status=payment.PAYMENT_STATUS_REDIRECTED
    )
    answer = await parent.get("/api/v1/payments/attempt-9")
    assert answer.status_code == 404
    assert world.calls["RefreshPayment"] == 0


async def test_paying_again_and_taking_the_reservations_back(parent: httpx.AsyncClient) -> None:
    await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)
    issued = await parent.post("/api/v1/invoices", json={"expected_total": {"minor_units": 180, "currency": "EUR"}})
    invoice = issued.json()["id"]
    again = await parent.post(f"/api/v1/invoices/{invoice}/payments")
    assert again.status_code == 201
    assert again.json()["attempt_id"] != issued.json()["attempt_id"]
    note = await parent.post(f"/api/v1/invoices/{invoice}/reopen")
    assert (note.json()["kind"], note.json()["related_id"]) == ("credit_note", invoice)


async def test_reservations_one_by_one(parent: httpx.AsyncClient) -> None:
    made = await parent.post(
        "/api/v1/reservations", json={"child_id": "child-1", "day": "2025-09-02", "activity_ids": ["act-midi"]}
    )
    assert made.status_code == 201
    reservation = made.json()["items"][0]
    assert (reservation["status"], reservation["day"]) == ("pending_payment", "2025-09-02")
    assert (await parent.get(f"/api/v1/reservations/{reservation['id']}")).json()["id"] == reservation["id"]
    gone = await parent.request("DELETE", "/api/v1/reservations", json={"ids": [reservation["id"]]})
    assert (gone.status_code, gone.json()["ids"]) == (200, [reservation["id"]])
    assert (await parent.get(f"/api/v1/reservations/{reservation['id']}")).status_code == 404


async def test_another_households_child_is_not_found(parent: httpx.AsyncClient) -> None:
    answer = await parent.post(
        "/api/v1/reservations", json={"child_id": "child-3", "day": "2025-09-02", "activity_ids": ["act-midi"]}
    )
    assert (answer.status_code, answer.json()["reason"]) == (404, "CHILD_NOT_FOUND")


async def test_a_bulk_entry_can_be_undone(parent: httpx.AsyncClient) -> None:
    entry = (await parent.post("/api/v1/bulk-entries", json=SEPTEMBER)).json()["entry_id"]
    undone = await parent.post(f"/api/v1/bulk-entries/{entry}/undo")
    assert (undone.status_code, undone.json()["removed"]) == (200, 4)
