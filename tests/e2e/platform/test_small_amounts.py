"""A basket below the provider's minimum: no invoice is made that nobody could pay as they wish."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.pages.conftest import PHONE, OpenPage, browser, open_page, sign_in
from tests.e2e.platform.parent import assert_refused
from tests.e2e.platform.world import PASSWORD, World

__all__ = ["browser", "open_page"]


async def test_a_small_basket_is_refused_before_anything_is_issued_and_stays_held(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        await parent.book("2025-09-02", "2025-09-02", "matin")
        total = (await parent.basket())["total"]
        problem = assert_refused(
            await parent.post("invoices", {"expected_total": total}), 409, "AMOUNT_TOO_SMALL",
            "Le paiement en ligne commence à 1,00\xa0€, votre panier est à 0,45\xa0€. Aucune facture n'a été créée "
            "et vos places restent gardées jusqu'à ",
        )  # fmt: skip
        assert (
            "Ajoutez des réservations pour atteindre 1,00\xa0€, ou réglez auprès du service scolaire"
            in problem["detail"]
        )
        assert await parent.invoices() == []
        assert (await parent.basket())["count"] == 1
        assert await world.books.statuses(family.id) == {1: 1}

        counter = await parent.post("invoices", {"expected_total": total, "payment": "counter"})
        assert (counter.status_code, counter.json()["payment_url"], counter.json()["status"]) == (201, "", "issued")
        refused = await parent.post(f"invoices/{counter.json()['id']}/payments", None)
        assert_refused(refused, 409, "AMOUNT_TOO_SMALL", "Cette facture se règle auprès du service scolaire")


async def test_the_invoice_of_a_small_basket_says_that_it_is_for_the_counter(world: World, open_page: OpenPage) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        await parent.book("2025-09-02", "2025-09-02", "matin")
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, world.platform.town_url(family.slug), family.accounts[0], PASSWORD)
    await page.goto(world.platform.town_url(family.slug) + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.get_by_role("button", name="Générer la facture et payer au guichet").click()
    await page.wait_for_url("**/factures/*")
    await expect(page.get_by_text("À régler au guichet")).to_be_visible()
    await expect(page.get_by_text("Cette facture se règle au guichet du service scolaire")).to_be_visible()
    await expect(page.get_by_role("button", name="Reprendre mes réservations")).to_be_visible()
    await expect(page.get_by_role("button", name="Payer")).to_have_count(0)


async def test_a_refused_booking_names_what_it_is_about(world: World) -> None:
    async with world.parent(await world.family()) as parent:
        meal = {
            "child_id": parent.children[0],
            "day": "2025-09-02",
            "activity_ids": [parent.activities["restauration"]],
        }
        alone = await parent.post("reservations", meal)
        assert_refused(
            alone, 409, "REQUIRES_ACTIVITY", "Restauration scolaire demande aussi Accueil périscolaire midi."
        )
        wednesday = await parent.post("reservations", {**meal, "day": "2025-09-03"})
        assert_refused(wednesday, 409, "NOT_THAT_WEEKDAY", "Pas de « Restauration scolaire » le mercredi.")
