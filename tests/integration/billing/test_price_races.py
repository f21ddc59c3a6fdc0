"""A price is changed while it prices its first booking: what a family is asked for is what its tariff says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from billing_svc.adapters.db.books import SqlBooks
from billing_svc.domain.tariffs import plan_tariff
from preau.billing.v1 import billing_service_pb2 as pb
from preau_kernel.errors import ConflictError, DomainError

from tests.integration.billing.town import SCHOOL_DAYS, Family, Town, euros, wire_day

MATIN = 1
CHANGE = "UPDATE tariff SET resident_minor = $2 WHERE tenant_id = $1 AND resident_minor = 45"


async def price(family: Family) -> int:
    (line,) = (await family.basket()).lines
    minor: int = line.price.minor_units
    return minor


async def waits(task: asyncio.Task[Any]) -> None:
    done, _ = await asyncio.wait([task], timeout=0.3)
    assert not done, "it was to wait for the other transaction"


async def test_a_booking_priced_while_its_price_is_changed_is_priced_again(family: Family, town: Town) -> None:
    event = family.held(SCHOOL_DAYS[:1], (MATIN,))
    async with town.platform.database.unit_of_work(town.system) as uow:
        await uow.execute(CHANGE, town.system.tenant_id, 50)
        first = asyncio.create_task(town.tell(event))
        await waits(first)
        await uow.commit()
    with pytest.raises(ConflictError):
        await first

    await town.tell(event)
    assert await price(family) == 50


async def test_a_price_read_to_be_changed_is_not_used_meanwhile(family: Family, town: Town) -> None:
    """The clerk's change has read the tariffs and found the price unused; a booking comes before it is written."""
    event = family.held(SCHOOL_DAYS[:1], (MATIN,))
    async with town.platform.database.unit_of_work(town.system) as uow:
        books = SqlBooks(uow)
        (tariff,) = await books.lock_tariffs(town.activity(MATIN))
        booking = asyncio.create_task(town.tell(event))
        await waits(booking)
        await books.apply_tariffs(
            town.activity(MATIN),
            plan_tariff([tariff], replace(tariff, resident_minor=50)),
        )
        await books.commit()
    with pytest.raises(ConflictError):
        await booking

    await town.tell(event)
    assert await price(family) == 50


async def test_a_price_that_was_used_is_not_changed(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1], (MATIN,))
    with pytest.raises(DomainError, match="TARIFF_IN_USE"):
        await town.as_staff().UpsertTariff(
            pb.UpsertTariffRequest(
                activity_id=town.activity(MATIN),
                valid_from=wire_day(SCHOOL_DAYS[0]),
                resident_price=euros(50),
                non_resident_price=euros(90),
            )
        )
    assert await price(family) == 45
