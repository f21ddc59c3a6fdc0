"""What a parent may ask wrongly, or too late: each has its sentence, and nothing is lost."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any

import pytest

from tests.e2e.platform.parent import assert_refused
from tests.e2e.platform.world import World

NOT_FOUND = re.compile("(?:Cette|Cet|Ce) .+ n'existe pas|Cet enfant ne fait pas partie de votre foyer")
NOBODY = "0190c1a8-0000-7000-8000-000000000000"


@pytest.mark.parametrize("path", ["bulk-entries", "bulk-entries/preview"])
@pytest.mark.parametrize(
    ("first", "last", "reason", "sentence"),
    [
        ("2025-09-30", "2025-09-01", "PERIOD_REVERSED", "La fin de la période est avant son début."),
        ("2025-09-01", "2026-10-02", "PERIOD_TOO_LONG", "La période dépasse 13 mois."),
    ],
)
async def test_wrong_dates_are_told(world: World, path: str, first: str, last: str, reason: str, sentence: str) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        problem = assert_refused(await parent.post(path, parent.entry(first, last)), 422, reason, sentence)
        assert [error["field"] for error in problem["errors"]] == ["to"]
    assert await world.books.statuses(family.id) == {}


async def test_a_day_that_is_none_is_a_field_error(world: World) -> None:
    async with world.parent(await world.family()) as parent:
        answer = await parent.post("bulk-entries", parent.entry("2025-02-30", "2025-09-30"))
    assert_refused(answer, 422, "INVALID_PAYLOAD", "manque ou n'est pas lisible. Rien n'a été enregistré")


async def test_unknown_ids_are_not_found_and_book_nothing(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        entry = parent.entry("2025-09-01", "2025-09-05")
        unknown = [
            await parent.post("bulk-entries", {**entry, "child_ids": [NOBODY]}),
            await parent.post("bulk-entries", {**entry, "child_ids": ["x"]}),
            await parent.post("bulk-entries", {**entry, "activity_ids": [*entry["activity_ids"], NOBODY]}),
            await parent.post("reservations", {"child_id": NOBODY, "day": "2025-09-02", "activity_ids": entry["activity_ids"]}),
            await parent.client.request("DELETE", "/api/v1/reservations", json={"ids": ["999999999"]}),
            await parent.get(f"invoices/{NOBODY}"),
            await parent.get(f"payments/{NOBODY}"),
            await parent.post(f"invoices/{NOBODY}/payments", None),
            await parent.post(f"invoices/{NOBODY}/reopen", None),
        ]  # fmt: skip
        for answer in unknown:
            assert answer.status_code == 404, answer.text
            assert NOT_FOUND.match(answer.json()["detail"]), answer.text
    assert await world.books.statuses(family.id) == {}


async def test_another_households_child_reservation_and_invoice_do_not_exist(world: World) -> None:
    mine, other = await world.family(), await world.family()
    async with world.parent(mine) as me, world.parent(other) as them:
        await them.book("2025-09-01", "2025-09-05")
        line = (await them.basket())["lines"][0]
        invoice = await them.issue()
        entry = me.entry("2025-09-01", "2025-09-05")
        foreign = [
            await me.post("bulk-entries", {**entry, "child_ids": list(other.children)}),
            await me.post("bulk-entries", {**entry, "child_ids": [*mine.children, *other.children]}),
            await me.client.request("DELETE", "/api/v1/reservations", json={"ids": [line["reservation_id"]]}),
            await me.get(f"reservations/{line['reservation_id']}"),
            await me.get(f"invoices/{invoice['id']}"),
            await me.get(f"invoices/{invoice['id']}/pdf"),
            await me.get(f"payments/{invoice['attempt_id']}"),
            await me.post(f"invoices/{invoice['id']}/reopen", None),
        ]
        for answer in foreign:
            assert answer.status_code == 404, answer.text
            assert NOT_FOUND.match(answer.json()["detail"]), answer.text
        assert (await them.invoice(invoice["id"]))["status"] == "issued"
    assert await world.books.statuses(mine.id) == {}
    assert await world.books.statuses(other.id) == {1: 16}


async def test_another_towns_ids_and_tokens_do_not_exist(world: World) -> None:
    here, there = await world.family("casepilote"), await world.family("saint-aubin")
    async with world.parent(here) as me, world.parent(there) as them:
        entry = them.entry("2025-09-01", "2025-09-05", "cantine")
        answer = await me.post("bulk-entries", entry)
        assert_refused(answer, 404, "ACTIVITY_NOT_FOUND", "Cette activité n'existe pas dans votre commune.")
        mixed = {**me.entry("2025-09-01", "2025-09-05"), "activity_ids": entry["activity_ids"]}
        assert (await me.post("bulk-entries", mixed)).status_code == 404
        me.client.headers["Authorization"] = them.client.headers["Authorization"]
        assert (await me.get("household")).status_code == 401
        assert (await me.post("bulk-entries", entry)).status_code == 401
    assert await world.books.statuses(here.id) == {}
    assert await world.books.statuses(there.id) == {}


async def test_a_closed_day_is_skipped_in_a_period_and_refused_alone(world: World) -> None:
    family = await world.family("petit-val")
    await world.close_site("petit-val", date(2025, 9, 12), "Grève")
    async with world.parent(family) as parent:
        alone = {"child_id": family.children[0], "day": "2025-09-12", "activity_ids": [parent.activities["cantine"]]}
        assert_refused(
            await parent.post("reservations", alone), 409, "SITE_CLOSED", "Fermé le vendredi 12 septembre : Grève."
        )
        booked = await parent.book("2025-09-11", "2025-09-12", "cantine")
        assert [(row["day"], row["reason"]) for row in booked["skipped"]] == [("2025-09-12", "SITE_CLOSED")]
        holiday = {**alone, "day": "2025-11-11"}
        assert_refused(await parent.post("reservations", holiday), 409, "SITE_CLOSED", "Fermé le mardi 11 novembre")
    assert await world.books.statuses(family.id) == {1: 1}


async def test_a_full_session_is_told_and_the_other_days_are_booked(world: World) -> None:
    first, second = await world.family("petit-val"), await world.family("petit-val")
    async with world.parent(first) as early, world.parent(second) as late:
        await early.book("2025-09-15", "2025-09-15", "atelier")
        alone = {"child_id": second.children[0], "day": "2025-09-15", "activity_ids": [late.activities["atelier"]]}
        sentence = "Complet : il ne reste plus de place"
        assert_refused(await late.post("reservations", alone), 409, "SESSION_FULL", sentence)
        booked = await late.book("2025-09-15", "2025-09-16", "atelier")
        assert (booked["created"], [row["reason"] for row in booked["skipped"]]) == (1, ["SESSION_FULL"])
    assert await world.books.statuses(first.id) == {1: 1}
    assert await world.books.statuses(second.id) == {1: 1}


async def test_after_the_cut_off_the_parent_is_told_since_when_and_whom_to_call(world: World) -> None:
    family = await world.family("petit-val")
    async with world.parent(family) as parent:
        alone = {"child_id": family.children[0], "day": "2025-09-02", "activity_ids": [parent.activities["clos"]]}
        sentence = "Les réservations pour le mardi 2 septembre sont closes depuis"
        problem = assert_refused(await parent.post("reservations", alone), 409, "BOOKING_CUTOFF_PASSED", sentence)
        assert "01\N{NO-BREAK SPACE}99" in problem["detail"]
        booked = await parent.book("2025-09-02", "2025-09-04", "clos")
        assert [(row["day"], row["reason"]) for row in booked["skipped"]] == [("2025-09-02", "BOOKING_CUTOFF_PASSED")]
    assert await world.books.statuses(family.id) == {1: 1}


async def test_a_double_submit_books_once_and_another_body_under_the_key_is_refused(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        entry = parent.entry("2025-09-01", "2025-09-05")
        answers = await asyncio.gather(*(parent.post("bulk-entries", entry, "double") for _ in range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert len({answer.text for answer in answers}) == 1
        assert answers[0].json()["created"] == 16
        other = await parent.post("bulk-entries", {**entry, "to": "2025-09-12"}, "double")
        assert_refused(
            other, 409, "IDEMPOTENCY_KEY_REUSED", "Cette clé Idempotency-Key a déjà servi à une autre demande."
        )

        total = (await parent.basket())["total"]
        bills = await asyncio.gather(*(parent.post("invoices", {"expected_total": total}, "facture") for _ in range(3)))
        assert [bill.status_code for bill in bills] == [201] * 3, [bill.text for bill in bills]
        assert len({(bill.json()["number"], bill.json()["attempt_id"]) for bill in bills}) == 1
        again = await parent.post("invoices", {"expected_total": {**total, "minor_units": 1}}, "facture")
        assert_refused(
            again, 409, "IDEMPOTENCY_KEY_REUSED", "Cette clé Idempotency-Key a déjà servi à une autre demande."
        )
        assert len(await parent.invoices()) == 1
    assert await world.books.statuses(family.id) == {1: 16}


async def test_a_tab_with_a_stale_basket_is_told_both_amounts(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as tab, world.parent(family) as other_tab:
        await tab.book("2025-09-01", "2025-09-30")
        shown = await tab.basket()
        first = await _cancel(other_tab, shown["lines"][0]["reservation_id"])
        assert first["removed"] == 1
        answer = await tab.post("invoices", {"expected_total": shown["total"]})
        problem = assert_refused(answer, 409, "BASKET_CHANGED", "Votre panier a changé depuis l'affichage")
        assert "54,00\u00a0€ → 53,55\u00a0€" in problem["detail"].replace("\u202f", "\u00a0")
        assert await tab.invoices() == []
        assert (await tab.issue())["total"]["minor_units"] == 5355
        # The other tab still shows the basket that is now invoiced.
        late = await other_tab.post("invoices", {"expected_total": {"minor_units": 5355, "currency": "EUR"}})
        assert_refused(late, 409, "BASKET_EMPTY", "Rien à payer")
        assert len(await tab.invoices()) == 1
    assert await world.books.statuses(family.id) == {1: 71, 3: 1}


async def test_two_guardians_at_once_book_and_pay_once(world: World) -> None:
    family = await world.family(guardians=2)
    async with world.parent(family, 0) as one, world.parent(family, 1) as two:
        entry = one.entry("2025-09-01", "2025-09-30")
        booked = await asyncio.gather(*(each.post("bulk-entries", entry) for each in (one, two) * 2))
        assert [answer.status_code for answer in booked] == [200] * 4, [answer.text for answer in booked]
        assert sum(answer.json()["created"] for answer in booked) == 72
        reasons = {row["reason"] for answer in booked for row in answer.json()["skipped"]}
        assert reasons == {"ALREADY_RESERVED"}

        total = (await one.basket())["total"]
        bills = await asyncio.gather(*(each.post("invoices", {"expected_total": total}) for each in (one, two)))
        won = [bill.json() for bill in bills if bill.status_code == 201]
        lost = [bill for bill in bills if bill.status_code != 201]
        assert (len(won), len(lost)) == (1, 1), [bill.text for bill in bills]
        assert_refused(lost[0], 409, "BASKET_EMPTY", "Rien à payer")
        await world.payfip.pay(won[0]["payment_url"])
        await two.settled(won[0]["id"])
    assert await world.books.statuses(family.id) == {2: 72}
    await world.audit("casepilote")


async def _cancel(parent: Any, *ids: str) -> dict[str, Any]:
    answer = await parent.client.request("DELETE", "/api/v1/reservations", json={"ids": list(ids)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
