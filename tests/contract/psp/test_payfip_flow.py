"""The adapter against the simulator: the ordinary ways a payment ends, and the service's clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from payment_gateway_svc.domain.attempt import Outcome, looked_up
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.errors import DomainError
from preau_kernel.money import Money
from preau_stack.ports import free_ports

from tests.contract.psp.parts import REFUSED, START, Payfip, SimulatorProcess, Town, afternoon, parameters


async def test_a_payment_waits_until_the_card_is_taken_then_is_paid(payfip: Payfip) -> None:
    redirection = await payfip.create()
    assert (await payfip.look_up(redirection)).outcome is Outcome.WAITING

    await payfip.pay(redirection)
    answer = await payfip.look_up(redirection)

    assert answer.outcome is Outcome.PAID
    assert answer.amount == Money(5400)
    assert answer.is_test
    assert answer.settled_at is not None
    assert timedelta(0) <= await payfip.now() - answer.settled_at < timedelta(minutes=2)
    applied = looked_up(payfip.attempt(redirection), answer, await payfip.now())
    assert applied.attempt.state is PaymentState.PAID


async def test_a_refused_card_is_denied(payfip: Payfip) -> None:
    redirection = await payfip.create()

    await payfip.pay(redirection, REFUSED)

    assert (await payfip.look_up(redirection)).outcome is Outcome.DENIED


async def test_giving_up_on_the_page_is_a_cancellation(payfip: Payfip) -> None:
    redirection = await payfip.create()

    await payfip.abandon(redirection)

    assert (await payfip.look_up(redirection)).outcome is Outcome.CANCELLED


@pytest.mark.parametrize(("letter", "outcome"), [("V", Outcome.PAID), ("Z", Outcome.DENIED)])
async def test_a_direct_debit_is_paid_or_denied(payfip: Payfip, letter: str, outcome: Outcome) -> None:
    redirection = await payfip.create()

    await payfip.admin(f"payments/{redirection.provider_ref}/result", {"result": letter})

    assert (await payfip.look_up(redirection)).outcome is outcome


async def test_outside_test_mode_the_payment_is_not_flagged(payfip: Payfip) -> None:
    redirection = await payfip.create(mode="W")
    await payfip.pay(redirection)

    assert not (await payfip.look_up(redirection)).is_test


async def test_the_browser_comes_back_with_the_operation_and_the_address_it_was_given(payfip: Payfip) -> None:
    redirection = await payfip.create()

    response = await payfip.pay(redirection)

    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{payfip.town.url}/paiement/retour/1?")
    assert parameters(response.headers["location"]) == {"a": ["b"], "idOp": [redirection.provider_ref]}


async def test_the_town_is_notified_on_its_own_host_before_the_browser_is_back(payfip: Payfip) -> None:
    redirection = await payfip.create()

    await payfip.pay(redirection)

    host = f"casepilote.localhost:{payfip.town.port}"
    assert payfip.town.received == [("/webhooks/payfip", host, f"idop={redirection.provider_ref}")]


async def test_an_operation_nobody_knows_is_gone(payfip: Payfip) -> None:
    answer = await payfip.provider.fetch_status("cc0cb210-1cd4-11ea-8cca-0213ad91a103", payfip.settings)

    assert answer.outcome is Outcome.GONE


async def test_a_page_opened_after_fifteen_minutes_is_refused_with_p4(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.advance(15 * 60 + 1)

    response = await payfip.open(redirection)

    assert response.status_code == 410
    assert "(P4)" in response.text
    assert "15 minutes" in response.text


async def test_a_page_just_in_time_can_be_paid(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.advance(14 * 60)

    assert (await payfip.pay(redirection)).status_code == 303


async def test_an_operation_already_used_is_refused_with_p3(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.pay(redirection)

    again = await payfip.open(redirection)
    forced = await payfip.submit(redirection, number=REFUSED, expiry="12/30", code="123", action="pay")

    assert (again.status_code, forced.status_code) == (410, 410)
    assert "(P3)" in again.text
    assert (await payfip.look_up(redirection)).outcome is Outcome.PAID


async def test_an_operation_whose_page_was_never_opened_is_gone_the_next_night(payfip: Payfip) -> None:
    unopened, opened = await payfip.create(), await payfip.create()
    await payfip.open(opened)
    await payfip.advance(24 * 3600)

    assert (await payfip.look_up(unopened)).outcome is Outcome.GONE
    assert (await payfip.look_up(opened)).outcome is Outcome.WAITING


async def test_the_purge_can_be_asked_for_and_leaves_results(payfip: Payfip) -> None:
    unopened, paid = await payfip.create(), await payfip.create()
    await payfip.pay(paid)

    assert await payfip.admin("purge", {}) == {"purged": 1}

    assert (await payfip.look_up(unopened)).outcome is Outcome.GONE
    assert (await payfip.look_up(paid)).outcome is Outcome.PAID


async def test_the_settings_can_be_tried(payfip: Payfip) -> None:
    description = await payfip.provider.describe(payfip.settings)

    assert description.is_ok
    assert description.labels[0] == "REGIE DE RECETTES"


async def test_an_unknown_client_number_is_told_with_its_code(payfip: Payfip) -> None:
    settings = payfip.settings_for("999999")

    description = await payfip.provider.describe(settings)
    with pytest.raises(DomainError) as caught:
        await payfip.provider.create(payfip.order(), settings, await payfip.now())

    assert (description.is_ok, description.code) == (False, "T2")
    assert caught.value.reason == "PROVIDER_SETTINGS_REFUSED"


async def test_a_restart_of_the_simulator_loses_nothing(payfip: Payfip, town: Town, tmp_path: Path) -> None:
    import httpx

    (port,) = free_ports(1)
    clock = afternoon()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        other = Payfip(f"http://127.0.0.1:{port}", payfip.provider, browser, town)
        with SimulatorProcess(port, tmp_path, **clock):
            paid, waiting = await other.create(), await other.create()
            await other.pay(paid)
            await other.advance(60)
            await other.switch(slow=0.01)
        with SimulatorProcess(port, tmp_path, **clock):
            assert (await other.look_up(paid)).outcome is Outcome.PAID
            assert (await other.look_up(waiting)).outcome is Outcome.WAITING
            assert (await browser.get("/admin/api/switches")).json()["slow"] == 0.01
            assert await other.now() > START + timedelta(seconds=60)


async def test_the_simulator_lives_at_the_platforms_time(payfip: Payfip, town: Town, tmp_path: Path) -> None:
    import httpx

    (port,) = free_ports(1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        other = Payfip(f"http://127.0.0.1:{port}", payfip.provider, browser, town)
        with SimulatorProcess(port, tmp_path, **afternoon()):
            redirection = await other.create()
            await other.pay(redirection)
            answer = await other.look_up(redirection)

    assert answer.settled_at is not None
    assert START <= answer.settled_at < START + timedelta(minutes=2)
