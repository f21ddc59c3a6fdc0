"""The document's steps, by the labels a parent reads."""

from __future__ import annotations

from playwright.async_api import Page, expect

FOUR = ("Accueil périscolaire matin", "Restauration scolaire", "Accueil périscolaire midi", "Accueil périscolaire soir")
SEVEN = (
    *FOUR,
    "Centre de loisirs - Restauration mercredi",
    "Garderie soir du centre de loisirs mercredi",
    "Centre de loisirs du mercredi",
)


async def open_bulk_entry(page: Page) -> None:
    """Steps 3 and 4: Agenda, Saisie groupée."""
    await page.get_by_role("link", name="Agenda", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Agenda")
    await page.get_by_role("link", name="Saisie groupée").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Saisie groupée")


async def fill_bulk_entry(page: Page, child: str, activities: tuple[str, ...] = FOUR, action: str = "Créer") -> None:
    """Step 5: the user, the action, the month, the activities."""
    await page.get_by_role("group", name="Usagers").get_by_label(child).check()
    await page.get_by_label("Action", exact=True).select_option(label=action)
    await page.get_by_label("Période du", exact=True).fill("01/09/2025")
    await page.get_by_label("au", exact=True).fill("30/09/2025")
    for name in activities:
        await page.get_by_label(name, exact=True).check()


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Enregistrer").click()


async def book_september(page: Page, child: str) -> None:
    """Steps 3 to 5, to the result."""
    await open_bulk_entry(page)
    await fill_bulk_entry(page, child)
    await save(page)
    await expect(page.get_by_text(f"72 réservations seront créées pour {child}, 54,00 €")).to_be_visible()
    await page.get_by_role("button", name="Confirmer").click()
    await expect(page.get_by_text(f"72 réservations ont été créées pour {child}, 54,00 €")).to_be_visible()


async def check_pending_list(page: Page) -> None:
    """Step 6, word for word (acceptance points 28 to 50)."""
    await page.get_by_role("link", name="Accéder au paiement des réservations").first.click()
    await expect(page.get_by_text("Montant à payer : 54,00 euros.", exact=True)).to_be_visible()
    await expect(page.get_by_text("Après vérification vous pouvez procéder au paiement")).to_be_visible()
    await expect(page.get_by_text("Affichage de l'élément 1 à 10 sur 72 éléments")).to_be_visible()
    assert await page.get_by_label("Afficher").locator("option:checked").inner_text() == "10"
    for name in ("Sélectionner tout", "Désélectionner tout", "Supprimer les réservations sélectionnées"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    await expect(page.get_by_text("Filtrer", exact=True)).to_be_visible()
    rows = await page.locator("table.list tbody tr").all()
    shown = [
        [" ".join((await cell.inner_text()).split()) for cell in (await row.locator("td").all())[1:5]] for row in rows
    ]
    days = ["01/09/2025"] * 4 + ["02/09/2025"] * 4 + ["04/09/2025"] * 2
    assert [row[0] for row in shown] == days
    assert [row[1] for row in shown] == [*FOUR, *FOUR, *FOUR[:2]]
    assert {row[3] for row in shown} == {"En attente de paiement"}
    crosses = [await row.get_by_role("button", name="Supprimer").count() for row in rows]
    assert crosses == [1, 0, 0, 1, 1, 0, 0, 1, 1, 0]
    pager = " ".join((await page.get_by_role("navigation", name="Pages").inner_text()).split())
    assert pager == "1 2 3 4 5 ... 8"


async def delete_everything(page: Page, count: int) -> None:
    """« Sélectionner tout », « Supprimer les réservations sélectionnées », and the confirmation."""
    await page.get_by_role("button", name="Sélectionner tout", exact=True).click()
    await page.get_by_role("button", name="Supprimer les réservations sélectionnées").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Supprimer {count} réservations ?")
    await page.get_by_role("button", name="Confirmer la suppression").click()
    await expect(page.get_by_text("Rien à payer.")).to_be_visible()
