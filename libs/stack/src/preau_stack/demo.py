"""Loads the demo towns through the services' own RPCs, as a town's staff would. Idempotent: a second time changes nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

import grpc
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceStub
from preau.billing.v1 import billing_service_pb2 as billing
from preau.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from preau.identity.v1 import identity_service_pb2 as identity
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau.payment.v1 import payment_service_pb2 as payment
from preau.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from preau_chassis.client import call, open_channel
from preau_kernel.errors import DomainError, ErrorKind

from preau_stack import demo_messages as messages
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.demo_data import DemoActivity, DemoTown
from preau_stack.demo_towns import TOWNS
from preau_stack.ports import LOOPBACK

_TIMEOUT_SECONDS = 15.0
_PATIENCE_SECONDS = 20.0
# A town's settings reach the other services as events: the first calls may come a moment too early.
_MAY_PASS = {ErrorKind.NOT_FOUND, ErrorKind.PRECONDITION, ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT, ErrorKind.CONFLICT}


@dataclass(frozen=True, slots=True)
class Services:
    """The four services, and the operator's secret that opens them."""

    identity: IdentityServiceStub
    agenda: AgendaServiceStub
    billing: BillingServiceStub
    payment: PaymentServiceStub
    operator_secret: str

    async def operator_token(self, tenant_slug: str = "") -> str:
        """A token of the platform's operator, for one town or for none."""
        request = identity.IssueServiceTokenRequest(
            service="operator", secret=self.operator_secret, tenant_slug=tenant_slug
        )
        answer = await patient(self.identity.IssueServiceToken, request, "")
        return str(answer.access_token)


def calendar_json() -> str:
    """The school calendar's text, as `ImportSchoolCalendar` takes it."""
    return files("preau_stack").joinpath("data/school-calendar.json").read_text()


def school_years(zone: str) -> list[tuple[date, date]]:
    """First and last day of every school year of a zone."""
    calendars = [entry for entry in json.loads(calendar_json())["calendars"] if entry["zone"] == zone]
    return sorted((date.fromisoformat(entry["starts"]), date.fromisoformat(entry["ends"])) for entry in calendars)


async def patient(method: Any, request: Any, token: str) -> Any:
    """Call, and call again for a while when the refusal may pass by itself."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await call(method, request, timeout=_TIMEOUT_SECONDS, token=token)
        except DomainError as error:
            if error.kind not in _MAY_PASS or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


def open_services(ports: Mapping[str, int], operator_secret: str) -> tuple[Services, list[grpc.aio.Channel]]:
    """Channels to the running services; the caller closes them."""
    channels = {name: open_channel(f"{LOOPBACK}:{ports[name]}") for name in SERVICES}
    services = Services(
        IdentityServiceStub(channels["identity"]),
        AgendaServiceStub(channels["agenda"]),
        BillingServiceStub(channels["billing"]),
        PaymentServiceStub(channels["payment"]),
        operator_secret,
    )
    return services, list(channels.values())


async def load_demo(folder: DataFolder) -> None:
    """Load both towns into the platform that runs on ``folder``."""
    ports: dict[str, int] = folder.state()["ports"]
    services, channels = open_services(ports, folder.secrets()["service_operator"])
    simulator = f"http://{LOOPBACK}:{ports['simulator']}"
    try:
        async with asyncio.TaskGroup() as group:
            for town in TOWNS:
                group.create_task(load_town(services, town, simulator))
    finally:
        for channel in channels:
            await channel.close()


async def poll_payments(folder: DataFolder) -> tuple[int, int]:
    """Have every demo town's open payments looked up now: how many were asked for, how many settled."""
    services, channels = open_services(folder.state()["ports"], folder.secrets()["service_operator"])
    checked = settled = 0
    try:
        for town in TOWNS:
            token = await services.operator_token(town.slug)
            answer = await patient(services.payment.PollPayments, payment.PollPaymentsRequest(), token)
            checked += answer.checked_count
            settled += answer.settled_count
    finally:
        for channel in channels:
            await channel.close()
    return checked, settled


async def load_town(services: Services, town: DemoTown, simulator: str) -> None:
    """The town, then what only needs the town, then what needs its activities."""
    await patient(services.identity.UpsertTenant, messages.tenant_of(town), await services.operator_token())
    token = await services.operator_token(town.slug)
    async with asyncio.TaskGroup() as group:
        household = group.create_task(patient(services.identity.ImportHousehold, messages.household_of(town), token))
        activities = group.create_task(_load_activities(services, town, token))
        group.create_task(patient(services.billing.UpsertTill, messages.till_of(town), token))
        group.create_task(patient(services.payment.ConfigureProvider, messages.provider_of(town, simulator), token))
    people = household.result().household
    first, last = school_years(town.calendar_zone)[0][0], school_years(town.calendar_zone)[-1][1]
    request = agenda.EnrolChildrenRequest(
        household_id=people.id,
        child_ids=[child.id for child in people.children],
        activity_ids=activities.result(),
        to=messages.day_of(last),
    )
    getattr(request, "from").CopyFrom(messages.day_of(first))  # a word of Python
    await patient(services.agenda.EnrolChildren, request, token)


async def _load_activities(services: Services, town: DemoTown, token: str) -> list[str]:
    calendar = agenda.ImportSchoolCalendarRequest(
        calendar_json=calendar_json(), zone=town.calendar_zone, public_holiday_subdivision=town.holiday_subdivision
    )
    await patient(services.agenda.ImportSchoolCalendar, calendar, token)
    ids: list[str] = []
    ranked = list(enumerate(town.activities, start=1))
    for position, activity in sorted(ranked, key=lambda pair: len(pair[1].requires)):  # what is required comes first
        answer = await patient(services.agenda.UpsertActivity, messages.activity_of(activity, position), token)
        ids.append(answer.activity.id)
        await _open_and_price(services, town, activity, answer.activity.id, token)
    return ids


async def _open_and_price(
    services: Services, town: DemoTown, activity: DemoActivity, activity_id: str, token: str
) -> None:
    years = school_years(town.calendar_zone)
    for first, last in years:
        sessions = agenda.OpenSessionsRequest(
            activity_id=activity_id, to=messages.day_of(last), capacity=activity.capacity
        )
        getattr(sessions, "from").CopyFrom(messages.day_of(first))
        await patient(services.agenda.OpenSessions, sessions, token)
    tariff = billing.UpsertTariffRequest(
        activity_id=activity_id,
        valid_from=messages.day_of(years[0][0]),
        resident_price=messages.euros(activity.resident_cents),
        non_resident_price=messages.euros(activity.non_resident_cents),
    )
    await patient(services.billing.UpsertTariff, tariff, token)
