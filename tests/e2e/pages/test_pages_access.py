"""axe-core on every page, the weight of a page, and a walk by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Response, expect

from tests.e2e.pages.conftest import DESKTOP, PHONE, OpenPage, Site, sign_in

SIGNED_OUT = ("/", "/connexion", "/mot-de-passe-oublie", "/nouveau-mot-de-passe?token=bon", "/accessibilite", "/mentions-legales",
              "/donnees-personnelles", "/contact", "/plan-du-site", "/nulle-part")  # fmt: skip
SIGNED_IN = (
    "/", "/agenda?mois=2025-09", "/agenda?mois=2025-09&vue=mois", "/agenda?mois=2025-09&vue=liste", "/agenda/jour?jour=2025-09-02",
    "/agenda/reservation/{reservation}", "/agenda/saisie-groupee", "/agenda/saisie-groupee/apercu",
    "/agenda/saisie-groupee/apercu?usagers=tous&action=creer&du=01/09/2025&au=30/09/2025&activites=meal&activites=midi&periodicite=aucune",
    "/paiement", "/paiement?tout=1&par=50", "/paiement?enfant=child-1&depuis=31/02/2025", "/factures", "/foyer", "/compte",
)  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def findings(page: Page) -> list[str]:
    found: Any = await Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    return [
        f"{page.url}: {item['id']}: {item['nodes'][0]['html'][:160]} {item['nodes'][0].get('failureSummary', '')[:200]}"
        for item in found.response["violations"]
    ]


def a_booked_month(site: Site) -> str:
    site.town.full_day, site.town.closed_day = date(2025, 9, 11), date(2025, 9, 25)
    for day in (1, 2, 4, 5, 8, 9):
        for child in ("child-1", "child-2"):
            for activity in ("matin", "meal", "midi", "soir"):
                row = site.town.hold(child, activity, date(2025, 9, day))
    return row.id


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
async def test_axe_finds_nothing_on_any_page(site: Site, open_page: OpenPage, width: int, scheme: str) -> None:
    page = await open_page(width, color_scheme=scheme, reduced_motion="reduce")
    problems = []
    for path in SIGNED_OUT:
        await page.goto(site.url + path)
        problems += await findings(page)
    await sign_in(page, site.url)
    reservation = a_booked_month(site)
    for path in SIGNED_IN:
        await page.goto(site.url + path.format(reservation=reservation))
        problems += await findings(page)
    await page.goto(f"{site.url}/agenda?mois=2025-09")
    await page.get_by_role("button", name="mercredi 3 septembre, réservable").click()
    await page.get_by_role("dialog").wait_for()
    problems += await findings(page)
    await page.goto(site.url + "/paiement")
    await page.get_by_role("button", name="Générer la facture et payer").click()
    await page.get_by_role("heading", name="Paiement confirmé").wait_for()
    problems += await findings(page)
    await page.goto(site.url + "/factures")
    problems += await findings(page)
    await page.get_by_role("link", name=re.compile("^CP-2025")).first.click()
    problems += await findings(page)
    assert problems == []


def _collector(answers: list[Response]) -> Callable[[Response], None]:
    def collect(answer: Response) -> None:
        answers.append(answer)

    return collect


async def test_a_page_weighs_less_than_150_kilobytes(site: Site, open_page: OpenPage) -> None:
    page = await open_page(DESKTOP)
    await sign_in(page, site.url)
    a_booked_month(site)
    for path in ("/agenda?mois=2025-09", "/paiement", "/paiement?par=100", "/agenda/saisie-groupee"):
        answers: list[Response] = []
        listener = _collector(answers)
        page.on("response", listener)
        await page.goto(site.url + path, wait_until="networkidle")
        page.remove_listener("response", listener)
        weights = {answer.url: (await answer.request.sizes())["responseBodySize"] for answer in answers}
        assert sum(weights.values()) < 150_000, weights


async def test_no_page_scrolls_sideways_on_a_phone(site: Site, open_page: OpenPage) -> None:
    page = await open_page(320)
    await sign_in(page, site.url)
    reservation = a_booked_month(site)
    for path in SIGNED_IN:
        await page.goto(site.url + path.format(reservation=reservation))
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path


async def test_a_day_can_be_booked_with_the_keyboard_alone(site: Site, open_page: OpenPage) -> None:
    page = await open_page(DESKTOP)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda?mois=2025-09&enfant=child-1")
    await page.get_by_role("button", name="mardi 2 septembre, réservable").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for()
    soir = page.get_by_label("Accueil périscolaire soir", exact=True)
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await soir.evaluate("box => box === document.activeElement"):
            break
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("1 réservation enregistrée pour Maëlle")).to_be_visible()


async def test_escape_closes_the_day_and_gives_the_focus_back(site: Site, open_page: OpenPage) -> None:
    page = await open_page(DESKTOP)
    await sign_in(page, site.url)
    await page.goto(f"{site.url}/agenda?mois=2025-09")
    day = page.get_by_role("button", name="jeudi 4 septembre, réservable")
    await day.click()
    await page.get_by_role("dialog").wait_for()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(day).to_be_focused()
