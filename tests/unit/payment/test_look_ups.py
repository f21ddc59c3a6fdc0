"""Asking the provider: on a refresh, and for every attempt that is open."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from payment_gateway_svc.application.poll_payments import BATCH
from payment_gateway_svc.application.ports import OpenAttempt
from payment_gateway_svc.domain.attempt import LookUp
from payment_gateway_svc.domain.events import PaymentSucceeded
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.errors import DomainError, ErrorKind

from tests.unit.payment.fakes import (
    NOW,
    OPERATOR,
    SERVICE,
    make_answer,
    make_attempt,
    make_guardian,
)
from tests.unit.payment.world import World


async def test_refreshing_twice_tells_of_the_payment_once(world: World) -> None:
    attempt = world.database.put(make_attempt())
    world.provider.answer = make_answer()

    await world.look_up.refresh(SERVICE, attempt.id)
    again = await world.look_up.refresh(SERVICE, attempt.id)

    assert again.state is PaymentState.PAID
    assert [type(event) for event in world.database.events] == [PaymentSucceeded]
    assert len(world.provider.asked) == 1


async def test_a_provider_that_is_down_leaves_the_attempt_as_it_was_and_says_so(world: World) -> None:
    attempt = world.database.put(make_attempt())
    world.provider.is_down = True

    with pytest.raises(DomainError) as caught:
        await world.look_up.refresh(SERVICE, attempt.id)

    assert caught.value.reason == "PROVIDER_UNAVAILABLE"
    left = world.database.get(attempt.id)
    assert (left.state, left.is_unreachable, left.checked_at) == (PaymentState.REDIRECTED, True, NOW)


async def test_another_household_neither_sees_nor_refreshes_an_attempt(world: World) -> None:
    attempt = world.database.put(make_attempt())

    for call in (world.get(attempt.id, make_guardian("h2")), world.look_up.refresh(make_guardian("h2"), attempt.id)):
        with pytest.raises(DomainError) as caught:
            await call
        assert (caught.value.kind, caught.value.reason) == (ErrorKind.NOT_FOUND, "PAYMENT_NOT_FOUND")
    assert world.provider.asked == []


async def test_an_account_without_a_household_sees_nobodys_attempt(world: World) -> None:
    attempt = world.database.put(make_attempt())

    for call in (world.get(attempt.id, make_guardian("")), world.look_up.refresh(make_guardian(""), attempt.id)):
        with pytest.raises(DomainError) as caught:
            await call
        assert caught.value.reason == "PAYMENT_NOT_FOUND"
    assert world.provider.asked == []


async def test_polling_a_town_counts_what_was_checked_and_settled(world: World) -> None:
    world.database.put(make_attempt())
    world.database.put(make_attempt(provider_ref="op-2"))
    world.database.put(make_attempt(provider_ref="op-3", state=PaymentState.PAID, settled_at=NOW))
    world.provider.answer = make_answer()

    result = await world.poll.town(OPERATOR)

    assert (result.checked, result.settled) == (2, 2)


async def test_one_failing_attempt_does_not_keep_the_others_from_being_polled(world: World) -> None:
    attempt = world.database.put(make_attempt())
    lost = OpenAttempt(SERVICE, uuid4())
    world.batches = [[lost, OpenAttempt(SERVICE, attempt.id)]]
    world.provider.answer = make_answer()

    result = await world.poll.due()

    assert (result.checked, result.settled) == (1, 1)
    assert world.recorder.failures == ["PAYMENT_NOT_FOUND"]


async def test_an_error_of_ours_over_one_attempt_is_told_after_the_others_were_looked_up(world: World) -> None:
    attempts = [world.database.put(make_attempt(provider_ref=f"op-{number}")) for number in range(5)]
    world.batches = [[OpenAttempt(SERVICE, attempt.id) for attempt in attempts]]

    async def answer() -> LookUp:
        if len(world.provider.asked) == 1:
            raise RuntimeError("a mistake of ours")
        await asyncio.sleep(0)
        return make_answer()

    world.provider.instead = answer

    with pytest.raises(ExceptionGroup) as caught:
        await world.poll.due()

    assert caught.group_contains(RuntimeError)
    states = [world.database.get(attempt.id).state for attempt in attempts]
    assert states == [PaymentState.REDIRECTED, *[PaymentState.PAID] * 4]


async def test_an_attempt_is_shown_as_last_known_without_asking_anybody(world: World) -> None:
    attempt = world.database.put(make_attempt())

    assert await world.get(attempt.id, make_guardian("h1")) == attempt
    assert world.provider.asked == []


async def test_a_batch_that_is_full_is_followed_by_the_next(world: World) -> None:
    attempts = [world.database.put(make_attempt(provider_ref=f"op-{number}")) for number in range(BATCH + 1)]
    opened = [OpenAttempt(SERVICE, attempt.id) for attempt in attempts]
    world.batches = [opened[:BATCH], opened[BATCH:]]

    result = await world.poll.due()

    assert result.checked == BATCH + 1
