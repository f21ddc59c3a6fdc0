"""What comes between a parent and a page (a language, an error, an end of session) leads back to that page as it was."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from urllib.parse import quote

import httpx
import pytest
from playwright.async_api import expect
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment
from preau_kernel.errors import InvalidError, UnavailableError

from tests.e2e.pages.conftest import DESKTOP, OpenPage, Site, sign_in
from tests.e2e.pages.test_pages_manners import PASSWORD, signed_in, text_of, token_of
from tests.e2e.pages.town_identity import TownIdentity

PREVIEW = (
    "/agenda/saisie-groupee/apercu?usagers=child-1&action=creer&du=01%2F09%2F2025&au=30%2F09%2F2025"
    "&activites=matin&periodicite=aucune"
)


def fields_to(response: httpx.Response, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to ``action``."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', response.text, re.DOTALL)
    assert form, action
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0])}


async def in_english(client: httpx.AsyncClient, response: httpx.Response) -> httpx.Response:
    return await client.post("/langue", data=fields_to(response, "/langue") | {"langue": "en"})


async def test_another_language_keeps_the_choices_of_the_page(site: Site) -> None:
    async with signed_in(site) as client:
        answer = await in_english(client, await client.get(PREVIEW))
        assert "18 bookings will be made for Maëlle" in text_of(answer)


async def test_another_language_on_a_page_that_answers_a_form_opens_that_form(site: Site) -> None:
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        refused = await client.post("/compte/email", data={"csrf_token": token, "email": ""})
        assert refused.status_code == 422
        answer = await in_english(client, refused)
        assert (answer.status_code, "My account" in text_of(answer)) == (200, True)


async def test_another_language_beside_a_refused_sign_in_keeps_the_way_on(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/factures")
        form = fields_to(page, "/connexion") | {"identifiant": "parent.demo", "password": "non"}
        answer = await in_english(client, await client.post("/connexion", data=form))
        again = fields_to(answer, "/connexion")
        assert again["suite"] == "/factures"
        answer = await client.post("/connexion", data=again | {"identifiant": "parent.demo", "password": PASSWORD})
        assert answer.url.path == "/factures"


async def test_trying_again_after_a_fault_asks_for_the_same_page(site: Site) -> None:
    async with signed_in(site) as client:
        site.town.refusals["GetBasket"] = UnavailableError("BILLING_DOWN")
        answer = await client.get("/paiement?par=25&page=2")
        assert answer.status_code == 503
        assert 'href="/paiement?par=25&amp;page=2"' in answer.text


@pytest.mark.parametrize(
    ("path", "page"), [("/compte/sessions/s2/fermeture", "/compte"), ("/agenda/saisie-groupee/annulation", "/agenda")]
)
async def test_a_button_pressed_after_the_session_leads_to_its_page(site: Site, path: str, page: str) -> None:
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        site.end_sessions()
        refused = await client.post(path, data={"csrf_token": token})
        assert refused.status_code == 401
        form = fields_to(refused, "/connexion") | {"identifiant": "parent.demo", "password": PASSWORD}
        answer = await client.post("/connexion", data=form)
        assert (answer.status_code, answer.url.path) == (200, page)


@pytest.mark.parametrize("target", ["/€", "/agenda\r\nX-Preau: 1", "/agenda?enfant=é"])
async def test_an_address_with_odd_letters_is_no_fault_of_ours(site: Site, target: str) -> None:
    async with signed_in(site) as client:
        answer = await client.get(f"/connexion?suite={quote(target)}", follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].isascii()
        assert "x-preau" not in answer.headers
        token = token_of(await client.get("/compte"))
        form = {"csrf_token": token, "retour": "/paiement" + target}
        answer = await client.post("/reservations/suppression", data=form, follow_redirects=False)
        assert answer.status_code == 303


async def test_a_period_at_the_end_of_the_calendar_is_refused_at_its_field(site: Site) -> None:
    site.town.refusals["PreviewBulkEntry"] = InvalidError("DAY_OUT_OF_RANGE", "to")
    async with signed_in(site) as client:
        answer = await client.get(PREVIEW.replace("2025", "9999"))
        assert answer.status_code == 422
        said = re.search(r'id="au-erreur">.*?</p>', answer.text, re.DOTALL)
        assert said
        assert "Cette date est trop loin d'aujourd'hui" in unescape(said[0])


async def test_booking_for_a_child_of_nobody_here_is_refused_in_words(site: Site) -> None:
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        site.town.refusals["CreateReservations"] = InvalidError("INVALID_ID", "child_id")
        form = {"csrf_token": token, "jour": "2025-09-02", "activites": "zzz:matin"}
        answer = await client.post("/agenda/jour", data=form)
        assert answer.status_code == 404
        assert "Cet enfant ne fait pas partie de votre foyer." in text_of(answer)


async def test_an_e_mail_address_that_is_refused_can_be_corrected(site: Site) -> None:
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        site.town.refusals["UpdateAccount"] = InvalidError("EMAIL_INVALID", "email")
        answer = await client.post("/compte/email", data={"csrf_token": token, "email": "camille@exemple"})
        assert answer.status_code == 422
        assert "Cette adresse e-mail n'est pas complète" in text_of(answer)
        assert 'value="camille@exemple"' in answer.text


async def test_a_day_that_cannot_be_read_filters_nothing_and_says_so(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    async with signed_in(site) as client:
        answer = await client.get("/paiement?depuis=31/02/2025&jusque=01092025")
        assert "Cette date n'est pas lisible, elle ne filtre rien" in text_of(answer)
        assert 'value="31/02/2025"' in answer.text
        assert "sur 1 élément" in text_of(answer)
        answer = await client.get("/paiement?jusque=31082025")
        assert "Aucune réservation ne correspond à ce filtre." in text_of(answer)


async def test_giving_up_what_is_paid_is_asked_first_and_says_what_becomes_of_the_money(site: Site) -> None:
    paid = site.town.hold("child-1", "matin", date(2025, 9, 1))
    paid.status = agenda.RESERVATION_STATUS_CONFIRMED
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        asked = await client.post("/reservations/suppression", data={"csrf_token": token, "ids": paid.id})
        assert "son montant passera au crédit de votre famille" in text_of(asked)
        assert paid.id in site.town.rows
        done = await client.post("/reservations/suppression", data=fields_to(asked, "/reservations/suppression"))
        assert "1 réservation supprimée." in text_of(done)
        assert not site.town.rows


async def test_a_payment_that_the_bank_took_back_is_not_called_confirmed(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    async with signed_in(site) as client:
        basket = await client.get("/paiement")
        form = fields_to(basket, "/paiement/facture")
        await client.post("/paiement/facture", data=form, follow_redirects=False)
        site.town.outcome = payment.PAYMENT_STATUS_PAID
        assert "Paiement confirmé" in text_of(await client.get("/paiement/retour/attempt-1"))
        attempt = site.town.attempts["attempt-1"]
        attempt.status = payment.PAYMENT_STATUS_REVERSED
        taken_back = text_of(await client.get("/paiement/retour/attempt-1"))
        assert "Paiement repris par la banque" in taken_back
        assert "Paiement confirmé" not in taken_back
        site.town.invoices["invoice-1"].last_attempt_id = "attempt-2"
        assert "Paiement confirmé" in text_of(await client.get("/paiement/retour/attempt-1"))


async def test_a_day_on_which_nothing_takes_place_says_so_in_one_line(site: Site) -> None:
    async with signed_in(site) as client:
        answer = text_of(await client.get("/agenda/jour?jour=2025-09-06&enfant=child-1"))
        assert "Aucune activité n'a lieu le samedi." in answer
        assert "Pas le samedi" not in answer


async def test_arrow_keys_in_a_list_do_not_leave_the_page(site: Site, open_page: OpenPage) -> None:
    page = await open_page(DESKTOP)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda?mois=2025-09")
    show = page.get_by_role("button", name="Afficher", exact=True)
    await expect(show).to_be_hidden()
    await page.get_by_label("Enfant").focus()
    await page.keyboard.press("ArrowDown")
    await expect(show).to_be_visible()
    assert "enfant=" not in page.url
    await show.press("Enter")
    await page.wait_for_url("**enfant=child-1**")


async def test_a_password_is_taken_exactly_as_it_is_typed(site: Site) -> None:
    typed = " famille 👩\u200d👧 du midi\u00ad "
    async with signed_in(site) as client:
        form = {"csrf_token": token_of(await client.get("/compte")), "current_password": PASSWORD}
        form |= {"new_password": typed, "new_password_again": typed}
        await client.post("/compte/mot-de-passe", data=form)
        asked = next(each for each in site.town.requests if hasattr(each, "current_password"))
        assert asked.new_password == typed


async def test_an_account_without_a_household_is_told_so_instead_of_being_asked_to_sign_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_as(monkeypatch, household_id="")
    async with signed_in(site) as client:
        home = await client.get("/")
        assert "Votre compte n'est rattaché à aucun foyer." in text_of(home)
        assert 'action="/connexion"' not in home.text


async def test_an_error_speaks_the_language_of_the_account(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(monkeypatch, household_id="household-1", language="en")
    async with site.client() as client:
        form = fields_to(await client.get("/"), "/connexion") | {"identifiant": "parent.demo", "password": PASSWORD}
        await client.post("/connexion", data=form)
        answer = text_of(await client.get("/agenda/reservation/aucune"))
        assert "This booking does not exist" in answer
        assert "réservation" not in answer


async def test_a_page_that_is_not_there_still_knows_who_is_signed_in(site: Site) -> None:
    async with signed_in(site) as client:
        lost = await client.get("/nulle-part")
        assert (lost.status_code, "Se déconnecter" in text_of(lost)) == (404, True)
        refused = await client.post("/compte/email", data={"csrf_token": "faux", "email": "a@b.fr"})
        assert (refused.status_code, "Se déconnecter" in text_of(refused)) == (403, True)
        assert "Formulaire non envoyé" in text_of(refused)
        site.end_sessions()
        assert "Se déconnecter" not in text_of(await client.get("/nulle-part"))


@pytest.mark.parametrize(
    ("path", "page"),
    [("/paiement/facture", "/paiement"), ("/reservations/suppression", "/paiement"), ("/deconnexion", "/")],
)
async def test_an_address_that_only_takes_forms_opens_the_page_of_its_form(site: Site, path: str, page: str) -> None:
    async with signed_in(site) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.url.path) == (200, page)


async def test_signing_out_leaves_this_browser_even_when_identity_does_not_answer(site: Site) -> None:
    async with signed_in(site) as client:
        token = token_of(await client.get("/compte"))
        site.town.refusals["SignOut"] = UnavailableError("IDENTITY_DOWN")
        answer = await client.post("/deconnexion", data={"csrf_token": token})
        assert "Vous êtes déconnecté(e)." in text_of(answer)
        assert (await client.get("/compte")).status_code == 401


def known_as(monkeypatch: pytest.MonkeyPatch, **facts: str) -> None:
    """Who signs in, when it is not the usual parent."""

    def account(username: str) -> identity.Account:
        return identity.Account(id="account-2", username=username, first_name="Camille", **facts)

    monkeypatch.setattr(TownIdentity, "_account", staticmethod(account))
