"""The reference a parent reads out on the telephone leads an operator from the page to the ledger."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page

from tests.e2e.pages.conftest import PHONE, OpenPage, browser, open_page, sign_in
from tests.e2e.pages.steps import book_september
from tests.e2e.platform.payfip import ACCEPTED
from tests.e2e.platform.tracing import edges, names, whole_trace
from tests.e2e.platform.world import PASSWORD, World

__all__ = ["browser", "open_page"]

pytestmark = pytest.mark.timeout(180)

_LEDGER = """
SELECT DISTINCT account FROM ledger_entry e JOIN household h ON h.tenant_id = e.tenant_id AND h.key = e.household_key
 WHERE h.household_id = $1::uuid"""


async def test_the_references_on_the_pages_lead_from_the_click_to_the_ledger(world: World, open_page: OpenPage) -> None:
    family = await world.family()
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, world.platform.town_url(family.slug), family.accounts[0], PASSWORD)

    await book_september(page, "Enfant0")
    booking = await whole_trace(world.platform, await _reference(page), "consume preau.agenda.v1.ReservationsHeld")
    assert names(booking)[0] == "POST /agenda/saisie-groupee"
    assert ("agenda producer", "billing consumer") in edges(booking)

    await page.get_by_role("link", name="Accéder au paiement des réservations").first.click()
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.get_by_label("Numéro de carte").fill(ACCEPTED)
    await page.get_by_label("Expiration").fill("12/30")
    await page.get_by_label("Cryptogramme").fill("123")
    await page.get_by_role("button", name="Payer").click()
    await page.wait_for_url("**/paiement/retour/**")
    paying = await whole_trace(world.platform, await _reference(page), "preau.payment.v1.PaymentService/CreatePayment")
    assert names(paying)[0] == "POST /paiement/facture"
    assert "preau.billing.v1.BillingService/IssueInvoice" in names(paying)
    assert ("gateway client", "billing server") in edges(paying)
    assert ("billing server", "billing client") in edges(paying)
    accounts = {row["account"] for row in await world.books.fetch("billing", _LEDGER, family.id)}
    assert {"receivable"} < accounts


async def _reference(page: Page) -> str:
    """What the page tells to read out."""
    said = await page.get_by_text("Référence à donner si vous nous appelez").inner_text()
    found = re.search(r"[0-9a-f]{32}", said)
    assert found, said
    return found[0]
