"""The one place that sees everything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2_grpc as rpc
from preau_chassis.database import UnitOfWork
from preau_chassis.service import Job, Parts, Runtime, ServiceDefinition, Servicer

from agenda_svc.adapters.db.expiry_store import PostgresExpiryStore
from agenda_svc.adapters.db.holds import PostgresHoldCounts
from agenda_svc.adapters.db.projections import PostgresProjections
from agenda_svc.adapters.db.reservation_store import PostgresReservationStore, TransactionReservationStore
from agenda_svc.adapters.db.rules_loader import RulesCache
from agenda_svc.adapters.db.town_store import PostgresTownStore
from agenda_svc.adapters.measures import HoldGauges
from agenda_svc.adapters.public_holidays import FrenchPublicHolidays
from agenda_svc.adapters.reservation_ids import BlockReservationIds
from agenda_svc.application.desk import Desk
from agenda_svc.application.expire_holds import expire_holds
from agenda_svc.entrypoints.consumers import billing_consumer, identity_consumer
from agenda_svc.entrypoints.grpc import AgendaServicer, Ports
from agenda_svc.settings import AgendaSettings

COUNT_EVERY = timedelta(seconds=30)
COUNT_REST = 100
"""Holds are counted row by row, town by town: where that takes seconds it is done less often, one second in a hundred."""
COUNT_IS_GOOD_FOR = timedelta(minutes=5)


async def build(runtime: Runtime) -> Parts:
    """Wire the service."""
    settings: AgendaSettings = runtime.settings
    database, clock = runtime.database, runtime.clock
    desk = Desk(
        store=PostgresReservationStore(database),
        rules=RulesCache(database),
        clock=clock,
        ids=BlockReservationIds(database),
    )
    expiry = PostgresExpiryStore(database, runtime.work_database)

    def store_of(uow: UnitOfWork) -> TransactionReservationStore:
        return TransactionReservationStore(uow, database)

    async def expire() -> None:
        await expire_holds(expiry, clock)

    hold_counts = PostgresHoldCounts(database, runtime.work_database)
    hold_gauges = HoldGauges(good_for=COUNT_IS_GOOD_FOR)

    async def count_holds() -> None:
        hold_gauges.keep(await hold_counts.of_all_towns(clock.now()))

    async def close() -> None:
        hold_gauges.close()

    servicer = AgendaServicer(Ports(desk, PostgresTownStore(database, runtime.ids), FrenchPublicHolidays()))
    return Parts(
        servicers=[Servicer(rpc.add_AgendaServiceServicer_to_server, servicer, "preau.agenda.v1.AgendaService")],
        consumers=[identity_consumer(PostgresProjections), billing_consumer(desk, store_of)],
        jobs=[
            Job("expire-holds", every=timedelta(seconds=settings.expiry_seconds), run=expire),
            Job("count-holds", every=COUNT_EVERY, run=count_holds, rest=COUNT_REST),
        ],
        close=close,
    )


DEFINITION = ServiceDefinition(
    name="agenda",
    settings=AgendaSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    events=(
        events.ActivityChanged,
        events.ReservationsHeld,
        events.ReservationsCancelled,
        events.ReservationsExpired,
        events.ReservationsConfirmed,
        events.HoldsRenewed,
    ),
    build=build,
)
