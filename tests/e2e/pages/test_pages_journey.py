"""Journeys in front of the small town, with and without scripts."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.async_api import expect
from preau.payment.v1 import payment_service_pb2 as payment

from tests.e2e.pages.conftest import DESKTOP, PHONE, OpenPage, Site, sign_in
from tests.e2e.pages.steps import (
    book_september,
    check_pending_list,
    delete_everything,
    fill_bulk_entry,
    open_bulk_entry,
    save,
)

VARIANTS = pytest.mark.parametrize(
    ("width", "scripts"), [(PHONE, True), (PHONE, False), (DESKTOP, True), (DESKTOP, False)]
)


@VARIANTS
async def test_the_document_from_sign_in_to_confirmation(
    site: Site, open_page: OpenPage, width: int, *, scripts: bool
) -> None:
    page = await open_page(width, scripts=scripts)
    await sign_in(page, site.url)
    await book_september(page, "Maëlle")
    await check_pending_list(page)
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Paiement confirmé")
    await expect(page.get_by_text("Vos 72 réservations sont confirmées.")).to_be_visible()
    await page.goto(site.url + "/paiement")
    await expect(page.get_by_text("Rien à payer.")).to_be_visible()


@VARIANTS
async def test_selecting_everything_deletes_every_page(
    site: Site, open_page: OpenPage, width: int, *, scripts: bool
) -> None:
    page = await open_page(width, scripts=scripts)
    await sign_in(page, site.url)
    await book_september(page, "Maëlle")
    await page.goto(site.url + "/paiement")
    await delete_everything(page, 72)
    assert not site.town.rows


@pytest.mark.parametrize("scripts", [True, False])
async def test_unticking_one_row_after_select_all_keeps_that_row(
    site: Site, open_page: OpenPage, *, scripts: bool
) -> None:
    page = await open_page(DESKTOP, scripts=scripts)
    await sign_in(page, site.url)
    await book_september(page, "Maëlle")
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Sélectionner tout", exact=True).click()
    await page.get_by_label("Sélectionner : Accueil périscolaire matin, Maëlle Démo, 01/09/2025").uncheck()
    await page.get_by_role("button", name="Supprimer les réservations sélectionnées").click()
    await page.get_by_role("button", name="Confirmer la suppression").click()
    await expect(page.get_by_text("Affichage de l'élément 1 à 1 sur 1 élément", exact=True)).to_be_visible()


async def test_the_meal_alone_offers_the_midday_care_once(site: Site, open_page: OpenPage) -> None:
    sentence = "Ajouter l'accueil périscolaire du midi (obligatoire avec la restauration)"
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await open_bulk_entry(page)
    await fill_bulk_entry(page, "Maëlle", ("Restauration scolaire",))
    await expect(page.get_by_text(sentence)).to_be_visible()
    await page.get_by_role("button", name="Ajouter", exact=True).click()
    await expect(page.get_by_label("Accueil périscolaire midi", exact=True)).to_be_checked()
    await expect(page.get_by_text(sentence)).to_be_hidden()


async def test_without_scripts_the_preview_offers_the_midday_care(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await open_bulk_entry(page)
    await fill_bulk_entry(page, "Maëlle", ("Restauration scolaire",))
    await save(page)
    await page.get_by_role("button", name="Ajouter Accueil périscolaire midi").click()
    await expect(page.get_by_text("36 réservations seront créées pour Maëlle, 35,10 €")).to_be_visible()


async def test_the_preview_says_what_is_skipped_and_why(site: Site, open_page: OpenPage) -> None:
    site.town.full_day, site.town.closed_day = date(2025, 9, 11), date(2025, 9, 25)
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await open_bulk_entry(page)
    await fill_bulk_entry(page, "Maëlle")
    await save(page)
    await expect(page.get_by_text("67 réservations seront créées")).to_be_visible()
    await expect(page.get_by_text("1 jour complet")).to_be_visible()
    await expect(page.get_by_text("1 jour fermé : Grève")).to_be_visible()
    assert not site.town.rows


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_back_button_finds_the_form_as_it_was_typed(
    site: Site, open_page: OpenPage, *, scripts: bool
) -> None:
    page = await open_page(PHONE, scripts=scripts)
    await sign_in(page, site.url)
    await open_bulk_entry(page)
    await fill_bulk_entry(page, "Maëlle")
    await save(page)
    await expect(page.get_by_text("72 réservations seront créées")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("au", exact=True)).to_have_value("30/09/2025")
    await expect(page.get_by_label("Restauration scolaire", exact=True)).to_be_checked()


async def test_after_the_result_the_back_button_sends_nothing_again(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await book_september(page, "Maëlle")
    await page.reload()
    await expect(page.get_by_text("72 réservations ont été créées")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Vérifiez votre saisie")
    assert site.town.calls["ApplyBulkEntry"] == 1


async def test_a_bulk_entry_can_be_undone_from_its_result(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await book_september(page, "Timéo")
    await page.get_by_role("button", name="Annuler cette saisie").click()
    await expect(page.get_by_text("Saisie annulée : 72 réservations supprimées.")).to_be_visible()
    assert not site.town.rows


async def test_the_action_supprimer_deletes_what_was_booked(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await book_september(page, "Maëlle")
    await open_bulk_entry(page)
    await fill_bulk_entry(page, "Maëlle", action="Supprimer")
    await save(page)
    await expect(page.get_by_text("72 réservations seront supprimées pour Maëlle")).to_be_visible()
    await page.get_by_role("button", name="Confirmer").click()
    await expect(page.get_by_text("72 réservations ont été supprimées pour Maëlle")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
async def test_one_child_one_day_from_the_calendar(site: Site, open_page: OpenPage, *, scripts: bool) -> None:
    page = await open_page(DESKTOP, scripts=scripts)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda?mois=2025-09&enfant=child-2")
    await page.get_by_role("button", name="mardi 2 septembre, réservable").click()
    await page.get_by_label("Restauration scolaire", exact=True).check()
    await page.get_by_role("button", name="Enregistrer").click()
    refusal = page.get_by_text("Restauration scolaire demande aussi Accueil périscolaire midi.")
    await expect(refusal).to_be_visible()
    await page.get_by_role("button", name="Ajouter et enregistrer").click()
    await expect(page.get_by_text("2 réservations enregistrées pour Timéo, mardi 2 septembre.")).to_be_visible()
    assert {row.activity_id for row in site.town.rows.values()} == {"meal", "midi"}


async def test_cancelling_one_of_a_pair_says_that_both_go(site: Site, open_page: OpenPage) -> None:
    meal = site.town.hold("child-1", "meal", date(2025, 9, 2))
    site.town.hold("child-1", "midi", date(2025, 9, 2))
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda/reservation/{meal.id}")
    await page.get_by_role("button", name="Annuler cette réservation").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Supprimer 2 réservations ?")
    await expect(page.get_by_text("va de pair avec une autre")).to_be_visible()
    await page.get_by_role("button", name="Confirmer la suppression").click()
    await expect(page.get_by_text("2 réservations supprimées.")).to_be_visible()
    assert not site.town.rows


async def test_a_cross_deletes_one_row_at_once(site: Site, open_page: OpenPage) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.hold("child-1", "soir", date(2025, 9, 1))
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Supprimer : Accueil périscolaire matin").click()
    await expect(page.get_by_text("1 réservation supprimée.")).to_be_visible()
    await expect(page.get_by_text("Montant à payer : 0,60 euros.")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (payment.PAYMENT_STATUS_DENIED, "Paiement refusé"),
        (payment.PAYMENT_STATUS_CANCELLED, "Paiement abandonné"),
        (payment.PAYMENT_STATUS_EXPIRED, "Paiement non abouti"),
    ],
)
async def test_after_a_failed_payment_the_places_are_kept_and_can_be_paid_again_or_taken_back(
    site: Site, open_page: OpenPage, status: int, title: str
) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = status
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(page.get_by_text("Vos réservations sont gardées jusqu'à 10 h 00.")).to_be_visible()
    await page.get_by_role("button", name="Reprendre mes réservations").click()
    await expect(page.get_by_text("Vos réservations sont de retour dans la liste.")).to_be_visible()
    await expect(page.get_by_text("Montant à payer : 0,45 euros.")).to_be_visible()


async def test_the_return_page_updates_itself_until_it_is_settled(site: Site, open_page: OpenPage) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = payment.PAYMENT_STATUS_PENDING
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Vérification en cours auprès du service de paiement"
    )
    site.town.outcome = payment.PAYMENT_STATUS_PAID
    site.town.attempts["attempt-1"].ClearField("checked_at")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Paiement confirmé", timeout=8_000)
    live = page.locator("[aria-live=polite]")
    await expect(live).to_contain_text("Votre réservation est confirmée.")


async def test_the_site_speaks_english_when_asked(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE, scripts=False)
    await page.goto(site.url)
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Book and pay for school meals and care")
    assert await page.locator("html").get_attribute("lang") == "en"
