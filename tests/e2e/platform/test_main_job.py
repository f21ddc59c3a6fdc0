"""The main job as an outside client does it: sign in, book a month, pay by card on the provider's page."""

from __future__ import annotations

from tests.e2e.platform.parent import LABELS, Parent
from tests.e2e.platform.world import PASSWORD, World


async def test_a_month_is_booked_invoiced_paid_and_confirmed(world: World) -> None:
    family = await world.family(children=2, guardians=2)
    async with world.visitor("casepilote") as parent:
        opened = await parent.post("sessions", {"username": family.accounts[0], "password": PASSWORD})
        assert opened.status_code == 201
        parent.client.headers["Authorization"] = f"Bearer {opened.json()['token']}"

        entry = await _september(parent)
        preview = (await parent.post("bulk-entries/preview", entry)).json()
        assert (preview["created"], preview["skipped"]) == (72, [])
        assert preview["total"] == {"minor_units": 5400, "currency": "EUR"}
        created = (await parent.post("bulk-entries", entry, "septembre")).json()
        assert (created["created"], created["skipped"]) == (72, [])

        basket = await parent.basket()
        assert (basket["count"], basket["total"]) == (72, {"minor_units": 5400, "currency": "EUR"})
        days = sorted({line["day"] for line in basket["lines"]})
        assert (len(days), days[0], days[-1]) == (18, "2025-09-01", "2025-09-30")
        assert [line["activity"]["name"] for line in basket["lines"][:4]] == list(LABELS)
        assert {line["status"] for line in basket["lines"]} == {"pending_payment"}

        issued = await parent.post("invoices", {"expected_total": basket["total"]}, "facture")
        assert issued.status_code == 201
        invoice = issued.json()
        assert (invoice["status"], invoice["total"]["minor_units"], len(invoice["lines"])) == ("issued", 5400, 72)
        assert (await parent.basket())["count"] == 0

        back = await world.payfip.pay(invoice["payment_url"])
        assert back.startswith(f"{world.platform.town_url()}/paiement/retour/{invoice['attempt_id']}?idOp=")

        paid = await parent.settled(invoice["id"])
        assert (paid["status"], paid["number"]) == ("paid", invoice["number"])
        attempt = await parent.payment(invoice["attempt_id"])
        assert (attempt["status"], attempt["reservations_confirmed"]) == ("paid", True)
        await _has_documents(parent, paid)
        reserved = await parent.reservations("2025-09")
        assert (len(reserved), set(reserved.values())) == (72, {"confirmed"})
        assert (await parent.basket())["total"]["minor_units"] == 0

    assert (await world.receipt(family, invoice["id"])).startswith(b"%PDF-")
    assert await world.books.statuses(family.id) == {2: 72}
    assert await world.books.confirmations(family.id) == 1
    assert await world.books.payments_of(family.id) == 1
    assert await world.alerts(family) == []
    await world.audit("casepilote")


async def _september(parent: Parent) -> dict[str, object]:
    household = (await parent.get("household")).json()
    activities = (await parent.get("activities")).json()["items"]
    assert [each["name"] for each in activities][: len(LABELS)] == list(LABELS)
    chosen = [each["id"] for each in activities if each["name"] in LABELS]
    return {
        "child_ids": [household["children"][0]["id"]],
        "action": "create",
        "from": "2025-09-01",
        "to": "2025-09-30",
        "activity_ids": chosen,
        "periodicity": "none",
        "weekdays": [],
    }


async def _has_documents(parent: Parent, paid: dict[str, object]) -> None:
    pdf = await parent.get(f"invoices/{paid['id']}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert paid["receipt_number"]
    listed = (await parent.get("invoices")).json()["items"]
    assert [(each["number"], each["status"], each["line_count"]) for each in listed] == [(paid["number"], "paid", 72)]
