"""What waits for the parent: an invoice whose payment page was closed, a month to repeat, a session about to end."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import httpx
import pytest
from playwright.async_api import expect
from preau.billing.v1 import billing_service_pb2 as billing
from preau.payment.v1 import payment_service_pb2 as payment
from preau_kernel.errors import DomainError, PreconditionError, UnavailableError

from tests.e2e.pages.conftest import DESKTOP, PHONE, OpenPage, Site, sign_in
from tests.e2e.pages.test_pages_access import findings
from tests.e2e.pages.test_pages_manners import signed_in, text_of, token_of

WAITING = "Facture CP-2025-000001 : 0,45 € à payer avant 10 h 00"


async def a_closed_tab(site: Site, client: httpx.AsyncClient) -> httpx.Response:
    """« Générer la facture et payer », and nothing after it; what the pending list shows then."""
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = payment.PAYMENT_STATUS_PENDING
    page = await client.get("/paiement")
    form = {"csrf_token": token_of(page), "montant": "45"}
    await client.post("/paiement/facture", data=form, follow_redirects=False)
    return await client.get("/paiement")


async def test_an_unpaid_invoice_comes_first_on_the_pending_list_and_at_home(site: Site) -> None:
    async with signed_in(site) as client:
        listed = await a_closed_tab(site, client)
        for page in (listed, await client.get("/")):
            assert WAITING in text_of(page)
            assert "Rien à payer." not in text_of(page)
            assert re.search(r"/factures/invoice-1/payer\".*?>Payer<", page.text, re.DOTALL)
            assert "Reprendre mes réservations" in text_of(page)
        for path in ("/", "/agenda", "/paiement", "/factures", "/foyer", "/compte"):
            page = await client.get(path)
            assert re.search(r'class="badge">.*?</span>1</span>', page.text), path


async def test_paying_goes_on_with_the_payment_that_is_open(site: Site) -> None:
    async with signed_in(site) as client:
        listed = await a_closed_tab(site, client)
        form = {"csrf_token": token_of(listed)}
        answer = await client.post("/factures/invoice-1/payer", data=form, follow_redirects=False)
        assert answer.headers["location"] == "/paiement/vers/attempt-1"
        assert site.town.calls["StartPayment"] == 1
        back = await client.get("/paiement/retour/attempt-1")
        assert re.search(r'href="/paiement/vers/attempt-1">Continuer le paiement<', back.text)
        site.town.outcome = payment.PAYMENT_STATUS_CANCELLED
        again = await client.post("/factures/invoice-1/payer", data=form, follow_redirects=False)
        assert again.headers["location"] == "/paiement/vers/attempt-2"


async def test_taking_reservations_back_while_a_payment_is_open_says_until_when(site: Site) -> None:
    site.town.refusals["ReopenInvoice"] = PreconditionError("PAYMENT_IN_PROGRESS", attempt_id="attempt-1")
    async with signed_in(site) as client:
        listed = await a_closed_tab(site, client)
        answer = await client.post("/factures/invoice-1/reprendre", data={"csrf_token": token_of(listed)})
        assert "sans paiement avant 10 h 00, les places sont libérées et vous ne devez rien." in text_of(answer)
        assert 'href="/paiement/retour/attempt-1"' in answer.text


async def test_too_small_a_basket_is_refused_before_an_invoice_with_two_ways_on(site: Site) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    facts = {"total_minor": "45", "minimum_minor": "100", "hold_expires_at": "2025-08-20T14:00:00+00:00"}
    site.town.refusals["IssueInvoice"] = PreconditionError("AMOUNT_TOO_SMALL", **facts)
    async with signed_in(site) as client:
        form = {"csrf_token": token_of(await client.get("/paiement")), "montant": "45"}
        refused = await client.post("/paiement/facture", data=form)
        assert refused.status_code == 409
        assert "Le paiement en ligne commence à 1,00 €, votre panier est à 0,45 €." in text_of(refused)
        assert "vos places restent gardées jusqu'à 10 h 00" in text_of(refused)
        assert 'href="/agenda">Ajouter des réservations<' in refused.text
        del site.town.refusals["IssueInvoice"]
        counter = await client.post("/paiement/facture", data={**form, "mode": "guichet"})
        assert "La facture CP-2025-000001 est prête : réglez-la auprès du service scolaire." in text_of(counter)
        assert site.town.calls["StartPayment"] == 0


async def test_an_invoice_too_small_to_pay_online_sends_to_the_counter(site: Site) -> None:
    site.town.refusals["StartPayment"] = PreconditionError(
        "AMOUNT_TOO_SMALL", minimum_minor="100", invoice_id="invoice-1"
    )
    async with signed_in(site) as client:
        shown = await a_closed_tab(site, client)
        assert "Cette facture se règle auprès du service scolaire" in text_of(shown)


@pytest.mark.parametrize("minimum", [100, None])
async def test_an_invoice_for_the_counter_says_so_and_has_no_button_to_pay(site: Site, minimum: int | None) -> None:
    site.town.online_minimum = minimum
    async with signed_in(site) as client:
        await a_closed_tab(site, client)
        for path in ("/", "/paiement", "/factures", "/factures/invoice-1"):
            page = await client.get(path)
            assert "/factures/invoice-1/payer" not in page.text, path
            assert "guichet" in text_of(page), path
        detail = await client.get("/factures/invoice-1")
        assert "À régler au guichet" in text_of(detail)
        assert "Cette facture se règle au guichet du service scolaire" in text_of(detail)
        assert "Reprendre mes réservations" in text_of(detail)
        english = await client.get("/factures", headers={"Accept-Language": "en"})
        assert "To be paid at the counter" in text_of(english)


@pytest.mark.parametrize("minimum", [0, 45])
async def test_an_invoice_that_can_be_paid_online_keeps_its_button(site: Site, minimum: int) -> None:
    site.town.online_minimum = minimum
    async with signed_in(site) as client:
        await a_closed_tab(site, client)
        for path in ("/factures", "/factures/invoice-1"):
            page = await client.get(path)
            assert "/factures/invoice-1/payer" in page.text, path
            assert "guichet" not in text_of(page), path


async def test_a_paid_invoice_with_a_credit_note_is_corrected_and_not_cancelled(site: Site) -> None:
    async with signed_in(site) as client:
        await a_closed_tab(site, client)
        invoice = site.town.invoices["invoice-1"]
        invoice.related_id, invoice.related_number = "note-1", "CP-AV-2025-000001"
        for status, said in (
            (billing.INVOICE_STATUS_PAID, "Corrigée par l'avoir"),
            (billing.INVOICE_STATUS_CANCELLED, "Annulée par l'avoir"),
        ):
            invoice.status = status
            assert f"{said} CP-AV-2025-000001" in " ".join(text_of(await client.get("/factures/invoice-1")).split())


async def test_payment_that_does_not_answer_takes_no_button_away(site: Site) -> None:
    site.town.refusals["GetOnlinePayment"] = UnavailableError("PROVIDER_UNAVAILABLE")
    async with signed_in(site) as client:
        await a_closed_tab(site, client)
        assert "/factures/invoice-1/payer" in (await client.get("/factures")).text


async def test_a_town_without_online_payment_gives_the_invoice_and_says_where_to_pay(site: Site) -> None:
    site.town.refusals["StartPayment"] = PreconditionError("PROVIDER_NOT_CONFIGURED")
    async with signed_in(site) as client:
        shown = await a_closed_tab(site, client)
        assert "La facture CP-2025-000001 est prête : réglez-la auprès du service scolaire." in text_of(shown)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (payment.PAYMENT_STATUS_PAID, "confirmed"),
        (payment.PAYMENT_STATUS_PENDING, "checking"),
        (payment.PAYMENT_STATUS_DENIED, "refused"),
        (payment.PAYMENT_STATUS_CANCELLED, "abandoned"),
        (payment.PAYMENT_STATUS_EXPIRED, "expired"),
        (payment.PAYMENT_STATUS_REVERSED, "reversed"),
    ],
)
async def test_axe_finds_nothing_on_any_state_of_a_payment(
    site: Site, open_page: OpenPage, status: int, state: str
) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = status
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.locator(f"[data-state={state}]").wait_for()
    assert await findings(page) == []


async def test_late_money_says_what_was_regained_and_what_became_credit(site: Site) -> None:
    # The page looks for places for some seconds only, on the platform's own clock.
    site.town.now = site.clock.now()
    async with signed_in(site) as client:
        await a_closed_tab(site, client)
        site.town.outcome = payment.PAYMENT_STATUS_PAID
        await client.get("/paiement/retour/attempt-1")
        late = site.town.invoices["invoice-1"]
        late.status = billing.INVOICE_STATUS_CANCELLED
        looking = await client.get("/paiement/retour/attempt-1")
        assert "Nous cherchons celles qui sont encore libres" in text_of(looking)
        assert 'hx-get="/paiement/retour/attempt-1/etat"' in looking.text
        again = billing.Invoice()
        again.CopyFrom(late)
        again.id, again.number, again.status, again.line_count = (
            "invoice-2",
            "CP-2025-000002",
            billing.INVOICE_STATUS_PAID,
            2,
        )
        again.last_attempt_id, again.total.minor_units = "attempt-1", 30
        site.town.invoices["invoice-2"] = again
        regained = text_of(await client.get("/paiement/retour/attempt-1"))
        assert "des places étaient encore libres : 2 réservations sont confirmées." in regained
        assert "0,15 € restent au crédit de votre famille" in regained
        assert "Facture CP-2025-000002 (PDF)" in regained


EXPIRED = PreconditionError("HOLD_EXPIRED", expired_at="2025-08-20T13:50:00+00:00", expired_count="2", free_count="1")


@pytest.mark.parametrize(
    ("call", "refusal", "title"),
    [
        ("RenewHolds", EXPIRED, "Vos places n'étaient plus gardées"),
        ("StartPayment", UnavailableError("PROVIDER_UNAVAILABLE"), "Le service de paiement ne répond pas"),
        (
            "IssueInvoice",
            PreconditionError("BASKET_CHANGED", expected_minor="45", actual_minor="105"),
            "Réservations à payer",
        ),
        ("RenewHolds", UnavailableError("TOWN_NOT_READY"), "Service momentanément indisponible"),
    ],
)
async def test_axe_finds_nothing_on_a_payment_that_cannot_start(
    site: Site, open_page: OpenPage, call: str, refusal: DomainError, title: str
) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.refusals[call] = refusal
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    assert await findings(page) == []


async def test_the_number_beside_to_pay_goes_when_the_page_hears_of_the_payment(
    site: Site, open_page: OpenPage
) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = payment.PAYMENT_STATUS_PENDING
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await expect(page.locator("#pastille .badge")).to_be_visible()
    site.town.outcome = payment.PAYMENT_STATUS_PAID
    site.town.attempts["attempt-1"].ClearField("checked_at")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Paiement confirmé", timeout=8_000)
    await expect(page.locator("#pastille .badge")).to_have_count(0)


async def test_like_last_month_fills_who_what_and_which_weekdays(site: Site) -> None:
    site.town.hold("child-2", "soir", date(2025, 8, 26))
    async with signed_in(site) as client:
        page = await client.get("/agenda/saisie-groupee?comme=2025-09")
        assert "Rempli comme en août 2025" in text_of(page)
        ticked = {unescape(item) for item in re.findall(r'id="([a-z]+-[^"]+)"[^>]* checked', page.text)}
        assert ticked == {"usagers-child-2", "activites-soir", "jours-2"}
        assert 'value="01/09/2025"' in page.text
        assert 'value="30/09/2025"' in page.text
        site.town.rows.clear()
        empty = await client.get("/agenda/saisie-groupee?comme=2025-09")
        assert "Rien n'était réservé en août 2025." in text_of(empty)


async def test_a_day_chosen_in_the_picker_is_written_as_people_type_it(site: Site, open_page: OpenPage) -> None:
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/agenda/saisie-groupee")
    await expect(page.get_by_role("button", name="Choisir dans un calendrier")).to_have_count(2)
    await page.locator("#du + .picker .picker-native").evaluate(
        "field => { field.value = '2025-09-05'; field.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    await expect(page.get_by_label("Période du", exact=True)).to_have_value("05/09/2025")


async def test_some_minutes_before_the_end_the_session_can_be_kept(site: Site, open_page: OpenPage) -> None:
    now = site.clock.now
    site.town.session_ends_at = now() + timedelta(seconds=230)
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/agenda/jour?jour=2025-09-02&enfant=child-1")
    await page.get_by_label("Accueil périscolaire soir", exact=True).check()
    await expect(page.get_by_text("vous serez déconnecté(e) dans 4 minutes.")).to_be_visible()
    assert await findings(page) == []
    site.town.session_ends_at = now() + timedelta(hours=2)
    await page.get_by_role("button", name="Rester connecté(e)").click()
    await expect(page.get_by_role("button", name="Rester connecté(e)")).to_be_hidden()
    await expect(page.get_by_label("Accueil périscolaire soir", exact=True)).to_be_checked()
    assert site.town.calls["ExchangeSession"] == 1


async def test_a_session_that_is_over_says_that_nothing_typed_is_lost(site: Site, open_page: OpenPage) -> None:
    site.town.session_ends_at = site.clock.now() + timedelta(seconds=100)
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await expect(page.get_by_text("déconnecté(e) dans 2 minutes.")).to_be_visible()
    site.end_sessions()
    await page.get_by_role("button", name="Rester connecté(e)").click()
    await expect(page.get_by_text("Ce que vous avez saisi reste sur cette page")).to_be_visible(timeout=10_000)


async def test_printed_lists_hold_the_rows_and_nothing_to_press(site: Site, open_page: OpenPage) -> None:
    for activity in ("matin", "soir"):
        site.town.hold("child-1", activity, date(2025, 9, 1))
    page = await open_page(PHONE)
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.emulate_media(media="print")
    assert await page.locator("button:visible, nav:visible, .actions:visible").count() == 0
    assert await page.locator("table.list tbody tr:visible").count() == 2
    assert (
        await page.locator("table.list tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    )


async def test_nothing_moves_for_who_asked_for_stillness(site: Site, open_page: OpenPage) -> None:
    site.town.hold("child-1", "matin", date(2025, 9, 1))
    site.town.outcome = payment.PAYMENT_STATUS_PENDING
    page = await open_page(DESKTOP, reduced_motion="reduce")
    await sign_in(page, site.url)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.locator("[data-state=checking]").wait_for()
    assert await page.locator(".spin").evaluate("mark => getComputedStyle(mark).animationName") == "none"


async def test_pages_are_compressed_and_hold_no_lasting_secret(site: Site) -> None:
    async with signed_in(site) as client:
        pages = [await client.get("/agenda?mois=2025-09") for _ in range(2)]
        for page in pages:
            assert page.headers["content-encoding"] == "gzip"
            assert "Accept-Encoding" in page.headers["vary"]
            assert int(page.headers["content-length"]) < len(page.content) / 3
        secrets = [{token_of(page), *re.findall(r'name="request_id" value="([^"]+)"', page.text)} for page in pages]
        assert not secrets[0] & secrets[1]
        plain = await client.get("/agenda?mois=2025-09", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
