"""The source document's month through the JSON API on the real platform: 72 rows, 54,00 euros, one payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from preau_stack.running import RunningPlatform

LABELS = (
    "Accueil périscolaire matin",
    "Restauration scolaire",
    "Accueil périscolaire midi",
    "Accueil périscolaire soir",
)


@pytest.fixture
def parent(platform: RunningPlatform) -> Iterator[httpx.Client]:
    with platform.client("casepilote") as client:
        username, password = platform.account("casepilote")
        token = client.post("/api/v1/sessions", json={"username": username, "password": password}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def september(client: httpx.Client, action: str = "create") -> dict[str, Any]:
    child = client.get("/api/v1/household").json()["children"][0]
    activities = client.get("/api/v1/activities").json()["items"]
    chosen = [each["id"] for each in activities if each["name"] in LABELS]
    return {
        "child_ids": [child["id"]],
        "action": action,
        "from": "2025-09-01",
        "to": "2025-09-30",
        "activity_ids": chosen,
        "periodicity": "none",
        "weekdays": [],
    }


def test_the_documents_month_is_72_rows_for_54_euros_and_can_be_undone(parent: httpx.Client) -> None:
    # Another test may have booked and paid the same month on this platform.
    freed = parent.post("/api/v1/bulk-entries", json=september(parent, action="delete"))
    assert freed.status_code == 200, freed.text
    entry = september(parent)
    assert len(entry["activity_ids"]) == 4
    preview = parent.post("/api/v1/bulk-entries/preview", json=entry).json()
    assert (preview["created"], preview["total"]) == (72, {"minor_units": 5400, "currency": "EUR"})
    applied = parent.post("/api/v1/bulk-entries", json=entry, headers={"Idempotency-Key": "septembre"})
    assert applied.status_code == 200, applied.text
    assert applied.json()["created"] == 72
    again = parent.post("/api/v1/bulk-entries", json=entry, headers={"Idempotency-Key": "septembre"})
    assert again.json() == applied.json()
    basket = parent.get("/api/v1/basket", params={"page_size": 10}).json()
    assert (basket["total"]["minor_units"], basket["count"], len(basket["lines"])) == (5400, 72, 10)
    assert basket["lines"] == sorted(basket["lines"], key=lambda line: line["day"])
    assert {line["status"] for line in basket["lines"]} == {"pending_payment"}
    undone = parent.post(f"/api/v1/bulk-entries/{applied.json()['entry_id']}/undo")
    assert undone.json()["removed"] == 72
    assert parent.get("/api/v1/basket").json()["count"] == 0


def test_a_basket_becomes_an_invoice_with_a_payment_page(parent: httpx.Client, platform: RunningPlatform) -> None:
    entry = {**september(parent), "from": "2025-10-06", "to": "2025-10-10"}
    applied = parent.post("/api/v1/bulk-entries", json=entry).json()
    assert applied["created"] == 16
    total = parent.get("/api/v1/basket").json()["total"]
    stale = parent.post("/api/v1/invoices", json={"expected_total": {**total, "minor_units": total["minor_units"] + 1}})
    assert (stale.status_code, stale.json()["reason"]) == (409, "BASKET_CHANGED")
    issued = parent.post("/api/v1/invoices", json={"expected_total": total}, headers={"Idempotency-Key": "octobre"})
    assert issued.status_code == 201, issued.text
    invoice = issued.json()
    assert (invoice["status"], invoice["total"], len(invoice["lines"])) == ("issued", total, 16)
    assert invoice["payment_url"].startswith("http")
    same = parent.post("/api/v1/invoices", json={"expected_total": total}, headers={"Idempotency-Key": "octobre"})
    assert same.json()["number"] == invoice["number"]
    pdf = parent.get(f"/api/v1/invoices/{invoice['id']}/pdf")
    assert pdf.content.startswith(b"%PDF")
    attempt = parent.get(f"/api/v1/payments/{invoice['attempt_id']}").json()
    assert attempt["status"] in {"created", "redirected", "pending"}
    assert attempt["invoice_id"] == invoice["id"]

    # Given up at the provider, the invoice can be taken back, and nothing waits to be paid any more.
    operation = invoice["payment_url"].partition("idop=")[2]
    result = httpx.post(
        f"{platform.simulator_url}/admin/api/payments/{operation}/result", json={"result": "A"}, trust_env=False
    )
    assert result.is_success, result.text
    assert parent.get(f"/api/v1/payments/{invoice['attempt_id']}").json()["status"] == "cancelled"
    assert parent.post(f"/api/v1/invoices/{invoice['id']}/reopen").status_code == 201
    removed = parent.post("/api/v1/bulk-entries", json={**entry, "action": "delete"}).json()["removed"]
    assert (removed, parent.get("/api/v1/basket").json()["count"]) == (16, 0)


def test_ids_of_others_and_of_nobody_are_not_found(parent: httpx.Client, platform: RunningPlatform) -> None:
    entry = september(parent)
    nobody = "0190c1a8-0000-7000-8000-000000000000"
    for path in (f"invoices/{nobody}", f"payments/{nobody}", "reservations/999999999", "invoices/x", "payments/x"):
        assert parent.get(f"/api/v1/{path}").status_code == 404, path
    body = {"child_id": nobody, "day": "2025-09-02", "activity_ids": entry["activity_ids"]}
    assert parent.post("/api/v1/reservations", json=body).status_code == 404
    with platform.client("saint-aubin") as elsewhere:
        username, password = platform.account("saint-aubin")
        opened = elsewhere.post("/api/v1/sessions", json={"username": username, "password": password})
        elsewhere.headers["Authorization"] = f"Bearer {opened.json()['token']}"
        assert elsewhere.post("/api/v1/bulk-entries", json=entry).status_code == 404
        elsewhere.headers["Authorization"] = parent.headers["Authorization"]
        assert elsewhere.get("/api/v1/household").status_code == 401
