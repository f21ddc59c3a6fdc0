"""What a provider tells by itself: a hint to look, never a proof."""

from __future__ import annotations

import asyncio

import pytest
from payment_gateway_svc.application.handle_notification import HandleNotification
from payment_gateway_svc.application.ports import Notification
from payment_gateway_svc.domain.attempt import LookUp, Outcome
from payment_gateway_svc.domain.errors import ProviderUnavailableError
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.errors import DomainError, ErrorKind

from tests.unit.payment.fakes import (
    SERVICE,
    make_answer,
    make_attempt,
    make_guardian,
)
from tests.unit.payment.world import World


async def test_a_notification_triggers_the_look_up_and_proves_nothing_itself(world: World) -> None:
    attempt = world.database.put(make_attempt())
    world.provider.answer = LookUp(Outcome.WAITING)

    is_known = await world.notify(HandleNotification("payfip", Notification("op-1", b"", "")), SERVICE)

    assert is_known
    assert world.database.get(attempt.id).state is PaymentState.PENDING
    assert world.database.events == []


async def test_a_duplicated_notification_changes_nothing_more(world: World) -> None:
    attempt = world.database.put(make_attempt())
    world.provider.answer = make_answer()
    notification = HandleNotification("payfip", Notification("op-1", b"", ""))

    assert await world.notify(notification, SERVICE)
    assert await world.notify(notification, SERVICE)

    assert world.database.get(attempt.id).state is PaymentState.PAID
    assert len(world.database.events) == 1
    assert world.database.tables.notifications == {("payfip", "op-1")}


@pytest.mark.parametrize("claimed", ["", "op-forged"])
async def test_a_forged_or_unreadable_notification_changes_nothing(world: World, claimed: str) -> None:
    attempt = world.database.put(make_attempt())

    is_known = await world.notify(HandleNotification("payfip", Notification(claimed, b"", "")), SERVICE)

    assert not is_known
    assert world.database.get(attempt.id) == attempt
    assert world.provider.asked == []
    assert world.database.tables.notifications == set()


async def test_a_notification_played_again_and_again_keeps_no_line_to_the_provider_busy(world: World) -> None:
    attempt = world.database.put(make_attempt())
    may_answer = asyncio.Event()

    async def slowly() -> LookUp:
        await may_answer.wait()
        return LookUp(Outcome.WAITING)

    world.provider.instead = slowly
    refreshes = [asyncio.create_task(world.look_up.refresh(SERVICE, attempt.id)) for _ in range(50)]
    await asyncio.sleep(0.05)
    meanwhile = len(world.provider.asked)
    may_answer.set()
    found = await asyncio.gather(*refreshes)

    assert meanwhile == 2
    # At most two more for those who came while it was asked already: what was learnt then may be too old for them.
    asked = len(world.provider.asked)
    assert 3 <= asked <= 4
    assert {each.state for each in found} == {PaymentState.PENDING}
    await world.look_up.refresh(SERVICE, attempt.id)
    assert len(world.provider.asked) == asked + 1


async def test_who_waits_behind_look_ups_that_fail_asks_again(world: World) -> None:
    attempt = world.database.put(make_attempt())
    may_answer = asyncio.Event()

    async def fail_thrice() -> LookUp:
        is_early = len(world.provider.asked) <= 3
        await may_answer.wait()
        if is_early:
            raise ProviderUnavailableError("down")
        return make_answer()

    world.provider.instead = fail_thrice
    refreshes = [asyncio.create_task(world.look_up.refresh(SERVICE, attempt.id)) for _ in range(4)]
    await asyncio.sleep(0.05)
    may_answer.set()
    found = await asyncio.gather(*refreshes, return_exceptions=True)

    assert [type(each) for each in found] == [*[ProviderUnavailableError] * 3, type(attempt)]
    assert world.database.get(attempt.id).state is PaymentState.PAID


async def test_a_notification_is_taken_even_when_the_provider_is_down(world: World) -> None:
    world.database.put(make_attempt())
    world.provider.is_down = True

    assert await world.notify(HandleNotification("payfip", Notification("op-1", b"", "")), SERVICE)

    assert world.recorder.failures == ["PROVIDER_UNAVAILABLE"]


async def test_a_notification_does_not_wait_for_a_slow_provider(world: World) -> None:
    attempt = world.database.put(make_attempt())

    async def hang() -> LookUp:
        await asyncio.sleep(60)
        return make_answer()

    world.provider.instead = hang

    assert await world.notify(HandleNotification("payfip", Notification("op-1", b"", "")), SERVICE)

    assert world.recorder.failures == ["TIMEOUT"]
    assert world.database.get(attempt.id) == attempt


async def test_only_the_gateway_may_bring_notifications(world: World) -> None:
    with pytest.raises(DomainError) as caught:
        await world.notify(HandleNotification("payfip", Notification("op-1", b"", "")), make_guardian("h1"))

    assert caught.value.kind is ErrorKind.FORBIDDEN
