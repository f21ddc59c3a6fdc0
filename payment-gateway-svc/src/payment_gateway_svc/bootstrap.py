"""The composition root: every part, made and joined by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from preau.payment.v1 import payment_events_pb2, payment_service_pb2_grpc
from preau_chassis.database import Database
from preau_chassis.server import Servicer
from preau_chassis.service import Job, Parts, Runtime, ServiceDefinition
from preau_kernel.clock import Clock
from preau_kernel.ids import IdFactory

from payment_gateway_svc.adapters.db.open_attempts import DatabaseOpenAttempts
from payment_gateway_svc.adapters.db.resealing import Resealing
from payment_gateway_svc.adapters.db.unit_of_work import DatabaseTowns, unit_of_work_factory
from payment_gateway_svc.adapters.measures import OpenPaymentGauges
from payment_gateway_svc.adapters.psp.measured import MeasuredProvider
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider, make_client
from payment_gateway_svc.adapters.recorder import TelemetryRecorder
from payment_gateway_svc.application.check_provider import CheckProviderHandler
from payment_gateway_svc.application.configure_provider import ConfigureProviderHandler
from payment_gateway_svc.application.create_payment import CreatePaymentHandler
from payment_gateway_svc.application.get_online_payment import GetOnlinePaymentHandler
from payment_gateway_svc.application.get_payment import GetPaymentHandler
from payment_gateway_svc.application.handle_notification import HandleNotificationHandler
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.poll_payments import PollPaymentsHandler
from payment_gateway_svc.application.ports import PaymentProvider
from payment_gateway_svc.application.providers import Providers
from payment_gateway_svc.entrypoints.consumers import town_consumer
from payment_gateway_svc.entrypoints.grpc import PaymentServicer, UseCases
from payment_gateway_svc.settings import PaymentSettings

POLL_EVERY = timedelta(minutes=5)
COUNT_EVERY = timedelta(seconds=30)
RESEAL_EVERY = timedelta(hours=1)
RESEAL_GRACE = timedelta(minutes=30)
SERVICE_NAME = "preau.payment.v1.PaymentService"


@dataclass(frozen=True, slots=True)
class World:
    """What the use cases stand on."""

    settings: PaymentSettings
    database: Database
    work_database: Database
    provider: PaymentProvider
    clock: Clock
    ids: IdFactory


def make_use_cases(world: World) -> UseCases:
    """Joined as in production; tests bring their own clock and provider."""
    settings = world.settings
    factory = unit_of_work_factory(world.database, settings.secret_box())
    providers = Providers([MeasuredProvider(world.provider)])
    recorder = TelemetryRecorder()
    look_up = LookUpPath(factory, providers, world.clock, recorder)
    patience = timedelta(seconds=settings.notification_patience_seconds)
    open_attempts = DatabaseOpenAttempts(world.work_database)
    return UseCases(
        create=CreatePaymentHandler(factory, providers, world.clock, world.ids),
        get=GetPaymentHandler(factory),
        look_up=look_up,
        notify=HandleNotificationHandler(factory, providers, world.clock, look_up, recorder, patience),
        poll=PollPaymentsHandler(factory, open_attempts, world.clock, look_up, recorder, settings.poll_concurrency),
        configure=ConfigureProviderHandler(factory, providers, world.clock, recorder),
        check=CheckProviderHandler(factory, providers),
        online=GetOnlinePaymentHandler(factory, providers),
    )


async def build(runtime: Runtime) -> Parts:
    """The service's parts in one process."""
    settings = runtime.settings
    if not isinstance(settings, PaymentSettings):
        raise TypeError(type(settings).__name__)
    settings.required("encryption_key")
    client = make_client(settings.provider_timeout_seconds)
    provider = PayfipProvider(client, settings.provider_timeout_seconds, settings.allowed_provider_hosts)
    use_cases = make_use_cases(
        World(settings, runtime.database, runtime.work_database, provider, runtime.clock, runtime.ids)
    )

    async def poll() -> None:
        await use_cases.poll.due()

    resealing = Resealing(runtime.database, runtime.work_database, settings.secret_box(), RESEAL_GRACE)
    open_attempts = DatabaseOpenAttempts(runtime.work_database)
    gauges = OpenPaymentGauges([provider.name], good_for=3 * COUNT_EVERY)

    async def count_open() -> None:
        gauges.keep(await open_attempts.waiting(runtime.clock.now()))

    async def close() -> None:
        gauges.close()
        await client.aclose()

    add = payment_service_pb2_grpc.add_PaymentServiceServicer_to_server
    return Parts(
        servicers=[Servicer(add, PaymentServicer(use_cases), SERVICE_NAME)],
        consumers=[town_consumer(DatabaseTowns)],
        jobs=[
            Job("poll-payments", every=POLL_EVERY, run=poll),
            Job("count-open-payments", every=COUNT_EVERY, run=count_open),
            Job("reseal-settings", every=RESEAL_EVERY, run=resealing.run),
        ],
        close=close,
    )


DEFINITION = ServiceDefinition(
    name="payment",
    settings=PaymentSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    events=(
        payment_events_pb2.PaymentSucceeded,
        payment_events_pb2.PaymentFailed,
        payment_events_pb2.PaymentMismatched,
    ),
    build=build,
)
