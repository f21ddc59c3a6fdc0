"""The use cases, on in-memory parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from payment_gateway_svc.application.check_provider import CheckProviderHandler
from payment_gateway_svc.application.configure_provider import ConfigureProviderHandler
from payment_gateway_svc.application.create_payment import CreatePayment, CreatePaymentHandler
from payment_gateway_svc.application.get_payment import GetPaymentHandler
from payment_gateway_svc.application.handle_notification import HandleNotification, HandleNotificationHandler
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.poll_payments import BATCH, PollPaymentsHandler
from payment_gateway_svc.application.ports import Notification, OpenAttempt, ProviderSettings
from payment_gateway_svc.application.providers import Providers
from payment_gateway_svc.application.record_town import RecordTown, record_town
from payment_gateway_svc.domain.attempt import LookUp, Outcome
from payment_gateway_svc.domain.events import PaymentSucceeded
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import TenantId, TenantSlug, UuidV7Factory

from tests.unit.payment.fakes import (
    NOW,
    OPERATOR,
    SERVICE,
    FakeDatabase,
    FakeProvider,
    FakeRecorder,
    make_answer,
    make_attempt,
    make_clock,
    make_guardian,
    make_order,
)

HASH = b"h"


class World:
    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.provider = FakeProvider()
        self.clock = make_clock()
        self.recorder = FakeRecorder()
        providers = Providers([self.provider])
        factory = self.database.begin
        self.create = CreatePaymentHandler(factory, providers, self.clock, UuidV7Factory())
        self.get = GetPaymentHandler(factory)
        self.look_up = LookUpPath(factory, providers, self.clock, self.recorder)
        self.notify = HandleNotificationHandler(
            factory, providers, self.clock, self.look_up, self.recorder, timedelta(seconds=0.2)
        )
        self.poll = PollPaymentsHandler(factory, self, self.clock, self.look_up, self.recorder, 3)
        self.configure = ConfigureProviderHandler(factory, providers, self.clock, self.recorder)
        self.check = CheckProviderHandler(factory, providers)
        self.batches: list[list[OpenAttempt]] = []

    async def due(self, _now: object, _limit: int) -> list[OpenAttempt]:
        return self.batches.pop(0) if self.batches else []


@pytest.fixture
def world() -> World:
    return World()


def make_command(request_id: UUID | None = None, **changes: Any) -> CreatePayment:
    return CreatePayment(request_id or uuid4(), changes.pop("request_hash", HASH), "invoice-1", make_order(**changes))


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


async def test_a_parent_may_not_poll_configure_or_test(world: World) -> None:
    parent = make_guardian("h1")
    settings = ProviderSettings("payfip", {"client_number": "123456"})

    for call in (world.poll.town(parent), world.configure(settings, parent), world.check(parent)):
        with pytest.raises(DomainError) as caught:
            await call
        assert caught.value.kind is ErrorKind.FORBIDDEN


async def test_a_setting_that_cannot_be_right_is_refused_and_the_old_one_kept(world: World) -> None:
    before = dict(world.database.tables.settings)

    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("payfip", {}), OPERATOR)

    assert caught.value.reason == "CLIENT_NUMBER_INVALID"
    assert world.database.tables.settings == before


async def test_an_unknown_provider_is_refused(world: World) -> None:
    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("paypig", {}), OPERATOR)

    assert caught.value.reason == "PROVIDER_UNKNOWN"


@pytest.mark.parametrize(("is_production", "mode", "warned"), [(True, "T", 1), (True, "W", 0), (False, "T", 0)])
async def test_test_mode_in_a_production_town_is_allowed_and_reported(
    world: World, *, is_production: bool, mode: str, warned: int
) -> None:
    world.database.tables.is_production = is_production

    await world.configure(ProviderSettings("payfip", {"client_number": "123456", "mode": mode}), OPERATOR)

    assert len(world.recorder.warned) == warned
    assert world.database.tables.settings["payfip"].values["mode"] == mode


async def test_the_settings_can_be_tried(world: World) -> None:
    description = await world.check(OPERATOR)

    assert (description.is_ok, description.labels) == (True, ("REGIE",))


async def test_a_town_is_recorded_as_identity_says(world: World) -> None:
    async with world.database.begin(SERVICE) as uow:
        await record_town(RecordTown(version=3, is_production=True), uow.towns)
        await uow.commit()

    assert world.database.tables.is_production


async def test_an_operators_token_for_no_town_configures_nothing(world: World) -> None:
    platform = Context(TenantId(0), TenantSlug(""), "service:operator", frozenset({"operator"}))

    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("payfip", {"client_number": "123456"}), platform)

    assert caught.value.kind is ErrorKind.FORBIDDEN


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
