"""What can go wrong between the invoice and the money: each has its sentence, and every cent is accounted for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.platform.parent import Parent, assert_refused
from tests.e2e.platform.payfip import REFUSED, operation_of
from tests.e2e.platform.world import Family, World, eventually

TOTAL = 1200
ROWS = 16


@dataclass(frozen=True, slots=True)
class Buyer:
    """A family with four days booked, 12,00 euros to pay."""

    world: World
    family: Family
    parent: Parent

    async def counts(self) -> dict[int, int]:
        return await self.world.books.statuses(self.family.id)

    async def is_paid_once(self, invoice_id: str) -> None:
        paid = await self.parent.settled(invoice_id)
        assert paid["receipt_number"]
        assert await self.counts() == {2: ROWS}
        assert await self.world.books.payments_of(self.family.id) == 1
        assert await self.world.books.confirmations(self.family.id) == 1
        await self.world.audit("casepilote")

    async def is_still_due(self, invoice_id: str) -> None:
        assert (await self.parent.invoice(invoice_id))["status"] == "issued"
        assert await self.counts() == {1: ROWS}
        assert await self.world.books.payments_of(self.family.id) == 0

    async def pay_again(self, invoice_id: str) -> dict[str, Any]:
        answer = await self.parent.post(f"invoices/{invoice_id}/payments", None)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture
async def buyer(world: World) -> AsyncIterator[Buyer]:
    family = await world.family()
    async with world.parent(family) as parent:
        await parent.book("2025-09-01", "2025-09-05")
        yield Buyer(world, family, parent)


async def test_a_refused_card_leaves_the_invoice_to_be_paid_again(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    await world.payfip.pay(invoice["payment_url"], REFUSED)
    attempt = await buyer.parent.payment(invoice["attempt_id"])
    assert (attempt["status"], attempt["invoice_status"]) == ("denied", "issued")
    await buyer.is_still_due(invoice["id"])

    again = await buyer.pay_again(invoice["id"])
    assert again["attempt_id"] != invoice["attempt_id"]
    await world.payfip.pay(again["payment_url"])
    await buyer.is_paid_once(invoice["id"])


async def test_an_abandoned_payment_gives_the_reservations_back_to_the_basket(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    await world.payfip.abandon(invoice["payment_url"])
    assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] == "cancelled"
    await buyer.is_still_due(invoice["id"])

    reopened = await buyer.parent.post(f"invoices/{invoice['id']}/reopen", None)
    assert reopened.status_code == 201, reopened.text
    note = reopened.json()
    assert (note["kind"], note["related_id"]) == ("credit_note", invoice["id"])
    assert (await buyer.parent.invoice(invoice["id"]))["status"] == "cancelled"
    basket = await buyer.parent.basket()
    assert (basket["count"], basket["total"]["minor_units"]) == (ROWS, TOTAL)
    refused = await buyer.parent.post(f"invoices/{invoice['id']}/payments", None)
    assert_refused(refused, 409, "INVOICE_NOT_PAYABLE", "Cette facture est annulée par un avoir : vous ne devez rien.")
    await world.audit("casepilote")


async def test_an_open_payment_page_blocks_taking_the_reservations_back(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    await world.payfip.open(invoice["payment_url"])
    refused = await buyer.parent.post(f"invoices/{invoice['id']}/reopen", None)
    assert_refused(
        refused,
        409,
        "PAYMENT_IN_PROGRESS",
        "Un paiement déjà commencé pour cette facture n'a pas encore donné sa réponse.",
    )
    await buyer.is_still_due(invoice["id"])


async def test_a_late_notification_settles_though_the_browser_never_came_back(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(delay_notification=1.0):
        await world.payfip.pay(invoice["payment_url"])
        await buyer.is_still_due(invoice["id"])
        await buyer.is_paid_once(invoice["id"])


async def test_a_lost_notification_is_made_up_for_by_the_browsers_return(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(drop_notification=True):
        await world.payfip.pay(invoice["payment_url"])
    await buyer.is_still_due(invoice["id"])
    assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] == "paid"
    await buyer.is_paid_once(invoice["id"])


async def test_a_lost_notification_and_a_lost_browser_are_made_up_for_by_the_poller(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(drop_notification=True):
        await world.payfip.pay(invoice["payment_url"])
    await buyer.is_still_due(invoice["id"])
    assert await world.poll("casepilote") >= 1
    await buyer.is_paid_once(invoice["id"])


async def test_a_duplicated_notification_settles_once(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(duplicate_notification=True):
        await world.payfip.pay(invoice["payment_url"])
    await buyer.is_paid_once(invoice["id"])
    assert await world.payfip.notify(invoice["payment_url"]) == 200
    await buyer.is_paid_once(invoice["id"])


async def test_a_forged_notification_proves_nothing(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    await world.payfip.open(invoice["payment_url"])
    operation = operation_of(invoice["payment_url"])
    forged: tuple[dict[str, str], ...] = (
        {"idop": operation},
        {"idop": operation, "resultrans": "P", "montant": str(TOTAL)},
        {"idop": "cc0cb210-1cd4-11ea-8cca-0213ad91a103"},
        {"idop": "' OR 1=1 --"},
        {},
    )
    for form in forged:
        answer = await buyer.parent.client.post("/webhooks/payfip", data=form)
        assert (answer.status_code, answer.text) == (200, "OK")
    async with world.visitor("saint-aubin") as elsewhere:
        assert (await elsewhere.client.post("/webhooks/payfip", data={"idop": operation})).status_code == 200
    assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] in {"redirected", "pending"}
    await buyer.is_still_due(invoice["id"])
    assert await world.alerts(buyer.family) == []


async def test_a_provider_that_is_down_takes_nothing_and_the_same_call_goes_on_later(
    world: World, buyer: Buyer
) -> None:
    body = {"expected_total": {"minor_units": TOTAL, "currency": "EUR"}}
    async with world.payfip.switched(bad_gateway=True):
        answer = await buyer.parent.post("invoices", body, "payer")
        problem = assert_refused(
            answer,
            503,
            "PROVIDER_UNAVAILABLE",
            "Le service de paiement ne répond pas. Rien n'a été demandé à votre carte.",
        )
        assert "Vos places sont gardées jusqu'à" in problem["detail"]
        assert int(answer.headers["retry-after"]) > 0
        (kept,) = await buyer.parent.invoices()
        assert (kept["status"], kept["id"]) == ("issued", problem["metadata"]["invoice_id"])
    await buyer.is_still_due(kept["id"])
    again = await buyer.parent.post("invoices", body, "payer")
    assert (again.status_code, again.json()["number"]) == (201, kept["number"])
    await world.payfip.pay(again.json()["payment_url"])
    await buyer.is_paid_once(kept["id"])


async def test_a_provider_that_is_down_at_the_return_is_asked_again(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(technical_fault=True):
        await world.payfip.pay(invoice["payment_url"])
        attempt = await buyer.parent.payment(invoice["attempt_id"])
        assert (attempt["is_provider_unreachable"], attempt["invoice_status"]) == (True, "issued")
        await buyer.is_still_due(invoice["id"])
    attempt = await buyer.parent.payment(invoice["attempt_id"])
    assert (attempt["is_provider_unreachable"], attempt["status"]) == (False, "paid")
    await buyer.is_paid_once(invoice["id"])


async def test_a_provider_that_is_too_slow_is_told_like_one_that_is_down(world: World, buyer: Buyer) -> None:
    body = {"expected_total": {"minor_units": TOTAL, "currency": "EUR"}}
    async with world.payfip.switched(slow=11.0):
        answer = await buyer.parent.post("invoices", body, "payer")
    assert answer.status_code in {503, 504}, answer.text
    assert answer.json()["reason"] in {"PROVIDER_UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert "Rien n'" in answer.json()["detail"]
    (kept,) = await buyer.parent.invoices()
    await buyer.is_still_due(kept["id"])
    again = await buyer.parent.post("invoices", body, "payer")
    assert again.status_code == 201, again.text
    await world.payfip.pay(again.json()["payment_url"])
    await buyer.is_paid_once(kept["id"])


async def test_an_amount_changed_at_the_provider_settles_nothing_and_calls_a_clerk(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(wrong_amount=True):
        await world.payfip.pay(invoice["payment_url"])
        assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] == "pending"

        async def is_told() -> bool:
            return await world.alerts(buyer.family) == [("AMOUNT_MISMATCH", TOTAL + 100)]

        await eventually(is_told)
        await buyer.is_still_due(invoice["id"])
        await buyer.parent.payment(invoice["attempt_id"])
        assert len(await world.alerts(buyer.family)) == 1
    assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] == "paid"
    await buyer.is_paid_once(invoice["id"])


async def test_a_result_nobody_knows_is_no_result(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    async with world.payfip.switched(unknown_result=True):
        await world.payfip.pay(invoice["payment_url"])
        assert (await buyer.parent.payment(invoice["attempt_id"]))["status"] == "pending"
        await buyer.is_still_due(invoice["id"])
    assert await world.poll("casepilote") >= 1
    await buyer.is_paid_once(invoice["id"])


async def test_an_invoice_paid_twice_is_settled_once_and_the_rest_is_the_familys(world: World, buyer: Buyer) -> None:
    invoice = await buyer.parent.issue()
    first = await world.payfip.open(invoice["payment_url"])
    again = await buyer.pay_again(invoice["id"])
    await world.payfip.pay(again["payment_url"])
    await buyer.parent.settled(invoice["id"])
    await world.payfip.submit(first, number="4111111111111111", expiry="12/30", code="123", action="pay")

    async def is_credited() -> bool:
        return await world.books.family_credit(buyer.family.id) == TOTAL

    await eventually(is_credited)
    assert await world.alerts(buyer.family) == [("DOUBLE_PAYMENT", TOTAL)]
    assert await world.books.payments_of(buyer.family.id) == 2
    assert await buyer.counts() == {2: ROWS}
    await world.audit("casepilote")
