"""What is measured of payments, and when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from payment_gateway_svc.adapters.measures import OpenPaymentGauges, OpenPayments
from payment_gateway_svc.adapters.psp.measured import MeasuredProvider
from payment_gateway_svc.adapters.recorder import TelemetryRecorder
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.application.providers import Providers
from payment_gateway_svc.domain.attempt import LookUp, Outcome
from payment_gateway_svc.domain.errors import ProviderRefusedSettingsError
from payment_gateway_svc.domain.states import PaymentState
from preau_chassis.testing import Recorded, recorded_metrics
from preau_kernel.errors import DomainError

from tests.unit.payment.fakes import (
    NOW,
    SERVICE,
    FakeDatabase,
    FakeProvider,
    make_answer,
    make_attempt,
    make_clock,
    make_order,
)

SETTINGS = ProviderSettings("payfip", {"client_number": "090909", "mode": "T"})


class World:
    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.provider = FakeProvider()
        self.clock = make_clock()
        providers = Providers([MeasuredProvider(self.provider)])
        self.look_up = LookUpPath(self.database.begin, providers, self.clock, TelemetryRecorder())


def payments(recorded: Recorded) -> dict[str, float]:
    found = recorded.attributes("preau.payments")
    assert all((each["preau.tenant"], each["preau.provider"]) == ("casepilote", "payfip") for each in found)
    return {str(each["preau.outcome"]): recorded.value("preau.payments", each) for each in found}


def exchanges(recorded: Recorded) -> dict[tuple[str, str], float]:
    return {
        (str(each["preau.operation"]), str(each["preau.outcome"])): recorded.value("preau.provider.duration", each)
        for each in recorded.attributes("preau.provider.duration")
    }


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Outcome.PAID, "paid"),
        (Outcome.DENIED, "refused"),
        (Outcome.CANCELLED, "cancelled"),
        (Outcome.STALE, "expired"),
    ],
)
async def test_an_attempt_is_counted_once_when_it_ends(outcome: Outcome, name: str) -> None:
    world = World()
    attempt = world.database.put(make_attempt())
    world.provider.answer = make_answer(outcome)
    with recorded_metrics() as recorded:
        await world.look_up.refresh(SERVICE, attempt.id)
        await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {name: 1}


@pytest.mark.parametrize("answer", [LookUp(Outcome.WAITING), LookUp(Outcome.UNKNOWN), make_answer(montant="1")])
async def test_an_attempt_without_an_end_is_not_counted(answer: LookUp) -> None:
    world = World()
    attempt = world.database.put(make_attempt())
    world.provider.answer = answer
    with recorded_metrics() as recorded:
        await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {}
        assert exchanges(recorded) == {("look_up", "done"): 1}


async def test_an_attempt_the_provider_was_never_asked_for_has_failed() -> None:
    world = World()
    attempt = world.database.put(make_attempt(provider_ref="", facts={}, state=PaymentState.CREATED))
    with recorded_metrics() as recorded:
        await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {}
        world.clock.advance(timedelta(minutes=31))
        await world.look_up.refresh(SERVICE, attempt.id)
        await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {"failed": 1}
        assert exchanges(recorded) == {}


async def test_money_after_the_end_is_counted_as_paid_too() -> None:
    world = World()
    attempt = world.database.put(make_attempt(state=PaymentState.EXPIRED))
    world.provider.answer = make_answer()
    with recorded_metrics() as recorded:
        await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {"paid": 1}


async def test_nothing_is_counted_when_the_end_is_not_committed() -> None:
    world = World()
    world.provider.answer = make_answer()
    with recorded_metrics() as recorded:
        with pytest.raises(DomainError, match="PAYMENT_NOT_FOUND"):
            await world.look_up.refresh(SERVICE, uuid4())
        world.provider.is_down = True
        attempt = world.database.put(make_attempt())
        with pytest.raises(DomainError, match="PROVIDER_UNAVAILABLE"):
            await world.look_up.refresh(SERVICE, attempt.id)
        assert payments(recorded) == {}
        assert exchanges(recorded) == {("look_up", "unavailable"): 1}


async def test_a_creation_is_timed_whatever_comes_of_it() -> None:
    provider = FakeProvider()
    measured = MeasuredProvider(provider)

    async def wait() -> None:
        await asyncio.sleep(0.02)

    async def refuse() -> None:
        raise ProviderRefusedSettingsError("T1")

    with recorded_metrics() as recorded:
        provider.before_create = wait
        await measured.create(make_order(), SETTINGS, NOW)
        done = {"preau.provider": "payfip", "preau.operation": "create", "preau.outcome": "done"}
        assert 0.02 <= recorded.seconds("preau.provider.duration", done) < 1
        provider.before_create = refuse
        with pytest.raises(ProviderRefusedSettingsError):
            await measured.create(make_order(), SETTINGS, NOW)
        assert exchanges(recorded) == {("create", "done"): 1, ("create", "refused"): 1}


async def test_a_provider_that_is_not_waited_for_any_longer_was_unavailable() -> None:
    provider = FakeProvider()

    async def hang() -> LookUp:
        await asyncio.sleep(60)
        return LookUp(Outcome.WAITING)

    provider.instead = hang
    with recorded_metrics() as recorded:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await MeasuredProvider(provider).fetch_status("op-1", SETTINGS)
        assert exchanges(recorded) == {("look_up", "unavailable"): 1}


def test_a_provider_without_open_payments_shows_nought() -> None:
    gauges = OpenPaymentGauges(["payfip"], timedelta(minutes=1))
    payfip = {"preau.provider": "payfip"}
    with recorded_metrics() as recorded:
        assert recorded.attributes("preau.payments.open") == []
        gauges.keep([OpenPayments("payfip", 2, 61.5)])
        assert recorded.value("preau.payments.open", payfip) == 2
        assert recorded.value("preau.payments.oldest_open", payfip) == 61.5
        gauges.keep([])
        assert recorded.attributes("preau.payments.oldest_open") == [payfip]
        assert recorded.value("preau.payments.open", payfip) == 0
        gauges.close()
        assert recorded.attributes("preau.payments.open") == []
