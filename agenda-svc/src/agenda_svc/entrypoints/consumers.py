"""What the agenda does about other services' facts."""

from __future__ import annotations

from collections.abc import Callable

from preau.billing.v1 import billing_events_pb2 as billing
from preau.identity.v1 import identity_events_pb2 as identity
from preau_chassis.database import UnitOfWork
from preau_chassis.inbox import Consumer, Envelope
from preau_chassis.wire import timestamp_from_wire

from agenda_svc.application.confirm_reservations import confirm_reservations
from agenda_svc.application.desk import Desk
from agenda_svc.application.ports import ReservationStore
from agenda_svc.application.project import HouseholdNews, Projections, TownNews
from agenda_svc.entrypoints.measures import record_confirmation

StoreOf = Callable[[UnitOfWork], ReservationStore]
ProjectionsOf = Callable[[UnitOfWork], Projections]


def identity_consumer(projections_of: ProjectionsOf) -> Consumer:
    """Keeps what must be known of towns and households."""

    async def on_tenant(uow: UnitOfWork, message: identity.TenantChanged, _: Envelope) -> None:
        news = TownNews(message.slug, message.time_zone, message.hold_minutes, message.version)
        await projections_of(uow).keep_town(news)

    async def on_household(uow: UnitOfWork, message: identity.HouseholdChanged, _: Envelope) -> None:
        news = HouseholdNews(message.household_id, tuple(message.child_ids), message.version)
        await projections_of(uow).keep_household(news)

    return Consumer(
        durable="agenda-identity",
        stream="IDENTITY",
        subjects=("evt.*.identity.tenant.changed.v1", "evt.*.identity.household.changed.v1"),
        handlers={identity.TenantChanged: on_tenant, identity.HouseholdChanged: on_household},
    )


def billing_consumer(desk: Desk, store_of: StoreOf) -> Consumer:
    """Confirms what was paid. A cancelled invoice changes nothing here: holds end by themselves."""

    async def on_settled(uow: UnitOfWork, message: billing.InvoiceSettled, envelope: Envelope) -> None:
        confirmed = await confirm_reservations(
            envelope.context,
            desk,
            store_of(uow),
            message.invoice_id,
            message.household_id,
            list(message.reservation_ids),
        )
        if confirmed and message.HasField("paid_known_at"):
            known_at = timestamp_from_wire(message.paid_known_at)
            town = envelope.context.tenant_slug
            uow.after_commit(lambda: record_confirmation(town, known_at, desk.clock.now()))

    return Consumer(
        durable="agenda-settlements",
        stream="BILLING",
        subjects=("evt.*.billing.invoice.settled.v1",),
        handlers={billing.InvoiceSettled: on_settled},
    )
