"""The town's document « Procédure de paiement de la cantine scolaire », walked in a real browser on the real platform.

At a phone's and a desktop's width, with scripts and without; twice the pending rows are deleted again, twice they are paid.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from preau_stack.running import RunningPlatform

from tests.e2e.pages.conftest import DESKTOP, PHONE, OpenPage, sign_in
from tests.e2e.pages.steps import SEVEN, book_september, check_pending_list, delete_everything

pytestmark = pytest.mark.timeout(300)


async def pay_by_card(page: Page) -> None:
    """Step 7, on the provider's page."""
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.get_by_label("Numéro de carte").fill("4111 1111 1111 1111")
    await page.get_by_label("Expiration").fill("12/30")
    await page.get_by_label("Cryptogramme").fill("123")
    await page.get_by_role("button", name="Payer").click()
    back = page.get_by_role("link", name=re.compile("[Rr]etour|[Rr]evenir|[Cc]ontinuer"))
    if "/paiement/retour/" not in page.url and await back.count():
        await back.first.click()
    await expect(page.get_by_text("Vos 72 réservations sont confirmées.")).to_be_visible(timeout=20_000)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Paiement confirmé")


async def test_the_documents_seven_steps_at_two_widths_with_and_without_scripts(
    platform: RunningPlatform, open_page: OpenPage
) -> None:
    url = platform.town_url("casepilote").rstrip("/")
    username, password = platform.account("casepilote")
    with platform.client("casepilote") as client:
        token = client.post("/api/v1/sessions", json={"username": username, "password": password}).json()["token"]
        household = client.get("/api/v1/household", headers={"Authorization": f"Bearer {token}"}).json()
    first, second = (child["first_name"] for child in household["children"][:2])
    for width, scripts, child, is_paid in (
        (PHONE, False, first, False),
        (DESKTOP, True, second, False),
        (PHONE, True, first, True),
        (DESKTOP, False, second, True),
    ):
        page = await open_page(width, scripts=scripts)
        await sign_in(page, url, username, password)
        await book_september(page, child)
        await check_pending_list(page)
        if not is_paid:
            await delete_everything(page, 72)
            continue
        await pay_by_card(page)
        await page.goto(f"{url}/paiement")
        await expect(page.get_by_text("Rien à payer.")).to_be_visible()
        await page.goto(f"{url}/factures")
        await expect(page.get_by_text("Payée").first).to_be_visible()


async def test_the_bulk_entry_form_has_the_documents_labels_in_the_documents_order(
    platform: RunningPlatform, open_page: OpenPage
) -> None:
    url = platform.town_url("casepilote").rstrip("/")
    page = await open_page(DESKTOP)
    await sign_in(page, url, *platform.account("casepilote"))
    await page.goto(f"{url}/agenda/saisie-groupee")
    activities = page.get_by_role("group", name="Activités").get_by_role("checkbox")
    assert [
        await page.locator(f"label[for='{await box.get_attribute('id')}']").inner_text()
        for box in await activities.all()
    ] == list(SEVEN)
    assert await page.get_by_label("Action", exact=True).locator("option").all_inner_texts() == [
        "Sélectionnez dans la liste...",
        "Créer",
        "Supprimer",
    ]
    assert (await page.get_by_label("Périodicité").locator("option").all_inner_texts())[0] == "Aucune"
    for name in ("Usagers", "Activités", "Jours de la semaine"):
        await expect(page.get_by_role("group", name=name, exact=True)).to_be_visible()
    for name in ("Lundi", "Mardi", "Jeudi", "Vendredi"):
        await expect(page.get_by_label(name, exact=True)).to_be_visible()
