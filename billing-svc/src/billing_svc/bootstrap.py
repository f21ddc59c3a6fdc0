"""The composition root: which adapter stands behind which port."""

from __future__ import annotations

from pathlib import Path

from preau.billing.v1 import billing_events_pb2, billing_service_pb2_grpc
from preau_chassis.service import Parts, Runtime, ServiceDefinition, Servicer

from billing_svc.adapters.clients.identity import IdentityDirectory
from billing_svc.adapters.clients.payment import PaymentGatewayClient
from billing_svc.adapters.db.books import SqlBooks, SqlBooksFactory
from billing_svc.adapters.db.desk import SqlInvoiceDesk
from billing_svc.adapters.db.reads import SqlReads
from billing_svc.adapters.pdf.renderer import TypstRenderer
from billing_svc.adapters.revisions import LocalRevisionBoard
from billing_svc.entrypoints.consumers import Listener
from billing_svc.entrypoints.grpc import BillingPorts, BillingServicer
from billing_svc.settings import BillingSettings


async def build(runtime: Runtime) -> Parts:
    """The servicer and the consumers of one process."""
    board = LocalRevisionBoard()
    renderer = TypstRenderer(threads=runtime.settings.pdf_threads)

    async def close() -> None:
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
    listener = Listener(books_of=SqlBooks, clock=runtime.clock, ids=runtime.ids, announce=board.announce)
    servicer = Servicer(
        billing_service_pb2_grpc.add_BillingServiceServicer_to_server,
        BillingServicer(ports),
        "preau.billing.v1.BillingService",
    )
    return Parts(servicers=[servicer], consumers=listener.consumers(), close=close)


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
