"""What goes wrong without anybody's fault: a plain sentence and a way on, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from html import unescape
from urllib.parse import parse_qs

import httpx
import pytest
from playwright.async_api import expect
from preau_kernel.errors import PreconditionError, UnavailableError

from tests.e2e.pages.conftest import PHONE, OpenPage, Site, sign_in

PASSWORD = "Cantine-Demo-2025"
VISIBLE = re.compile(r"<[^>]+>")


def text_of(response: httpx.Response) -> str:
    return " ".join(unescape(VISIBLE.sub(" ", response.text)).split())


def token_of(response: httpx.Response) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', response.text)
    assert match
    return match.group(1)


@asynccontextmanager
async def signed_in(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client() as client:
        home = await client.get("/")
        form = {"csrf_token": token_of(home), "identifiant": "parent.demo", "password": PASSWORD}
        answer = await client.post("/connexion", data=form)
        assert "Bonjour Camille" in text_of(answer)
        yield client


async def test_a_wrong_password_keeps_the_user_name_and_says_one_thing(site: Site) -> None:
    async with site.client() as client:
        home = await client.get("/")
        form = {"csrf_token": token_of(home), "identifiant": "parent.demo", "password": "non"}
        answer = await client.post("/connexion", data=form)
        assert answer.status_code == 401
        assert "Nom d'utilisateur ou mot de passe incorrect." in text_of(answer)
        assert 'value="parent.demo"' in answer.text
        assert 'value="non"' not in answer.text


async def test_an_expired_session_brings_the_form_back_after_sign_in(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE, scripts=False)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda/jour?jour=2025-09-02&enfant=child-1")
    await page.get_by_label("Accueil périscolaire soir", exact=True).check()
    site.end_sessions()
    await page.get_by_role("button", name="Enregistrer").click()
    await expect(page.get_by_text("Reconnectez-vous : votre saisie est conservée.")).to_be_visible()
    await page.get_by_label("Nom d'utilisateur").fill("parent.demo")
    await page.get_by_label("Mot de passe", exact=True).fill("Cantine-Demo-2025")
    await page.get_by_role("button", name="Se connecter").click()
    await expect(page.get_by_label("Accueil périscolaire soir", exact=True)).to_be_checked()
    assert not site.town.rows


async def test_the_same_form_sent_twice_is_one_act(site: Site) -> None:
    async with signed_in(site) as client:
        day = await client.get("/agenda/jour?jour=2025-09-02&enfant=child-1")
        request_id = re.search(r'name="request_id" value="([^"]+)"', day.text)
        assert request_id
        form = {
            "csrf_token": token_of(day),
            "request_id": request_id.group(1),
            "jour": "2025-09-02",
            "activites": "child-1:soir",
        }
        first, second = await client.post("/agenda/jour", data=form), await client.post("/agenda/jour", data=form)
        sentence = "1 réservation enregistrée pour Maëlle, mardi 2 septembre."
        assert sentence in text_of(first)
        assert sentence in text_of(second)
        assert len(site.town.rows) == 1


async def test_a_changed_basket_is_shown_again_before_anything_is_invoiced(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    async with signed_in(site) as client:
        page = await client.get("/paiement")
        site.town.hold("child-1", "soir", date(2025, 9, 1))
        answer = await client.post("/paiement/facture", data={"csrf_token": token_of(page), "montant": "45"})
        assert "Votre panier a changé depuis l'affichage : 0,45 € → 1,05 €. Vérifiez puis confirmez." in text_of(answer)
        assert not site.town.invoices


async def test_holds_that_ran_out_just_before_paying_can_be_taken_back(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    facts = {"expired_at": "2025-08-20T13:50:00+00:00", "expired_count": "2", "free_count": "1"}
    site.town.refusals["RenewHolds"] = PreconditionError("HOLD_EXPIRED", **facts)
    async with signed_in(site) as client:
        page = await client.get("/paiement")
        answer = await client.post("/paiement/facture", data={"csrf_token": token_of(page), "montant": "45"})
        assert answer.status_code == 409
        sentence = "Vos places n'étaient plus gardées depuis 9 h 50. 1 sur 2 sont encore libres : les reprendre ?"
        assert sentence in text_of(answer)
        site.town.expired_count = 1
        taken = await client.post("/paiement/reprise", data={"csrf_token": token_of(answer)})
        assert "1 réservation reprise. 1 place n'était plus libre." in text_of(taken)


async def test_a_provider_that_does_not_answer_leaves_an_invoice_to_pay_later(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.refusals["StartPayment"] = UnavailableError("PROVIDER_UNAVAILABLE")
    async with signed_in(site) as client:
        page = await client.get("/paiement")
        answer = await client.post("/paiement/facture", data={"csrf_token": token_of(page), "montant": "45"})
        assert answer.status_code == 503
        assert "Rien n'a été demandé à votre carte. Vos places sont gardées jusqu'à 10 h 00." in text_of(answer)
        assert "Réessayer le paiement" in answer.text
        assert len(site.town.invoices) == 1


async def test_wrong_dates_keep_everything_that_was_typed(site: Site) -> None:
    query = "usagers=child-2&action=creer&du=30/09/2025&au=01/09/2025&activites=soir&periodicite=paires&jours=1"
    async with signed_in(site) as client:
        answer = await client.get("/agenda/saisie-groupee/apercu?" + query)
        assert answer.status_code == 422
        assert "La fin de la période est avant son début." in text_of(answer)
        for kept in ('value="30/09/2025"', 'value="01/09/2025"', 'value="paires" selected'):
            assert kept in answer.text
        for ticked in ("usagers-child-2", "activites-soir", "jours-1"):
            assert re.search(rf'id="{ticked}"[^>]* checked', answer.text), ticked
        long = await client.get("/agenda/saisie-groupee/apercu?" + query.replace("au=01/09/2025", "au=30/10/2026"))
        assert "La période dépasse 13 mois." in text_of(long)


@pytest.mark.parametrize("typed", ["01/09/2025", "1/9/25", "2025-09-01"])
async def test_dates_are_understood_as_people_type_them(site: Site, typed: str) -> None:
    query = f"usagers=child-1&action=creer&du={typed}&au=05/09/2025&activites=soir&periodicite=aucune"
    async with signed_in(site) as client:
        answer = await client.get("/agenda/saisie-groupee/apercu?" + query)
        assert "4 réservations seront créées pour Maëlle, 2,40 €" in text_of(answer)


async def test_a_form_without_its_token_changes_nothing_and_shows_the_way_back(site: Site) -> None:
    async with signed_in(site) as client:
        form = {"csrf_token": "faux", "jour": "2025-09-02", "activites": "child-1:soir"}
        answer = await client.post("/agenda/jour", data=form)
        assert answer.status_code == 403
        assert "Rien n'a changé" in text_of(answer)
        link = re.search(r'href="([^"]+)">Revenir au formulaire', answer.text)
        assert link
        path, _, query = unescape(link.group(1)).partition("?")
        assert (path, parse_qs(query)) == ("/agenda/jour", {"jour": ["2025-09-02"], "activites": ["child-1:soir"]})
        assert not site.town.rows


async def test_an_unknown_town_and_an_unknown_page_say_so(site: Site) -> None:
    async with site.client() as client:
        town = await client.get("/", headers={"Host": f"nulle-part.localhost:{site.port}"})
        assert town.status_code == 404
        assert "Aucune ville ne correspond à cette adresse." in text_of(town)
        page = await client.get("/nulle-part")
        assert page.status_code == 404
        assert "Cette page n'existe pas" in text_of(page)


async def test_a_fault_of_ours_gives_a_reference(site: Site) -> None:
    async with signed_in(site) as client:
        site.town.refusals["GetBasket"] = RuntimeError("secret")  # type: ignore[assignment]
        answer = await client.get("/paiement")
        assert answer.status_code >= 500
        assert "secret" not in answer.text
        assert "Réessayez dans un instant." in text_of(answer)


async def test_a_forgotten_password_never_tells_whether_the_account_exists(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/mot-de-passe-oublie")
        answers = [
            await client.post("/mot-de-passe-oublie", data={"csrf_token": token_of(page), "identifiant": name})
            for name in ("parent.demo", "personne")
        ]
        texts = {text_of(answer) for answer in answers}
        assert len(texts) == 1
        assert "Si un compte porte ce nom" in texts.pop()


@pytest.mark.parametrize("target", ["https://ailleurs.example/", "//ailleurs.example/", "/\\ailleurs.example"])
async def test_signing_in_never_leads_to_another_site(site: Site, target: str) -> None:
    async with site.client() as client:
        page = await client.get("/connexion?suite=https://ailleurs.example/")
        form = {"csrf_token": token_of(page), "suite": target, "identifiant": "parent.demo", "password": PASSWORD}
        answer = await client.post("/connexion", data=form, follow_redirects=False)
        assert answer.headers["location"] == "/"


async def test_a_lost_connection_keeps_the_page_and_says_so(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda/jour?jour=2025-09-02&enfant=child-1")
    await page.get_by_label("Accueil périscolaire soir", exact=True).check()
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Enregistrer").click()
    await expect(page.get_by_text("La connexion est coupée.")).to_be_visible()
    await expect(page.get_by_label("Accueil périscolaire soir", exact=True)).to_be_checked()
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Enregistrer").click()
    await expect(page.get_by_text("1 réservation enregistrée")).to_be_visible()
