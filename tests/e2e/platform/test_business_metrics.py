"""What matters at 8:30, as a Prometheus reads it: one family's month counts once at every step."""

from __future__ import annotations

import contextlib

import pytest

from tests.e2e.platform.test_metrics import Readings, _read
from tests.e2e.platform.world import World, eventually

SLUG = "petit-val"  # where no other test leaves a payment open
TOWN = {"preau_tenant": SLUG}
WEEK = ("2025-09-01", "2025-09-05", "cantine")
MEALS = 4
# Series and labels; by how much a family's paid week of one child moves them.
STEPS: tuple[tuple[str, dict[str, str], float], ...] = (
    ("preau_sign_ins_total", {**TOWN, "preau_outcome": "done"}, 1),
    ("preau_bookings_total", TOWN, MEALS),
    ("preau_refusals_total", {**TOWN, "preau_reason": "ALREADY_RESERVED"}, MEALS),
    ("preau_invoices_total", TOWN, 1),
    ("preau_payments_total", {**TOWN, "preau_provider": "payfip", "preau_outcome": "paid"}, 1),
    ("preau_provider_duration_seconds_count", {"preau_operation": "create", "preau_outcome": "done"}, 1),
    ("preau_confirmations_total", TOWN, MEALS),
    ("preau_paid_to_confirmed_seconds_count", TOWN, 1),
    ("preau_paid_to_confirmed_seconds_bucket", {**TOWN, "le": "60"}, 1),
)
# Shown by the process that leads; each town from the turn that finds it on.
GAUGES = {
    "preau_signing_key_expires_in_seconds": "identity",
    "preau_letters_late": "identity",
    "preau_holds_open": "agenda",
    "preau_holds_expiring": "agenda",
    "preau_ledger_wrong": "billing",
    "preau_billing_unpriced": "billing",
    "preau_payments_open": "payment",
    "preau_payments_oldest_open_seconds": "payment",
}


async def test_a_week_that_is_booked_and_paid_moves_each_count_by_what_it_is(world: World) -> None:
    family = await world.family(SLUG)
    before = await _read(world.platform)
    async with world.parent(family) as parent:
        await parent.book(*WEEK)
        again = await parent.post("bulk-entries", parent.entry(*WEEK))
        assert len(again.json()["skipped"]) == MEALS
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        await parent.settled(invoice["id"])
        # Asked again, the provider tells the same, and nothing counts twice.
        await world.poll(SLUG)

    def moved(after: Readings) -> list[tuple[str, float]]:
        return [(name, after.total(name, labels) - before.total(name, labels)) for name, labels, _ in STEPS]

    async def are_told() -> bool:
        return all(now >= by for (_, now), (_, _, by) in zip(moved(await _read(world.platform)), STEPS, strict=True))

    with contextlib.suppress(AssertionError):
        await eventually(are_told)
    assert moved(await _read(world.platform)) == [(name, by) for name, _, by in STEPS]


@pytest.mark.timeout(240)  # the platform's own start, and the half minute until all towns are counted
async def test_what_is_open_due_or_wrong_is_shown_by_its_service(world: World) -> None:
    async def is_told() -> bool:
        read = await _read(world.platform)
        return all(read.services(name) == {service} for name, service in GAUGES.items())

    with contextlib.suppress(AssertionError):
        await eventually(is_told, 45.0)
    read = await _read(world.platform)
    assert {name: read.services(name) for name in GAUGES} == {name: {service} for name, service in GAUGES.items()}
    assert read.total("preau_ledger_wrong", {}) == 0
    assert read.total("preau_billing_unpriced", {}) == 0
    assert read.total("preau_signing_key_expires_in_seconds", {}) > 24 * 3600
