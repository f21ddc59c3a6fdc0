"""Billing on a real PostgreSQL, behind its real gRPC server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from billing_svc.adapters.clients.identity import IdentityDirectory
from billing_svc.adapters.clients.payment import PaymentGatewayClient
from billing_svc.adapters.db.audit import SqlLedgerAudit
from billing_svc.adapters.db.books import SqlBooksFactory
from billing_svc.adapters.db.desk import SqlInvoiceDesk
from billing_svc.adapters.db.reads import SqlReads
from billing_svc.adapters.pdf.renderer import TypstRenderer
from billing_svc.adapters.revisions import LocalRevisionBoard
from billing_svc.entrypoints.grpc import BillingPorts, BillingServicer
from preau.billing.v1 import billing_service_pb2_grpc
from preau_chassis.database import Database
from preau_chassis.pagination import PageTokens
from preau_chassis.server import Servicer
from preau_chassis.testing import TokenMint, running_server
from preau_kernel.clock import FixedClock
from preau_kernel.ids import UuidV7Factory
from preau_stack.databases import ServiceDatabase

from tests.integration.billing.neighbours import START, IdentityStandIn, PaymentStandIn
from tests.integration.billing.town import Family, Platform, Town, make_listener


@pytest.fixture(scope="session")
async def platform(migrated: Callable[[str], ServiceDatabase]) -> AsyncIterator[Platform]:
    database = Database(migrated("billing").app_url, pool_size=8)
    mint, clock, board = TokenMint(), FixedClock(START), LocalRevisionBoard()
    identity, payment = IdentityStandIn(), PaymentStandIn()
    identity_servicer = Servicer(identity.add_to, identity, "preau.identity.v1.IdentityService")
    payment_servicer = Servicer(payment.add_to, payment, "preau.payment.v1.PaymentService")
    renderer = TypstRenderer()
    async with (
        running_server([identity_servicer], mint, service="identity") as identity_channel,
        running_server([payment_servicer], mint, service="payment") as payment_channel,
    ):
        ports = BillingPorts(
            books=SqlBooksFactory(database),
            desk=SqlInvoiceDesk(database),
            reads=SqlReads(database),
            directory=IdentityDirectory(identity_channel),
            gateway=PaymentGatewayClient(payment_channel),
            board=board,
            renderer=renderer,
            clock=clock,
            ids=UuidV7Factory(),
            page_tokens=PageTokens("test"),
        )
        servicer = Servicer(
            billing_service_pb2_grpc.add_BillingServiceServicer_to_server,
            BillingServicer(ports),
            "preau.billing.v1.BillingService",
        )
        async with running_server([servicer], mint, service="billing") as channel:
            listener = make_listener(clock, board.announce, database)
            yield Platform(database, channel, mint, clock, listener, identity, payment)
    renderer.close()
    await database.close()


@pytest.fixture
async def audit(platform: Platform, migrated: Callable[[str], ServiceDatabase]) -> AsyncIterator[SqlLedgerAudit]:
    work_database = Database(migrated("billing").work_url, pool_size=1)
    yield SqlLedgerAudit(platform.database, work_database)
    await work_database.close()


@pytest.fixture
async def town(platform: Platform, audit: SqlLedgerAudit) -> AsyncIterator[Town]:
    """A town whose books agree with themselves, whatever a test did."""
    platform.payment.is_down = platform.identity.is_down = False
    town = await platform.town()
    yield town
    assert await audit.books(town.system) == {"account": 0, "credit": 0, "invoice": 0, "payment": 0}
    assert (await audit.documents(town.system, 0, 1_000)).wrong == 0


@pytest.fixture
async def family(town: Town) -> Family:
    return await town.household()
