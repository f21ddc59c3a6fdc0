"""The basket: priced from events, in order, never stale."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest
from preau.billing.v1 import billing_service_pb2 as pb
from preau_chassis.consumers import Envelope, RetryLater
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.billing.neighbours import START
from tests.integration.billing.town import ACTIVITIES, SCHOOL_DAYS, Family, Town, euros, make_listener, wire_day


async def test_the_documents_bulk_entry_is_72_lines_and_54_euros(family: Family) -> None:
    await family.hold(SCHOOL_DAYS)
    page = await family.basket(page_size=10)
    assert (page.count, page.filtered_count, page.total.minor_units, page.revision) == (72, 72, 5400, 1)
    first = [(line.day.day, line.activity_name, line.price.minor_units) for line in page.lines]
    names = [name for name, _, _ in ACTIVITIES]
    assert [name for _, name, _ in first] == [*names, *names, names[0], names[1]]
    assert [day for day, _, _ in first] == [1] * 4 + [2] * 4 + [4] * 2
    assert page.lines[1].computation == "Tarif commune du 01/09/2025"
    assert page.hold_expires_at.ToDatetime().isoformat() == "2025-08-20T14:00:00"


async def test_the_last_of_8_numbered_pages_has_2_lines(family: Family) -> None:
    await family.hold(SCHOOL_DAYS)
    page = await family.basket(page_size=10, page_number=8)
    assert len(page.lines) == 2
    assert page.next_page_token == ""
    assert page.count == 72


async def test_page_tokens_walk_every_line_once(family: Family) -> None:
    await family.hold(SCHOOL_DAYS)
    seen, token = [], ""
    while True:
        page = await family.basket(page_size=50, page_token=token)
        seen += [line.id for line in page.lines]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 72


async def test_the_filter_narrows_the_lines_and_not_the_total(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS)
    page = await family.basket(
        activity_ids=[town.activity(2)], **{"from": wire_day(date(2025, 9, 8)), "to": wire_day(date(2025, 9, 12))}
    )
    assert (page.filtered_count, len(page.lines), page.count, page.total.minor_units) == (4, 4, 72, 5400)


async def test_a_non_resident_household_pays_the_other_tariff(town: Town) -> None:
    family = await town.household(is_resident=False)
    await family.hold(SCHOOL_DAYS[:1])
    page = await family.basket()
    assert page.total.minor_units == 600
    assert page.lines[0].computation == "Tarif hors commune du 01/09/2025"


async def test_an_event_seen_twice_counts_once(family: Family, town: Town) -> None:
    event = family.held(SCHOOL_DAYS[:2])
    await town.tell(event)
    await town.tell(event)
    assert (await family.basket()).count == 8


async def test_an_event_that_comes_early_waits_for_the_one_before(family: Family, town: Town) -> None:
    first, second = family.held(SCHOOL_DAYS[:1]), family.held(SCHOOL_DAYS[1:2])
    with pytest.raises(RetryLater):
        await town.tell(second)
    await town.tell(first)
    await town.tell(second)
    assert (await family.basket()).count == 8


async def test_a_reservation_without_a_tariff_is_retried_and_leaves_no_trace(family: Family, town: Town) -> None:
    event = family.held([date(2025, 8, 29), *SCHOOL_DAYS[:1]])
    with pytest.raises(RetryLater):
        await town.tell(event)
    family.revision = 0
    basket = await family.basket()
    assert (basket.count, basket.revision) == (0, 0)


async def test_an_unknown_household_is_retried(town: Town, family: Family) -> None:
    stranger = Family(town, "0191d0a0-0000-7000-8000-000000000001", family.children)
    with pytest.raises(RetryLater):
        await town.tell(stranger.held(SCHOOL_DAYS[:1]))


async def test_the_basket_waits_for_the_revision_that_was_asked(family: Family, town: Town) -> None:
    event = family.held(SCHOOL_DAYS[:1])

    async def later() -> None:
        await asyncio.sleep(0.3)
        await town.tell(event)

    page, _ = await asyncio.gather(family.basket(), later())
    assert (page.revision, page.count) == (1, 4)


async def test_a_revision_that_never_comes_is_refused_after_two_seconds(family: Family) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(DomainError) as refusal:
        await family.client.GetBasket(pb.GetBasketRequest(min_revision=5))
    waited = asyncio.get_running_loop().time() - started
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.UNAVAILABLE, "BASKET_NOT_READY")
    assert waited >= 2.0


async def test_cancelled_and_expired_lines_leave_the_basket(family: Family) -> None:
    ids = await family.hold(SCHOOL_DAYS[:2])
    await family.cancel(ids[:1])
    await family.expire(ids[1:3])
    page = await family.basket()
    assert page.count == 5
    assert page.total.minor_units == 60 + 300


async def test_what_lapsed_can_be_held_again_under_the_same_id(family: Family, town: Town) -> None:
    event = family.held(SCHOOL_DAYS[:1])
    await town.tell(event)
    await family.expire(list(event.rows.reservation_ids))
    family.revision += 1
    event.revision = family.revision
    await town.tell(event)
    assert (await family.basket()).count == 4


async def test_quotes_and_prices_are_those_of_the_basket(family: Family, town: Town) -> None:
    rows = [pb.QuoteRow(activity_id=town.activity(n), days=[wire_day(d) for d in SCHOOL_DAYS]) for n in (1, 2, 3, 4)]
    quote = await family.client.QuoteReservations(pb.QuoteReservationsRequest(rows=rows))
    assert quote.total.minor_units == 5400
    assert [row.minor_units for row in quote.row_totals] == [45 * 18, 160 * 18, 35 * 18, 60 * 18]
    prices = await family.client.ListPrices(pb.ListPricesRequest(day=wire_day(SCHOOL_DAYS[0])))
    assert [(one.activity_id, one.price.minor_units) for one in prices.prices] == [
        (town.activity(n), price) for n, (_, _, price) in enumerate(ACTIVITIES, 1)
    ]


async def test_a_quote_without_a_tariff_names_the_day(family: Family, town: Town) -> None:
    day = SCHOOL_DAYS[0] - timedelta(days=1)
    rows = [pb.QuoteRow(activity_id=town.activity(1), days=[wire_day(day)])]
    with pytest.raises(DomainError) as refusal:
        await family.client.QuoteReservations(pb.QuoteReservationsRequest(rows=rows))
    assert refusal.value.reason == "TARIFF_MISSING"
    assert refusal.value.metadata == {"activity_id": town.activity(1), "day": "2025-08-31"}


async def test_a_repeated_quote_gives_its_first_prices(family: Family, town: Town) -> None:
    rows = [pb.QuoteRow(activity_id=town.activity(1), days=[wire_day(SCHOOL_DAYS[0])])]
    request = pb.QuoteReservationsRequest(rows=rows, request_id=str(uuid4()))
    first = await family.client.QuoteReservations(request)
    dearer = pb.UpsertTariffRequest(
        activity_id=town.activity(1),
        valid_from=wire_day(SCHOOL_DAYS[0]),
        resident_price=euros(99),
        non_resident_price=euros(99),
    )
    await town.as_staff().UpsertTariff(dearer)
    assert await family.client.QuoteReservations(request) == first
    fresh = pb.QuoteReservationsRequest(rows=rows, request_id=str(uuid4()))
    assert (await family.client.QuoteReservations(fresh)).total.minor_units == 99
    other = pb.QuoteReservationsRequest(rows=[*rows, *rows], request_id=request.request_id)
    with pytest.raises(DomainError, match="IDEMPOTENCY_KEY_REUSED"):
        await family.client.QuoteReservations(other)


async def test_who_waits_is_woken_once_the_basket_is_committed_and_never_before(family: Family, town: Town) -> None:
    platform = town.platform
    woken: list[str] = []
    listener = make_listener(platform.clock, lambda _tenant, household: woken.append(household), platform.database)
    told = family.held(SCHOOL_DAYS[:1])
    envelope = Envelope(uuid4(), told.DESCRIPTOR.full_name, "", town.system, START, 1, 1)

    async with platform.database.unit_of_work(town.system) as uow:
        await listener.on_held(uow, told, envelope)
    async with platform.database.unit_of_work(town.system) as uow:
        await listener.on_held_together(uow, [(told, envelope)])
    assert woken == [], "rolled back"
    async with platform.database.unit_of_work(town.system) as uow:
        await listener.on_held(uow, told, envelope)
        assert woken == []
        await uow.commit()
    assert woken == [family.id]
