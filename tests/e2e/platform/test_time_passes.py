"""An hour goes by between the page and the button: the platform is stopped and started again at a later hour of the same day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from preau_stack.running import SEPTEMBER_2025, running_platform
from preau_stack.testing import temporary_folder

from tests.e2e.platform.parent import assert_refused
from tests.e2e.platform.world import Family, World, eventually

pytestmark = pytest.mark.timeout(240)
LATER = "2025-08-20T10:05:00-04:00"
CARD = {"number": "4111111111111111", "expiry": "12/30", "code": "123", "action": "pay"}


@dataclass(slots=True)
class Unpaid:
    """An invoice whose payment page stays open."""

    family: Family
    invoice: dict[str, Any]
    page: dict[str, str]


@dataclass(slots=True)
class Later:
    """The platform at five past ten, and what was left open at nine."""

    world: World
    token: str
    undecided: Family
    dawdler: Family
    shown: dict[str, Any]
    late: Unpaid
    overtaken: Unpaid


@pytest.fixture(scope="module")
async def later() -> AsyncIterator[Later]:
    with temporary_folder() as folder:
        with running_platform(folder / "data", {"PREAU_NOW": SEPTEMBER_2025}) as platform:
            world = World(platform)
            await world.open_town()
            found = await _leave_things_open(world)
            await world.close()
        with running_platform(folder / "data", {"PREAU_NOW": LATER}) as platform:
            found.world = World(platform)
            yield found
            await found.world.close()


async def _leave_things_open(world: World) -> Later:
    undecided, dawdler = await world.family("petit-val"), await world.family()
    async with world.parent(undecided) as parent:
        preview = await parent.post("bulk-entries/preview", parent.entry("2025-09-01", "2025-09-05", "tardif"))
        assert (preview.json()["created"], preview.json()["skipped"]) == (4, [])
        token = parent.client.headers["Authorization"]
    async with world.parent(dawdler) as parent:
        await parent.book("2025-09-01", "2025-09-05")
        shown = await parent.basket()
    late = await _unpaid(world, "casepilote", "2025-09-05")
    overtaken = await _unpaid(world, "petit-val", "2025-09-01", "atelier", "cantine")
    await world.audit("casepilote", "petit-val")
    return Later(world, token, undecided, dawdler, shown["total"], late, overtaken)


async def _unpaid(world: World, slug: str, last: str, *codes: str) -> Unpaid:
    family = await world.family(slug)
    async with world.parent(family) as parent:
        await parent.book("2025-09-01", last, *codes)
        invoice = await parent.issue()
        return Unpaid(family, invoice, await world.payfip.open(invoice["payment_url"]))


async def test_a_cut_off_that_passed_while_the_page_was_open_takes_only_the_days_it_closed(later: Later) -> None:
    world, family = later.world, later.undecided
    async with world.visitor("petit-val") as parent:
        # The page is still open: same session, another run of the platform.
        parent.client.headers["Authorization"] = later.token
        parent.children, parent.activities = family.children, await world.activities("petit-val")
        alone = {"child_id": family.children[0], "day": "2025-09-01", "activity_ids": [parent.activities["tardif"]]}
        sentence = "Les réservations pour le lundi 1er septembre sont closes depuis"
        assert_refused(await parent.post("reservations", alone), 409, "BOOKING_CUTOFF_PASSED", sentence)
        booked = await parent.book("2025-09-01", "2025-09-05", "tardif")
        assert booked["created"] == 3
        assert [(row["day"], row["reason"]) for row in booked["skipped"]] == [("2025-09-01", "BOOKING_CUTOFF_PASSED")]
    assert await world.books.statuses(family.id) == {1: 3}


async def test_holds_that_ended_just_before_paying_are_told_and_can_be_taken_again(later: Later) -> None:
    world, family = later.world, later.dawdler
    async with world.parent(family) as parent:
        answer = await parent.post("invoices", {"expected_total": later.shown})
        problem = assert_refused(answer, 409, "HOLD_EXPIRED", "Vos places n'étaient plus gardées depuis")
        assert "16 sur 16 sont encore libres : les reprendre ?" in problem["detail"]
        assert await parent.invoices() == []
        assert await world.books.statuses(family.id) == {4: 16}
        assert (await parent.basket())["count"] == 0

        assert await world.restore(family) == (16, 0)
        basket = await parent.basket()
        assert (basket["count"], basket["total"]) == (16, later.shown)
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        await parent.settled(invoice["id"])
    assert await world.books.statuses(family.id) == {2: 16, 4: 16}
    await world.audit("casepilote")


async def test_an_unpaid_invoice_ends_with_its_hold_and_late_money_books_what_is_still_free(later: Later) -> None:
    world, family, invoice = later.world, later.late.family, later.late.invoice
    async with world.parent(family) as parent:

        async def has_lapsed() -> bool:
            status: str = (await parent.invoice(invoice["id"]))["status"]
            return status == "cancelled"

        await eventually(has_lapsed)
        assert await world.books.statuses(family.id) == {4: 16}
        answer = await parent.post(f"invoices/{invoice['id']}/payments", None)
        assert_refused(
            answer, 409, "INVOICE_NOT_PAYABLE", "Cette facture est annulée par un avoir : vous ne devez rien."
        )

        await world.payfip.submit(later.late.page, **CARD)

        async def is_booked_again() -> bool:
            return await world.books.statuses(family.id) == {2: 16}

        await eventually(is_booked_again)
        await eventually(world.books.is_quiet)
        paid = [each for each in await parent.invoices() if each["status"] == "paid"]
        assert [(each["total"]["minor_units"], each["line_count"]) for each in paid] == [(1200, 16)]
        assert paid[0]["id"] != invoice["id"]
        assert (await parent.payment(invoice["attempt_id"]))["status"] == "paid"
    assert await world.alerts(family) == [("LATE_PAYMENT", 1200)]
    assert await world.books.family_credit(family.id) == 0
    await world.audit("casepilote")


async def test_late_money_for_a_place_that_is_taken_becomes_the_familys_credit(later: Later) -> None:
    world, family = later.world, later.overtaken.family

    async def has_lapsed() -> bool:
        return await world.books.statuses(family.id) == {4: 2}

    await eventually(has_lapsed)
    quicker = await world.family("petit-val")
    async with world.parent(quicker) as other:
        assert (await other.book("2025-09-01", "2025-09-01", "atelier"))["created"] == 1
        taken = await other.issue()
        await world.payfip.pay(taken["payment_url"])
        await other.settled(taken["id"])

    await world.payfip.submit(later.overtaken.page, **CARD)

    async def is_credited() -> bool:
        return await world.books.family_credit(family.id) == 500

    await eventually(is_credited)
    assert await world.books.statuses(family.id) == {2: 1, 4: 1}
    assert await world.books.statuses(quicker.id) == {2: 1}
    assert ("LATE_PAYMENT", 800) in await world.alerts(family)
    assert await world.books.payments_of(quicker.id) == 1
    await world.audit("petit-val")
