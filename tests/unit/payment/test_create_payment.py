"""Creating an attempt: recorded before the provider is asked, and once a request."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.errors import DomainError, ErrorKind

from tests.unit.payment.fakes import (
    NOW,
    SERVICE,
    make_guardian,
)
from tests.unit.payment.world import World, make_command


async def test_creating_records_the_attempt_then_sends_the_browser_to_the_provider(world: World) -> None:
    attempt = await world.create(make_command(), make_guardian("h1"))

    assert attempt.state is PaymentState.REDIRECTED
    assert attempt.payment_url == "http://pay/op-1"
    assert attempt.expires_at == NOW + timedelta(minutes=15)
    assert attempt.household_id == "h1"
    assert world.database.get(attempt.id) == attempt


async def test_the_return_address_names_the_attempt(world: World) -> None:
    attempt = await world.create(make_command(), SERVICE)

    assert world.provider.created[0].return_url.endswith(f"/paiement/retour/{attempt.id}")


async def test_the_same_request_gives_the_same_attempt_and_asks_once(world: World) -> None:
    request_id = uuid4()

    first = await world.create(make_command(request_id), SERVICE)
    second = await world.create(make_command(request_id), SERVICE)

    assert second == first
    assert len(world.provider.created) == 1


async def test_the_same_request_with_other_words_is_refused(world: World) -> None:
    request_id = uuid4()
    await world.create(make_command(request_id), SERVICE)

    with pytest.raises(DomainError) as caught:
        await world.create(make_command(request_id, request_hash=b"other"), SERVICE)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_a_provider_that_is_down_leaves_an_unasked_attempt_that_the_same_request_completes(world: World) -> None:
    request_id = uuid4()
    world.provider.is_down = True
    with pytest.raises(DomainError) as caught:
        await world.create(make_command(request_id), SERVICE)
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    (left,) = world.database.tables.attempts.values()
    assert (left.state, left.is_unreachable) == (PaymentState.CREATED, True)

    world.provider.is_down = False
    attempt = await world.create(make_command(request_id), SERVICE)

    assert attempt.id == left.id
    assert attempt.state is PaymentState.REDIRECTED
    assert not attempt.is_unreachable


async def test_a_twin_the_provider_did_not_answer_goes_where_the_one_it_answered_goes(world: World) -> None:
    request_id = uuid4()

    async def be_overtaken() -> None:
        world.provider.before_create = None
        await world.create(make_command(request_id), SERVICE)
        world.provider.is_down = True

    world.provider.before_create = be_overtaken

    attempt = await world.create(make_command(request_id), SERVICE)

    assert attempt.payment_url == "http://pay/op-1"
    assert world.database.get(attempt.id) == attempt
    assert not attempt.is_unreachable


async def test_an_order_the_provider_could_not_take_leaves_no_attempt(world: World) -> None:
    with pytest.raises(DomainError) as caught:
        await world.create(make_command(amount=50), SERVICE)

    assert caught.value.reason == "AMOUNT_TOO_SMALL"
    assert world.database.tables.attempts == {}


async def test_a_request_repeated_after_its_attempt_was_given_up_is_refused(world: World) -> None:
    request_id = uuid4()
    world.provider.is_down = True
    with pytest.raises(DomainError):
        await world.create(make_command(request_id), SERVICE)
    (left,) = world.database.tables.attempts.values()
    world.clock.advance(timedelta(minutes=31))
    await world.look_up.refresh(SERVICE, left.id)
    world.provider.is_down = False

    with pytest.raises(DomainError) as caught:
        await world.create(make_command(request_id), SERVICE)

    assert caught.value.reason == "PAYMENT_EXPIRED"
    assert world.provider.created == []


async def test_a_town_without_a_provider_is_told_so(world: World) -> None:
    world.database.tables.settings.clear()

    with pytest.raises(DomainError) as caught:
        await world.create(make_command(), SERVICE)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.PRECONDITION, "PROVIDER_NOT_CONFIGURED")


async def test_the_least_that_can_be_paid_online_is_its_providers_and_none_without_one(world: World) -> None:
    assert await world.online(make_guardian("h1")) == world.provider.minimum

    world.database.tables.settings.clear()
    assert await world.online(make_guardian("h1")) is None
