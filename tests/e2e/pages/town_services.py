"""The small town's four services on real gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
from preau.agenda.v1.agenda_service_pb2_grpc import add_AgendaServiceServicer_to_server
from preau.billing.v1.billing_service_pb2_grpc import add_BillingServiceServicer_to_server
from preau.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from preau.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server

from tests.e2e.pages.small_town import (
    SmallTown,
)
from tests.e2e.pages.town_agenda import TownAgenda
from tests.e2e.pages.town_billing import TownBilling, TownPayment
from tests.e2e.pages.town_identity import TownIdentity


@asynccontextmanager
async def running_town(town: SmallTown) -> AsyncIterator[str]:
    """The four services on one local port; answers its address."""
    server = grpc.aio.server()
    add_IdentityServiceServicer_to_server(TownIdentity(town), server)  # type: ignore[abstract]
    add_AgendaServiceServicer_to_server(TownAgenda(town), server)  # type: ignore[abstract]
    add_BillingServiceServicer_to_server(TownBilling(town), server)  # type: ignore[abstract]
    add_PaymentServiceServicer_to_server(TownPayment(town), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
