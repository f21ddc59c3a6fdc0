"""The timed job: what it asks about, how often, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from payment_gateway_svc.adapters.db.attempts import OPEN_LIMITS
from payment_gateway_svc.adapters.db.open_attempts import DUE, DUE_AGAIN_AFTER, DatabaseOpenAttempts
from payment_gateway_svc.adapters.measures import OpenPayments
from payment_gateway_svc.domain.attempt import LookUp, Outcome, PaymentAttempt
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.errors import DomainError

from tests.integration.payment.world import Town, World
from tests.unit.payment.fakes import make_answer

MINUTES_5 = timedelta(minutes=5)


@pytest.fixture(autouse=True)
async def empty(world: World) -> None:
    """The job looks across towns: those of other tests must be quiet."""
    async with world.connect(url=world.urls.owner_url) as connection:
        await connection.execute("ALTER TABLE payment_attempt NO FORCE ROW LEVEL SECURITY")
        await connection.execute("UPDATE payment_attempt SET is_forgotten = true, state = 'expired'")
        await connection.execute("ALTER TABLE payment_attempt FORCE ROW LEVEL SECURITY")


async def asked_about(world: World, attempt: PaymentAttempt) -> int:
    return world.provider.asked.count(attempt.provider_ref)


async def test_open_attempts_of_every_town_are_looked_up_and_settled(town: Town, world: World) -> None:
    other = await world.make_town()
    attempts = [(town, await town.create()), (other, await other.create())]
    world.provider.answer = make_answer()

    result = await world.use_cases.poll.due()

    assert (result.checked, result.settled) == (2, 2)
    for place, attempt in attempts:
        assert (await place.stored(attempt.id)).state is PaymentState.PAID
        assert await place.events() == ["PaymentSucceeded"]


async def test_an_attempt_just_looked_up_is_left_alone_until_the_next_turn(town: Town, world: World) -> None:
    attempt = await town.create()

    await world.use_cases.poll.due()
    await world.use_cases.poll.due()
    assert await asked_about(world, attempt) == 1
    world.clock.advance(MINUTES_5)
    await world.use_cases.poll.due()

    assert await asked_about(world, attempt) == 2


@pytest.mark.parametrize(
    ("age", "is_asked"), [(timedelta(days=7) - timedelta(minutes=1), True), (timedelta(days=7, minutes=1), False)]
)
async def test_attempts_are_looked_up_for_seven_days(
    town: Town, world: World, age: timedelta, *, is_asked: bool
) -> None:
    attempt = await town.create()
    world.clock.advance(age)

    await world.use_cases.poll.due()

    assert bool(await asked_about(world, attempt)) is is_asked


async def test_what_the_provider_has_forgotten_is_not_asked_about_again(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = LookUp(Outcome.GONE)
    await world.use_cases.poll.due()
    world.clock.advance(timedelta(days=1))
    await world.use_cases.poll.due()

    assert await asked_about(world, attempt) == 1
    assert (await town.stored(attempt.id)).state is PaymentState.EXPIRED


async def test_an_attempt_given_up_after_two_hours_is_asked_about_hourly_and_may_still_be_paid(
    town: Town, world: World
) -> None:
    attempt = await town.create()
    world.clock.advance(timedelta(hours=3))
    await world.use_cases.poll.due()
    assert (await town.stored(attempt.id)).state is PaymentState.EXPIRED
    world.clock.advance(MINUTES_5)
    await world.use_cases.poll.due()
    assert await asked_about(world, attempt) == 1
    world.clock.advance(timedelta(hours=1))
    world.provider.answer = make_answer()

    await world.use_cases.poll.due()

    assert (await town.stored(attempt.id)).state is PaymentState.PAID


async def test_a_cancelled_attempt_is_watched_for_two_hours_then_left(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer(Outcome.CANCELLED)
    await world.use_cases.poll.due()
    world.clock.advance(MINUTES_5)
    await world.use_cases.poll.due()
    world.clock.advance(timedelta(hours=2))
    await world.use_cases.poll.due()

    assert await asked_about(world, attempt) == 2


@pytest.mark.parametrize("outcome", [Outcome.PAID, Outcome.DENIED])
async def test_what_is_over_is_not_asked_about_again(town: Town, world: World, outcome: Outcome) -> None:
    attempt = await town.create()
    world.provider.answer = make_answer(outcome)
    await world.use_cases.poll.due()
    world.clock.advance(MINUTES_5)
    await world.use_cases.poll.due()

    assert await asked_about(world, attempt) == 1


async def test_an_attempt_the_provider_never_heard_of_ends_after_half_an_hour(town: Town, world: World) -> None:
    world.provider.is_down = True
    with pytest.raises(DomainError):
        await town.create()
    world.provider.is_down = False
    await world.use_cases.poll.due()
    assert await town.events() == []
    world.clock.advance(timedelta(minutes=31))

    await world.use_cases.poll.due()

    assert await town.events() == ["PaymentFailed"]
    assert world.provider.asked == []


async def test_a_provider_that_is_down_is_asked_again_at_the_next_turn(town: Town, world: World) -> None:
    attempt = await town.create()
    world.provider.is_down = True
    result = await world.use_cases.poll.due()
    assert result.checked == 0
    world.provider.is_down = False
    world.provider.answer = make_answer()
    world.clock.advance(MINUTES_5)

    await world.use_cases.poll.due()

    assert (await town.stored(attempt.id)).state is PaymentState.PAID


async def test_one_town_can_be_polled_at_once_without_touching_the_others(town: Town, world: World) -> None:
    other = await world.make_town()
    attempt, foreign = await town.create(), await other.create()
    await world.use_cases.poll.due()
    world.provider.answer = make_answer()

    result = await world.use_cases.poll.town(town.operator)

    assert (result.checked, result.settled) == (1, 1)
    assert (await town.stored(attempt.id)).state is PaymentState.PAID
    assert (await other.stored(foreign.id)).state is PaymentState.PENDING


async def test_a_town_whose_settings_cannot_be_read_holds_no_other_town_up(
    town: Town, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payment_gateway_svc.application.poll_payments.BATCH", 2)
    broken = [await town.create() for _ in range(3)]
    other = await world.make_town()
    attempt = await other.create()
    async with world.connect(town.number) as connection:
        await connection.execute("UPDATE provider_settings SET key_id = 'lost'")
    world.provider.answer = make_answer()

    for _ in range(3):
        await world.use_cases.poll.due()
        world.clock.advance(MINUTES_5)

    assert (await other.stored(attempt.id)).state is PaymentState.PAID
    assert [(await town.stored(each.id)).is_unreachable for each in broken] == [True] * 3


async def test_payments_without_a_known_end_are_counted_over_all_towns_with_the_age_of_the_oldest(world: World) -> None:
    towns = [await world.make_town(), await world.make_town()]
    counts = DatabaseOpenAttempts(world.work)
    first = await towns[0].create()
    world.clock.advance(timedelta(minutes=3))
    await towns[1].create()
    world.clock.advance(timedelta(minutes=1))
    assert list(await counts.waiting(world.clock.now())) == [OpenPayments("payfip", 2, 240.0)]

    world.provider.answer = make_answer()
    await world.use_cases.look_up.refresh(towns[0].context, first.id)
    assert list(await counts.waiting(world.clock.now())) == [OpenPayments("payfip", 1, 60.0)]

    # Nobody asks about it any more: it waits for a person, and does not make the poller look late for ever.
    world.clock.advance(timedelta(days=8))
    assert list(await counts.waiting(world.clock.now())) == []


async def test_looking_for_what_is_due_does_not_read_through_the_payments_of_years(town: Town, world: World) -> None:
    await town.create()
    async with world.connect(town.number) as connection:
        await connection.execute(
            """INSERT INTO payment_attempt (tenant_id, id, tenant_slug, invoice_id, amount_minor, currency, debt_reference,
                   provider, provider_ref, state, request_id, request_hash, created_at, settled_at)
               SELECT $1, gen_random_uuid(), 'old', 'invoice', 5400, 'EUR', 'CP2025000123', 'payfip', gen_random_uuid(),
                   'paid', gen_random_uuid(), '\\x00', now(), now() FROM generate_series(1, 20000)""",
            town.number,
        )
    async with world.connect(url=world.urls.owner_url) as connection:
        await connection.execute("ANALYZE payment_attempt")
    async with world.connect(url=world.urls.work_url) as connection:
        plan = await connection.fetch(f"EXPLAIN {DUE}", world.clock.now(), *OPEN_LIMITS, *DUE_AGAIN_AFTER, 100)

    text = "\n".join(row[0] for row in plan)
    assert "payment_attempt_open" in text
    assert "Seq Scan" not in text
