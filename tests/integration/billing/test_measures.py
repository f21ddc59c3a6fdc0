"""What billing measures: invoices issued, bookings that wait for a tariff, and whether the books agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from billing_svc.adapters.db.audit import SqlLedgerAudit
from billing_svc.adapters.db.unpriced import SqlUnpricedBookings, has_measures
from billing_svc.application.check_ledger import LedgerCheck
from billing_svc.entrypoints.consumers import BASKET
from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.billing.v1 import billing_events_pb2 as events
from preau.billing.v1 import billing_service_pb2 as pb
from preau.payment.v1 import payment_events_pb2 as payment_events
from preau_chassis.consumers import Envelope, RetryLater
from preau_chassis.database import Database
from preau_chassis.inbox import ConsumerRunner
from preau_chassis.messaging import close_nats, connect_nats, ensure_stream
from preau_chassis.testing import Recorded, recorded_metrics
from preau_chassis.wire import timestamp_from_wire, timestamp_to_wire
from preau_kernel.errors import DomainError
from preau_stack.databases import ServiceDatabase
from preau_stack.postgres import PostgresServer
from preau_stack.testing import TestParts

from tests.integration.billing.neighbours import START
from tests.integration.billing.test_bus import publish
from tests.integration.billing.test_payment import counter
from tests.integration.billing.town import SCHOOL_DAYS, Family, Platform, Town, euros, wire_day

UNPRICED_DAY = date(2025, 8, 29)
KNOWN_AT = START + timedelta(minutes=7)


def invoices(recorded: Recorded, town: Town) -> float:
    return recorded.value("preau.invoices", {"preau.tenant": town.system.tenant_slug})


async def test_an_invoice_is_counted_once_however_often_it_is_asked_for(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    request_id = str(uuid4())
    with recorded_metrics() as recorded:
        with pytest.raises(DomainError, match="BASKET_CHANGED"):
            await family.issue(1)
        assert invoices(recorded, town) == 0
        first = await family.issue(300, request_id)
        assert (await family.issue(300, request_id)).id == first.id
        assert invoices(recorded, town) == 1


async def test_an_invoice_that_late_money_makes_is_counted_when_it_is_committed(family: Family, town: Town) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    await family.expire(ids)
    await family.pay(invoice, attempt)
    told = agenda.ReservationsConfirmed(
        household_id=family.id, revision=family.revision + 1, reservation_ids=ids, invoice_id=invoice.id
    )
    envelope = Envelope(uuid4(), told.DESCRIPTOR.full_name, "", town.system, START, 1, 1)
    with recorded_metrics() as recorded:
        async with town.platform.database.unit_of_work(town.system) as uow:
            await town.handlers[agenda.ReservationsConfirmed](uow, told, envelope)
        assert invoices(recorded, town) == 0, "rolled back"
        await family.confirm(invoice.id, ids)
        assert invoices(recorded, town) == 1


async def _paid(family: Family, invoice: pb.Invoice, attempt_id: str, *, is_known: bool = True) -> None:
    message = payment_events.PaymentSucceeded(
        attempt_id=attempt_id,
        invoice_id=invoice.id,
        amount=invoice.total,
        settled_at=timestamp_to_wire(START + timedelta(minutes=5)),
        provider="payfip",
        provider_ref="idop",
    )
    if is_known:
        message.known_at.CopyFrom(timestamp_to_wire(KNOWN_AT))
    await family.town.tell(message)


@pytest.mark.parametrize("is_late", [False, True])
async def test_the_instant_the_platform_learnt_of_the_money_goes_on_to_the_agenda(
    family: Family, town: Town, is_late: bool
) -> None:
    ids = await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    attempt = await family.start(invoice.id)
    if is_late:
        await family.expire(ids)
    await _paid(family, invoice, attempt)

    (settled,) = await town.published(events.InvoiceSettled)
    assert settled.is_late is is_late
    assert timestamp_from_wire(settled.paid_known_at) == KNOWN_AT


async def test_money_of_the_counter_and_of_old_events_has_no_such_instant(family: Family, town: Town) -> None:
    await family.hold(SCHOOL_DAYS[:1])
    at_the_counter = await family.issue(300)
    await counter(town, at_the_counter.id, 300)
    await family.hold(SCHOOL_DAYS[1:2])
    old = await family.issue(300)
    await _paid(family, old, await family.start(old.id), is_known=False)

    settled = await town.published(events.InvoiceSettled)
    assert [told.invoice_id for told in settled] == [at_the_counter.id, old.id]
    assert not any(told.HasField("paid_known_at") for told in settled)


@pytest.fixture
async def unpriced(
    platform: Platform, migrated: Callable[[str], ServiceDatabase]
) -> AsyncIterator[SqlUnpricedBookings]:
    work_database = Database(migrated("billing").work_url, pool_size=1)
    yield SqlUnpricedBookings(platform.database, work_database)
    await work_database.close()


async def noted(town: Town) -> int:
    rows = await town.rows("SELECT count(*) AS n FROM unpriced_booking")
    count: int = rows[0]["n"]
    return count


async def until(holds: Callable[[], Any]) -> bool:
    for _ in range(100):
        if await holds():
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_booking_without_a_tariff_counts_until_it_is_priced(
    platform: Platform, town: Town, family: Family, unpriced: SqlUnpricedBookings, parts: TestParts
) -> None:
    before = await unpriced.count(BASKET)
    client = await connect_nats(parts.broker.url, "test")
    await ensure_stream(client, "AGENDA")
    basket = next(one for one in platform.listener.consumers() if one.durable == BASKET)
    runner = asyncio.create_task(ConsumerRunner(basket, platform.database, client).run())
    try:
        await publish(client, town, "agenda", family.held([UNPRICED_DAY, SCHOOL_DAYS[0]], (1,)))

        async def is_noted() -> bool:
            return await noted(town) == 1

        assert await until(is_noted)
        # The runner tries it again and again: it stays one.
        await asyncio.sleep(0.5)
        assert await unpriced.count(BASKET) == before + 1

        await town.as_staff().UpsertTariff(
            pb.UpsertTariffRequest(
                activity_id=town.activity(1),
                valid_from=wire_day(UNPRICED_DAY),
                valid_to=wire_day(date(2025, 8, 31)),
                resident_price=euros(45),
                non_resident_price=euros(90),
            )
        )

        async def is_priced() -> bool:
            return (await family.basket_now()).count == 2

        assert await until(is_priced)
        assert await unpriced.count(BASKET) == before
        assert await noted(town) == 0
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        await close_nats(client)


async def test_the_timed_counts_wait_for_the_schema_that_has_their_table(
    migrated: Callable[[str], ServiceDatabase],
) -> None:
    found = []
    for service in ("billing", "agenda"):
        database = Database(migrated(service).work_url, pool_size=1)
        found.append(await has_measures(database))
        await database.close()
    assert found == [True, False]


async def test_bookings_that_wait_for_something_else_are_not_unpriced(family: Family, town: Town) -> None:
    family.revision = 4
    with pytest.raises(RetryLater):
        await family.hold(SCHOOL_DAYS[:1])
    stranger = Family(town, str(uuid4()), family.children)
    with pytest.raises(RetryLater):
        await stranger.hold(SCHOOL_DAYS[:1])
    assert await noted(town) == 0


@pytest.fixture
async def paid(platform: Platform) -> tuple[Town, str]:
    """A town of its own, whose books are to be broken, and its one paid invoice."""
    town = await platform.town()
    family = await town.household()
    await family.hold(SCHOOL_DAYS[:1])
    invoice = await family.issue(300)
    await family.pay(invoice, await family.start(invoice.id))
    return town, invoice.id


async def tamper(postgres: PostgresServer, sql: str, *args: object) -> None:
    """As a superuser, past row security and every trigger."""
    connection = await asyncpg.connect(postgres.url("billing"))
    try:
        await connection.execute("SET session_replication_role = replica")
        assert await connection.execute(sql, *args) != "UPDATE 0"
    finally:
        await connection.close()


_ENTRY = """
INSERT INTO ledger_entry (tenant_id, transaction_id, account, household_key, debit_minor, credit_minor)
SELECT tenant_id, min(transaction_id), {account}, {household}, {debit}, {credit}
FROM ledger_entry WHERE tenant_id = $1 GROUP BY tenant_id"""


def entry(account: str, *, debit: int = 0, credit: int = 0, household: str = "min(household_key)") -> str:
    return _ENTRY.format(account=f"'{account}'", household=household, debit=debit, credit=credit)


@pytest.mark.parametrize(
    ("breaking", "kinds"),
    [
        # One side of a movement: its account, and the sum of all.
        ([entry("revenue", credit=7)], {"account": 2}),
        ([entry("family_credit", credit=7)], {"account": 1}),
        # Both sides, as the trigger wants them, without a paper.
        ([entry("receivable", debit=7), entry("revenue", credit=7)], {"account": 2}),
        ([entry("slush fund", debit=7), entry("revenue", credit=7)], {"account": 2}),
        # One family's credit posted to another: every account is right, and one household is below nothing.
        (
            [entry("family_credit", debit=7), entry("family_credit", credit=7, household="max(household_key) + 1")],
            {"credit": 1},
        ),
        (["DELETE FROM allocation WHERE tenant_id = $1"], {"invoice": 1}),
        (["UPDATE allocation SET amount_minor = 299 WHERE tenant_id = $1"], {"invoice": 1}),
        (["DELETE FROM payment WHERE tenant_id = $1"], {"account": 1, "payment": 1}),
        (["UPDATE payment SET means = 'cash' WHERE tenant_id = $1"], {"account": 2}),
        (["UPDATE invoice_state SET status = 1 WHERE tenant_id = $1"], {"account": 1, "invoice": 1}),
        (["DELETE FROM invoice_state WHERE tenant_id = $1"], {"invoice": 1}),
    ],
)
async def test_books_that_were_tampered_with_are_found(
    breaking: list[str], kinds: dict[str, int], paid: tuple[Town, str], audit: SqlLedgerAudit, postgres: PostgresServer
) -> None:
    town, _ = paid
    assert {kind for kind, count in (await audit.books(town.system)).items() if count} == set()

    for sql in breaking:
        await tamper(postgres, sql, town.system.tenant_id)

    assert {kind: count for kind, count in (await audit.books(town.system)).items() if count} == kinds
    assert (await audit.documents(town.system, 0, 10)).wrong == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE document_line SET price_minor = price_minor + 1 WHERE tenant_id = $1 AND rank = 1",
        "DELETE FROM document_line WHERE tenant_id = $1 AND rank = 1",
        "UPDATE document SET line_count = line_count + 1 WHERE tenant_id = $1",
        "DELETE FROM document_line WHERE tenant_id = $1",
    ],
)
async def test_a_document_that_does_not_add_up_is_found(
    sql: str, paid: tuple[Town, str], audit: SqlLedgerAudit, postgres: PostgresServer
) -> None:
    town, _ = paid
    assert (await audit.documents(town.system, 0, 10)).wrong == 0

    await tamper(postgres, sql, town.system.tenant_id)

    assert (await audit.documents(town.system, 0, 10)).wrong == 1


async def test_documents_are_read_in_the_order_of_their_keys(platform: Platform, audit: SqlLedgerAudit) -> None:
    town = await platform.town()
    family = await town.household()
    for day in SCHOOL_DAYS[:3]:
        await family.hold([day])
        await family.issue(300)

    first = await audit.documents(town.system, 0, 2)
    rest = await audit.documents(town.system, first.last_key, 2)

    assert (first.is_last, rest.is_last) == (False, True)
    assert rest.last_key > first.last_key
    assert (await audit.documents(town.system, rest.last_key, 2)).is_last


async def test_the_check_finds_the_broken_town_among_all(
    paid: tuple[Town, str], audit: SqlLedgerAudit, postgres: PostgresServer
) -> None:
    town, _ = paid
    told: dict[str, Any] = {}
    check = LedgerCheck(audit, lambda: 0.0, lambda context, wrong: told.update({context.tenant_slug: wrong}))
    before = await check.turn()
    assert town.system.tenant_slug not in told

    await tamper(postgres, entry("revenue", credit=7), town.system.tenant_id)

    assert await check.turn() == before + 2
    assert told[town.system.tenant_slug] == {"account": 2}
