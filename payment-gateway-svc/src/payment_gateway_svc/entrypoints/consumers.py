"""What this service reads from the bus."""

from __future__ import annotations

from collections.abc import Callable

from preau.identity.v1 import identity_events_pb2 as identity
from preau_chassis.consumers import Consumer, Envelope
from preau_chassis.database import UnitOfWork

from payment_gateway_svc.application.ports import TownRepository
from payment_gateway_svc.application.record_town import RecordTown, record_town

TOWN_SUBJECT = "evt.*.identity.tenant.changed.v1"


def town_consumer(towns: Callable[[UnitOfWork], TownRepository]) -> Consumer:
    """Keeps the little this service knows of towns."""

    async def on_changed(uow: UnitOfWork, message: identity.TenantChanged, _envelope: Envelope) -> None:
        await record_town(RecordTown(message.version, message.is_production), towns(uow))

    return Consumer(
        durable="payment-towns",
        stream="IDENTITY",
        subjects=(TOWN_SUBJECT,),
        handlers={identity.TenantChanged: on_changed},
    )
