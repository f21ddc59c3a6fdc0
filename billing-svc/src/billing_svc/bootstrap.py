"""The composition root: which adapter stands behind which port."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from preau.billing.v1 import billing_events_pb2, billing_service_pb2_grpc
from preau_chassis.service import Job, Parts, Runtime, ServiceDefinition, Servicer

from billing_svc.adapters.clients.identity import IdentityDirectory
from billing_svc.adapters.clients.payment import PaymentGatewayClient
from billing_svc.adapters.db.audit import SqlLedgerAudit
from billing_svc.adapters.db.books import SqlBooks, SqlBooksFactory
from billing_svc.adapters.db.desk import SqlInvoiceDesk
from billing_svc.adapters.db.reads import SqlReads
from billing_svc.adapters.db.unpriced import SqlUnpricedBookings, has_measures
from billing_svc.adapters.ledger_log import tell_ledger_wrong
from billing_svc.adapters.measures import BooksGauges
from billing_svc.adapters.pdf.renderer import TypstRenderer
from billing_svc.adapters.revisions import LocalRevisionBoard
from billing_svc.application.check_ledger import LedgerCheck
from billing_svc.entrypoints.consumers import BASKET, Listener
from billing_svc.entrypoints.grpc import BillingPorts, BillingServicer
from billing_svc.settings import BillingSettings

COUNT_EVERY = timedelta(seconds=30)
CHECK_EVERY = timedelta(minutes=5)
CHECK_REST = 50.0
"""A turn has two percent of the time at most: what grows with a town's years is then read less often."""


async def build(runtime: Runtime) -> Parts:
    """The servicer and the consumers of one process."""
    board = LocalRevisionBoard()
    renderer = TypstRenderer(threads=runtime.settings.pdf_threads)

    unpriced = SqlUnpricedBookings(runtime.database, runtime.work_database)
    check = LedgerCheck(SqlLedgerAudit(runtime.database, runtime.work_database), time.monotonic, tell_ledger_wrong)
    gauges = BooksGauges(ledger_good_for=3 * CHECK_EVERY, unpriced_good_for=3 * COUNT_EVERY)

    async def count_unpriced() -> None:
        if await has_measures(runtime.work_database):
            gauges.keep_unpriced(await unpriced.count(BASKET))

    async def check_ledger() -> None:
        if await has_measures(runtime.work_database):
            gauges.keep_wrong(await check.turn())

    async def close() -> None:
        gauges.close()
        renderer.close()

    ports = BillingPorts(
        books=SqlBooksFactory(runtime.database),
        desk=SqlInvoiceDesk(runtime.database),
        reads=SqlReads(runtime.database),
        directory=IdentityDirectory(runtime.identity_channel()),
        gateway=PaymentGatewayClient(runtime.channel(runtime.settings.required("payment_address"))),
        board=board,
        renderer=renderer,
        clock=runtime.clock,
        ids=runtime.ids,
        page_tokens=runtime.page_tokens,
    )
    listener = Listener(
        books_of=SqlBooks, clock=runtime.clock, ids=runtime.ids, announce=board.announce, unpriced=unpriced
    )
    servicer = Servicer(
        billing_service_pb2_grpc.add_BillingServiceServicer_to_server,
        BillingServicer(ports),
        "preau.billing.v1.BillingService",
    )
    return Parts(
        servicers=[servicer],
        consumers=listener.consumers(),
        jobs=[
            Job("count-unpriced", every=COUNT_EVERY, run=count_unpriced),
            Job("check-ledger", every=CHECK_EVERY, run=check_ledger, rest=CHECK_REST),
        ],
        close=close,
    )


DEFINITION = ServiceDefinition(
    name="billing",
    settings=BillingSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    events=(
        billing_events_pb2.InvoiceIssued,
        billing_events_pb2.InvoiceSettled,
        billing_events_pb2.InvoiceCancelled,
        billing_events_pb2.FamilyAccountCredited,
    ),
    build=build,
)
