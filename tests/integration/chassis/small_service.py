"""A service of the test's own, run as a process: it answers with the caller's town, publishes, and reads what it published."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer, add_IdentityServiceServicer_to_server
from preau_chassis.database import UnitOfWork
from preau_chassis.inbox import Consumer, Envelope
from preau_chassis.server import current_context
from preau_chassis.service import Job, Parts, Runtime, ServiceDefinition, Servicer, run
from preau_chassis.settings import ServiceSettings

NAME = "preau.identity.v1.IdentityService"


class SmallSettings(ServiceSettings):
    """``jwks`` stands for identity's keys."""

    jwks: str


class Small(IdentityServiceServicer):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SignOut(self, request: pb.SignOutRequest, _context: Any) -> pb.SignOutResponse:
        async with self._runtime.database.unit_of_work(current_context()) as uow:
            uow.publish(InvoiceSettled(invoice_id=request.session_token))
            await uow.commit()
        return pb.SignOutResponse()


async def build(runtime: Runtime) -> Parts:
    async def on_settled(uow: UnitOfWork, event: InvoiceSettled, envelope: Envelope) -> None:
        await uow.execute(
            "INSERT INTO effect (tenant_id, note) VALUES ($1, $2)", envelope.context.tenant_id, event.invoice_id
        )

    async def tick() -> None:
        await runtime.work_database.execute("INSERT INTO effect (tenant_id, note) VALUES (99, 'tick')")

    async def jwks() -> str:
        return str(runtime.settings.jwks)

    small = Small(runtime)  # type: ignore[abstract] # the other methods are not called
    return Parts(
        servicers=[Servicer(add_IdentityServiceServicer_to_server, small, NAME)],
        consumers=[Consumer("small-reader", "BILLING", ("evt.*.billing.invoice.*.v1",), {InvoiceSettled: on_settled})],
        jobs=[Job("tick", every=timedelta(hours=1), run=tick)],
        jwks_source=jwks,
    )


DEFINITION = ServiceDefinition(
    name="billing",
    settings=SmallSettings,
    migrations=Path(__file__).parent / "migrations",
    events=(InvoiceSettled,),
    build=build,
)

if __name__ == "__main__":
    sys.exit(run(DEFINITION))
