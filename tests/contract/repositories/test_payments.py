"""What the payment gateway's use cases may rely on, whichever store they run on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from payment_gateway_svc.application.ports import ProviderSettings, UnitOfWorkFactory
from payment_gateway_svc.domain.attempt import CANCELLED_POLLING_LIMIT, POLLING_LIMIT, UNASKED_LIMIT, PaymentAttempt
from payment_gateway_svc.domain.errors import PaymentNotFoundError
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.context import Context

from tests.contract.repositories.rows_in_memory import BrokenRuleError
from tests.unit.payment.fakes import NOW, make_attempt

REFUSED = (BrokenRuleError, asyncpg.IntegrityConstraintViolationError)
SECOND = timedelta(seconds=1)


def make_new(**changes: object) -> PaymentAttempt:
    return make_attempt(**{"state": PaymentState.CREATED, "provider_ref": "", "facts": {}, **changes})


async def put(payments: UnitOfWorkFactory, town: Context, **changes: Any) -> PaymentAttempt:
    """An attempt as its life left it."""
    attempt = make_attempt(**{"provider_ref": str(uuid4()), **changes})
    async with payments(town) as uow:
        await uow.attempts.add(replace(attempt, state=PaymentState.CREATED), uuid4(), b"h")
        await uow.attempts.save(attempt)
        await uow.commit()
    return attempt


async def find(payments: UnitOfWorkFactory, town: Context, attempt_id: UUID) -> PaymentAttempt | None:
    async with payments(town) as uow:
        return await uow.attempts.find(attempt_id)


async def test_an_attempt_is_found_as_it_was_added_by_its_id_and_by_its_request(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    attempt, request_id = make_new(), uuid4()
    async with payments(town) as uow:
        is_new = await uow.attempts.add(attempt, request_id, b"words")
        await uow.commit()

    assert is_new
    assert await find(payments, town, attempt.id) == attempt
    async with payments(town) as uow:
        assert await uow.attempts.find_by_request(request_id) == (attempt, b"words")
        assert await uow.attempts.lock(attempt.id) == attempt


async def test_what_is_not_committed_never_was(payments: UnitOfWorkFactory, town: Context) -> None:
    attempt = make_new()
    async with payments(town) as uow:
        await uow.attempts.add(attempt, uuid4(), b"h")
        await uow.settings.save(ProviderSettings("payfip", {}), NOW)
        await uow.towns.save(1, is_production=True)

    async with payments(town) as uow:
        assert await uow.attempts.find(attempt.id) is None
        assert await uow.settings.find_active() is None
        assert not await uow.towns.is_production()


async def test_a_request_is_added_once_and_its_first_words_stay(payments: UnitOfWorkFactory, town: Context) -> None:
    first, second, request_id = make_new(), make_new(), uuid4()
    async with payments(town) as uow:
        await uow.attempts.add(first, request_id, b"first")
        is_new = await uow.attempts.add(second, request_id, b"second")
        await uow.commit()

    assert not is_new
    assert await find(payments, town, second.id) is None
    async with payments(town) as uow:
        assert await uow.attempts.find_by_request(request_id) == (first, b"first")


async def test_what_nobody_added_is_not_found(payments: UnitOfWorkFactory, town: Context) -> None:
    await put(payments, town)

    async with payments(town) as uow:
        assert await uow.attempts.find(uuid4()) is None
        assert await uow.attempts.find_by_request(uuid4()) is None
        assert await uow.attempts.find_by_provider_ref("payfip", "other") is None
        with pytest.raises(PaymentNotFoundError):
            await uow.attempts.lock(uuid4())


async def test_a_town_sees_nothing_of_another(payments: UnitOfWorkFactory, town: Context, other_town: Context) -> None:
    attempt = await put(payments, town)
    async with payments(town) as uow:
        await uow.settings.save(ProviderSettings("payfip", {"a": "1"}), NOW)
        await uow.towns.save(1, is_production=True)
        await uow.commit()

    async with payments(town) as uow:
        assert await uow.towns.is_production()
    async with payments(other_town) as uow:
        assert await uow.attempts.find(attempt.id) is None
        assert await uow.attempts.find_by_provider_ref("payfip", attempt.provider_ref) is None
        assert await uow.attempts.open_ids(NOW) == []
        assert await uow.settings.find("payfip") is None
        assert not await uow.towns.is_production()


async def test_saving_keeps_all_that_a_look_up_can_change(payments: UnitOfWorkFactory, town: Context) -> None:
    attempt = await put(payments, town)
    changed = replace(
        attempt,
        state=PaymentState.PAID,
        payment_url="http://pay/other",
        facts={"montant": "1", "numcli": "é"},
        expires_at=NOW + SECOND,
        settled_at=NOW + 2 * SECOND,
        checked_at=NOW + 3 * SECOND,
        is_test=True,
        is_unreachable=True,
        is_forgotten=True,
        mismatched_fields=("montant", "refdet"),
    )
    async with payments(town) as uow:
        await uow.attempts.save(changed)
        await uow.commit()

    assert await find(payments, town, attempt.id) == changed


async def test_saving_what_was_never_added_adds_nothing(payments: UnitOfWorkFactory, town: Context) -> None:
    attempt = make_attempt()
    async with payments(town) as uow:
        await uow.attempts.save(attempt)
        await uow.commit()

    assert await find(payments, town, attempt.id) is None


async def test_an_attempt_is_found_by_the_providers_reference_and_never_by_having_none(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    attempt = await put(payments, town)
    async with payments(town) as uow:
        await uow.attempts.add(make_new(), uuid4(), b"h")
        await uow.commit()

    async with payments(town) as uow:
        assert await uow.attempts.find_by_provider_ref("payfip", attempt.provider_ref) == attempt
        assert await uow.attempts.find_by_provider_ref("other", attempt.provider_ref) is None
        assert await uow.attempts.find_by_provider_ref("payfip", "") is None


async def test_two_attempts_never_share_a_providers_reference(payments: UnitOfWorkFactory, town: Context) -> None:
    first, second = await put(payments, town), await put(payments, town)

    with pytest.raises(REFUSED):
        async with payments(town) as uow:
            await uow.attempts.save(replace(second, provider_ref=first.provider_ref))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": PaymentState.PAID, "settled_at": None},
        {"state": PaymentState.PENDING, "provider_ref": ""},
    ],
)
async def test_an_attempt_that_cannot_be_is_not_saved(
    payments: UnitOfWorkFactory, town: Context, changes: dict[str, Any]
) -> None:
    attempt = await put(payments, town)

    with pytest.raises(REFUSED):
        async with payments(town) as uow:
            await uow.attempts.save(replace(attempt, **changes))


@pytest.mark.parametrize(
    ("state", "age", "is_open"),
    [
        (PaymentState.CREATED, UNASKED_LIMIT - SECOND, False),
        (PaymentState.CREATED, UNASKED_LIMIT, True),
        (PaymentState.REDIRECTED, timedelta(), True),
        (PaymentState.PENDING, POLLING_LIMIT - SECOND, True),
        (PaymentState.PENDING, POLLING_LIMIT, False),
        (PaymentState.EXPIRED, timedelta(hours=3), True),
        (PaymentState.CANCELLED, CANCELLED_POLLING_LIMIT - SECOND, True),
        (PaymentState.CANCELLED, CANCELLED_POLLING_LIMIT, False),
        (PaymentState.DENIED, timedelta(), False),
        (PaymentState.PAID, timedelta(), False),
        (PaymentState.REVERSED, timedelta(), False),
    ],
)
async def test_open_is_what_a_look_up_may_still_change(
    payments: UnitOfWorkFactory, town: Context, state: PaymentState, age: timedelta, is_open: bool
) -> None:
    asked = {"provider_ref": "", "facts": {}} if state is PaymentState.CREATED else {}
    attempt = await put(payments, town, state=state, created_at=NOW - age, settled_at=NOW, **asked)

    async with payments(town) as uow:
        assert await uow.attempts.open_ids(NOW) == ([attempt.id] if is_open else [])


async def test_what_the_provider_has_forgotten_or_never_knew_is_not_asked_about(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    await put(payments, town, is_forgotten=True)
    await put(payments, town, state=PaymentState.EXPIRED, provider_ref="", facts={})

    async with payments(town) as uow:
        assert await uow.attempts.open_ids(NOW) == []


async def test_open_attempts_come_never_asked_first_then_by_their_last_check(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    def checked(at: datetime | None) -> Any:
        return put(payments, town, checked_at=at)

    late, early, never = await checked(NOW), await checked(NOW - SECOND), await checked(None)

    async with payments(town) as uow:
        assert await uow.attempts.open_ids(NOW + SECOND) == [never.id, early.id, late.id]


async def test_the_account_set_last_is_the_active_one_and_setting_again_replaces(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    async with payments(town) as uow:
        await uow.settings.save(ProviderSettings("a", {"n": "1"}), NOW)
        await uow.settings.save(ProviderSettings("b", {"n": "2"}), NOW + SECOND)
        await uow.commit()
    async with payments(town) as uow:
        assert await uow.settings.find_active() == ProviderSettings("b", {"n": "2"})
        await uow.settings.save(ProviderSettings("a", {"n": "3"}), NOW + 2 * SECOND)
        await uow.commit()

    async with payments(town) as uow:
        assert await uow.settings.find_active() == ProviderSettings("a", {"n": "3"})
        assert await uow.settings.find("b") == ProviderSettings("b", {"n": "2"})
        assert await uow.settings.find("c") is None


async def test_a_notification_is_new_once_for_each_of_the_providers_numbers(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    attempt = await put(payments, town)

    async with payments(town) as uow:
        answers = [
            await uow.notifications.add(provider, external_id, attempt.id, NOW)
            for provider, external_id in [("a", "1"), ("a", "1"), ("a", "2"), ("b", "1"), ("a", "1")]
        ]

    assert answers == [True, False, True, True, False]


async def test_a_notification_names_an_attempt_of_its_town(
    payments: UnitOfWorkFactory, town: Context, other_town: Context
) -> None:
    attempt = await put(payments, town)

    with pytest.raises(REFUSED):
        async with payments(other_town) as uow:
            await uow.notifications.add("payfip", "1", attempt.id, NOW)


async def test_what_identity_said_earlier_does_not_undo_what_it_said_later(
    payments: UnitOfWorkFactory, town: Context
) -> None:
    async with payments(town) as uow:
        assert not await uow.towns.is_production()
        await uow.towns.save(2, is_production=True)
        await uow.towns.save(1, is_production=False)
        await uow.towns.save(2, is_production=False)
        assert await uow.towns.is_production()
        await uow.towns.save(3, is_production=False)
        assert not await uow.towns.is_production()
