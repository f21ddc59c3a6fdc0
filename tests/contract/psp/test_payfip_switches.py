"""The adapter against each of the simulator's eight switches, and against answers nobody should believe."""

from __future__ import annotations

import asyncio
import time

import pytest
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider, make_client
from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.domain.attempt import Outcome, Redirection, looked_up
from payment_gateway_svc.domain.errors import ProviderUnavailableError
from payment_gateway_svc.domain.events import PaymentMismatched
from payment_gateway_svc.domain.states import PaymentState
from preau_chassis.calls import deadline
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.money import Money

from tests.contract.psp.parts import Payfip


async def refusals(payfip: Payfip, redirection: Redirection) -> list[DomainError]:
    calls = (
        payfip.create(),
        payfip.look_up(redirection),
        payfip.provider.describe(payfip.settings),
    )
    found = []
    for call in calls:
        with pytest.raises(DomainError) as caught:
            await call
        found.append(caught.value)
    return found


async def test_there_are_eight_switches_all_off(payfip: Payfip) -> None:
    switches = (await payfip.browser.get("/admin/api/switches")).json()

    assert switches == {
        "drop_notification": False,
        "duplicate_notification": False,
        "delay_notification": 0.0,
        "bad_gateway": False,
        "technical_fault": False,
        "wrong_amount": False,
        "slow": 0.0,
        "unknown_result": False,
    }


async def test_a_dropped_notification_leaves_the_look_up_true(payfip: Payfip) -> None:
    await payfip.switch(drop_notification=True)
    redirection = await payfip.create()

    await payfip.pay(redirection)

    assert payfip.town.received == []
    assert (await payfip.look_up(redirection)).outcome is Outcome.PAID


async def test_a_duplicated_notification_says_the_same_thing_twice(payfip: Payfip) -> None:
    await payfip.switch(duplicate_notification=True)
    redirection = await payfip.create()

    await payfip.pay(redirection)

    first, second = payfip.town.received
    assert first == second


async def test_a_delayed_notification_comes_after_the_browser(payfip: Payfip) -> None:
    await payfip.switch(delay_notification=0.3)
    redirection = await payfip.create()

    response = await payfip.pay(redirection)

    assert response.status_code == 303
    assert payfip.town.received == []
    assert len(await payfip.town.received_soon(1)) == 1


@pytest.mark.parametrize("switch", ["bad_gateway", "technical_fault"])
async def test_a_service_that_fails_says_nothing_about_any_payment(payfip: Payfip, switch: str) -> None:
    redirection = await payfip.create()
    await payfip.pay(redirection)
    await payfip.switch(**{switch: True})

    for error in await refusals(payfip, redirection):
        assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")

    await payfip.switch(**{switch: False})
    assert (await payfip.look_up(redirection)).outcome is Outcome.PAID


async def test_another_amount_than_asked_is_never_a_settlement(payfip: Payfip) -> None:
    await payfip.switch(wrong_amount=True)
    redirection = await payfip.create()
    await payfip.pay(redirection)

    answer = await payfip.look_up(redirection)
    applied = looked_up(payfip.attempt(redirection), answer, await payfip.now())

    assert answer.amount == Money(5500)
    assert applied.attempt.state is PaymentState.PENDING
    (event,) = applied.events
    assert isinstance(event, PaymentMismatched)
    assert (event.fields, event.expected, event.actual) == (("montant",), Money(5400), Money(5500))


async def test_an_unknown_result_is_not_an_end(payfip: Payfip) -> None:
    await payfip.switch(unknown_result=True)
    redirection = await payfip.create()
    await payfip.pay(redirection)

    answer = await payfip.look_up(redirection)

    assert answer.outcome is Outcome.UNKNOWN
    assert looked_up(payfip.attempt(redirection), answer, await payfip.now()).attempt.state is PaymentState.PENDING


async def test_a_slow_service_is_waited_for_only_so_long(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.switch(slow=2.0)
    started = time.monotonic()

    async with make_client(0.3) as client:
        with pytest.raises(ProviderUnavailableError):
            await PayfipProvider(client, 0.3).fetch_status(redirection.provider_ref, payfip.settings)

    assert time.monotonic() - started < 1.5


async def test_a_caller_in_a_hurry_is_answered_before_its_own_time_is_up(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.switch(slow=3.0)
    started = time.monotonic()

    with deadline(1.0), pytest.raises(ProviderUnavailableError):
        await payfip.look_up(redirection)

    assert time.monotonic() - started < 1.0


async def test_a_service_slow_within_reason_is_waited_for(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.switch(slow=0.5)

    assert (await payfip.look_up(redirection)).outcome is Outcome.WAITING


async def test_a_switch_that_does_not_exist_is_refused_and_none_is_changed(payfip: Payfip) -> None:
    for document in ({"nonsense": True}, {"slow": True}, {"slow": -1}, {"drop_notification": 1, "bad_gateway": True}):
        response = await payfip.browser.post("/admin/api/switches", json=document)
        assert response.status_code == 400

    assert not any((await payfip.browser.get("/admin/api/switches")).json().values())


async def answered_with(raw: bytes) -> DomainError:
    """What the adapter makes of a service that answers ``raw`` to everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, make_client(2.0) as client:
        port = server.sockets[0].getsockname()[1]
        values = {"client_number": "090909", "mode": "T", "service_url": f"http://127.0.0.1:{port}/"}
        with pytest.raises(DomainError) as caught:
            await PayfipProvider(client, 2.0).fetch_status("op", ProviderSettings("payfip", values))
    return caught.value


def http(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{more}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
FILE = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        http(b""),
        http(b"<html>maintenance</html>"),
        http(BOMB),
        http(FILE),
        http(b"<a/>", "200 OK").replace(b"content-length: 4", b"content-length: 4000"),
        http(b"<a>" + b"x" * 300_000 + b"</a>"),
        http(b"", "302 Found", "location: http://127.0.0.1:1/\r\n"),
        http(b"", "404 Not Found"),
    ],
    ids=["silence", "no-http", "empty", "page", "bomb", "file", "cut", "huge", "redirect", "not-found"],
)
async def test_an_answer_nobody_should_believe_is_no_answer(raw: bytes) -> None:
    error = await answered_with(raw)

    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")


async def test_a_closed_door_is_no_answer() -> None:
    values = {"client_number": "090909", "mode": "T", "service_url": "http://127.0.0.1:1/"}
    async with make_client(2.0) as client:
        with pytest.raises(ProviderUnavailableError):
            await PayfipProvider(client, 2.0).fetch_status("op", ProviderSettings("payfip", values))
