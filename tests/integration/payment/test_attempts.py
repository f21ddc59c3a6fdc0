"""Attempts on a real database: one row a request, one fact a payment, whatever happens at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from payment_gateway_svc.application.handle_notification import HandleNotification
from payment_gateway_svc.application.ports import Notification
from payment_gateway_svc.domain.attempt import LookUp, Outcome
from payment_gateway_svc.domain.states import PaymentState
from preau.payment.v1 import payment_events_pb2 as events
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.payment.world import Town, World
from tests.unit.payment.fakes import NOW, make_answer


async def test_an_attempt_is_stored_whole(town: Town) -> None:
    attempt = await town.create()

    assert await town.stored(attempt.id) == attempt
    assert attempt.state is PaymentState.REDIRECTED
    assert dict(attempt.facts)["montant"] == "5400"


async def test_the_row_is_there_before_the_provider_is_asked(town: Town, world: World) -> None:
    seen = []

    async def look() -> None:
        async with world.connect(town.number) as connection:
            seen.append(await connection.fetchval("SELECT state FROM payment_attempt"))
        raise asyncio.CancelledError

    world.provider.before_create = look
    with pytest.raises(asyncio.CancelledError):
        await town.create()

    assert seen == ["created"]


async def test_two_twins_of_one_request_get_the_same_attempt_and_address(town: Town) -> None:
    request_id = uuid4()

    first, second = await asyncio.gather(town.create(request_id), town.create(request_id))

    assert (first.id, first.payment_url, first.provider_ref) == (second.id, second.payment_url, second.provider_ref)


async def test_the_same_request_with_other_words_is_refused(town: Town) -> None:
    request_id = uuid4()
    await town.create(request_id)

    with pytest.raises(DomainError) as caught:
        await town.create(request_id, b"other")

    assert caught.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_request_that_met_a_provider_that_was_down_is_completed_by_its_repetition(
    town: Town, world: World
) -> None:
    request_id = uuid4()
    world.provider.is_down = True
    with pytest.raises(DomainError) as caught:
        await town.create(request_id)
    world.provider.is_down = False

    attempt = await town.create(request_id)

    assert caught.value.reason == "PROVIDER_UNAVAILABLE"
    assert attempt.state is PaymentState.REDIRECTED
    async with world.connect(town.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM payment_attempt") == 1


async def test_many_look_ups_at_once_tell_of_a_payment_once(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer()

    found = await asyncio.gather(*(world.use_cases.look_up.refresh(town.context, attempt.id) for _ in range(8)))

    assert {one.state for one in found} == {PaymentState.PAID}
    assert await town.events() == ["PaymentSucceeded"]


async def test_an_older_answer_that_arrives_late_does_not_undo_a_payment(town: Town, world: World) -> None:
    attempt = await town.create()
    may_answer = asyncio.Event()

    async def slowly() -> LookUp:
        await may_answer.wait()
        return LookUp(Outcome.WAITING)

    world.provider.instead = slowly
    late = asyncio.create_task(world.use_cases.look_up.refresh(town.context, attempt.id))
    await asyncio.sleep(0.1)
    world.provider.instead = None
    world.provider.answer = make_answer()
    await world.use_cases.look_up.refresh(town.context, attempt.id)
    may_answer.set()
    await late

    assert (await town.stored(attempt.id)).state is PaymentState.PAID
    assert await town.events() == ["PaymentSucceeded"]


async def test_what_is_published_says_all_a_till_needs_and_nothing_of_a_person(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer()
    await world.use_cases.look_up.refresh(town.context, attempt.id)

    async with world.connect(town.number) as connection:
        row = await connection.fetchrow("SELECT subject, body FROM outbox")
        stored = await connection.fetchrow("SELECT to_jsonb(a)::text AS text FROM payment_attempt a")
    message = events.PaymentSucceeded.FromString(row["body"])

    assert row["subject"] == f"evt.{town.context.tenant_slug}.payment.payment.succeeded.v1"
    assert (message.attempt_id, message.invoice_id) == (str(attempt.id), attempt.invoice_id)
    assert (message.amount.minor_units, message.amount.currency_code) == (5400, "EUR")
    assert (message.provider, message.provider_ref, message.is_test) == ("payfip", attempt.provider_ref, True)
    assert message.settled_at.ToDatetime(tzinfo=NOW.tzinfo) == NOW + timedelta(minutes=2)
    assert b"parent@example.org" not in row["body"]
    assert "parent@example.org" not in stored["text"]


async def test_another_amount_is_told_once_and_never_settles(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer(montant="5500")

    for _ in range(3):
        await world.use_cases.look_up.refresh(town.context, attempt.id)

    assert (await town.stored(attempt.id)).state is PaymentState.PENDING
    assert (await town.stored(attempt.id)).mismatched_fields == ("montant",)
    assert await town.events() == ["PaymentMismatched"]


async def test_late_money_is_told_after_the_end_was(town: Town, world: World) -> None:
    attempt = await town.create()
    world.clock.advance(timedelta(hours=3))
    await world.use_cases.look_up.refresh(town.context, attempt.id)
    world.provider.answer = make_answer()
    await world.use_cases.look_up.refresh(town.context, attempt.id)

    assert await town.events() == ["PaymentFailed", "PaymentSucceeded"]


async def test_an_unreachable_provider_is_remembered_and_changes_nothing_else(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.is_down = True

    with pytest.raises(DomainError) as caught:
        await world.use_cases.look_up.refresh(town.context, attempt.id)

    stored = await town.stored(attempt.id)
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert (stored.state, stored.is_unreachable) == (PaymentState.REDIRECTED, True)


async def test_one_reference_of_a_provider_is_one_attempt(town: Town, world: World) -> None:
    first, second = await town.create(), await town.create()

    statement = "UPDATE payment_attempt SET provider_ref = $1 WHERE id = $2"
    with pytest.raises(asyncpg.UniqueViolationError):
        async with world.connect(town.number) as connection:
            await connection.execute(statement, first.provider_ref, second.id)


async def test_a_notification_is_stored_once_and_leads_to_the_look_up(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer()
    command = HandleNotification("payfip", Notification(attempt.provider_ref, b"", ""))

    results = [await world.use_cases.notify(command, town.context) for _ in range(2)]

    assert results == [True, True]
    async with world.connect(town.number) as connection:
        rows = await connection.fetch("SELECT external_id, attempt_id, times FROM notification")
    assert [tuple(row) for row in rows] == [(attempt.provider_ref, attempt.id, 2)]
    assert await town.events() == ["PaymentSucceeded"]


async def test_a_forged_notification_leaves_no_trace(town: Town, world: World) -> None:
    await town.create()

    command = HandleNotification("payfip", Notification(str(uuid4()), b"", ""))

    assert not await world.use_cases.notify(command, town.context)
    async with world.connect(town.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM notification") == 0
        assert await connection.fetchval("SELECT count(*) FROM payment_attempt WHERE checked_at IS NOT NULL") == 0


async def test_another_towns_notification_is_unknown_here(town: Town, world: World) -> None:
    attempt = await town.create()
    stranger = await world.make_town()

    command = HandleNotification("payfip", Notification(attempt.provider_ref, b"", ""))

    assert not await world.use_cases.notify(command, stranger.context)
    assert (await town.stored(attempt.id)).checked_at is None
