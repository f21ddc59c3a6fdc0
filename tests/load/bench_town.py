"""A mid-size town for the benchmark, made through the services' own RPCs: sixteen schools, one shared centre, many families."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment
from preau_stack.school_calendar import calendar_json
from preau_stack.services import Services, patient

SLUG = "bench"
HOST = "bench.localhost"
PASSWORD = "Banc-Essai-2025!"
SCHOOLS = 16
CENTRE = SCHOOLS
ZONE = "Martinique"
FIRST = date(2025, 9, 1)
LAST = date(2026, 7, 3)
OPEN_DAYS = 18
WEEKDAYS = (1, 2, 4, 5)
PRICES = (45, 160, 35, 60)


@dataclass(frozen=True, slots=True)
class Family:
    """One household and the school of its children."""

    username: str
    household_id: str
    child_ids: tuple[str, ...]
    school: int


@dataclass(frozen=True, slots=True)
class BenchTown:
    """``activities[school]`` are that school's four; the last entry is the centre that everybody shares."""

    activities: list[list[str]]
    days: list[list[date]]
    families: list[Family]
    slug: str = SLUG

    @property
    def host(self) -> str:
        return f"{self.slug}.localhost"

    @property
    def periods(self) -> list[tuple[date, date]]:
        """First and last day of each stretch of eighteen days of class: 72 rows with four activities."""
        return [(days[0], days[-1]) for days in self.days]


def day_message(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def with_from(request: Any, day: date) -> Any:
    getattr(request, "from").CopyFrom(day_message(day))
    return request


def taught_days() -> list[list[date]]:
    """The days of class of the school year, eighteen by eighteen."""
    import holidays

    calendars = [entry for entry in json.loads(calendar_json())["calendars"] if entry["zone"] == ZONE]
    closed: set[date] = set(holidays.country_holidays("FR", subdiv="MQ", years=(2025, 2026)))
    for calendar in calendars:
        for holiday in calendar["holidays"]:
            day = date.fromisoformat(holiday["from"]) + timedelta(days=1)
            while day < date.fromisoformat(holiday["until"]):
                closed.add(day)
                day += timedelta(days=1)
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
    taught = [day for day in days if day.isoweekday() in WEEKDAYS and day not in closed]
    whole = len(taught) // OPEN_DAYS
    return [taught[n * OPEN_DAYS : (n + 1) * OPEN_DAYS] for n in range(whole)]


@dataclass(frozen=True, slots=True)
class Size:
    """How many large families of how many children, and how many ordinary ones of two."""

    families: int
    children: int
    ordinary: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What sets one town apart: ``sites`` counts the schools and, when there are several, the centre after them.

    Without ``has_accounts`` nobody can sign in: argon2id for thousands would take minutes (see people.py).
    """

    slug: str = SLUG
    sites: int = SCHOOLS + 1
    capacity: int = 100_000
    first: date = FIRST
    last: date = LAST
    cutoff: agenda.Cutoff | None = None
    has_accounts: bool = True
    time_zone: str = "America/Martinique"

    @property
    def schools(self) -> int:
        return max(1, self.sites - 1)


BENCH = Plan()


async def make_town(services: Services, simulator: str, size: Size, plan: Plan = BENCH) -> tuple[BenchTown, BenchTown]:
    """Create everything: the town as its large families see it, and as its ordinary ones do."""
    tenant = identity.Tenant(
        slug=plan.slug,
        name="Banc d'essai",
        time_zone=plan.time_zone,
        locale="fr",
        theme=identity.Theme(primary="#1f4e5f", accent="#8a4b08"),
        contact=identity.Contact(office_name="Service scolaire", phone="05 96 00 00 00", email="ecole@bench.example"),
        hold_minutes=60,
        hosts=[f"{plan.slug}.localhost"],
    )
    await patient(
        services.identity.UpsertTenant, identity.UpsertTenantRequest(tenant=tenant), await services.operator_token()
    )
    token = await services.operator_token(plan.slug)
    calendar = agenda.ImportSchoolCalendarRequest(
        calendar_json=calendar_json(), zone=ZONE, public_holiday_subdivision="MQ"
    )
    await patient(services.agenda.ImportSchoolCalendar, calendar, token)
    till = billing.UpsertTillRequest(code="BE", name="Banc d'essai", siret="00000000000000")
    await patient(services.billing.UpsertTill, till, token)
    settings = payment.PayfipSettings(
        client_number="090909",
        mode="T",
        service_url=f"{simulator}/tpa/services/securite",
        page_url=f"{simulator}/tpa/paiementws.web",
    )
    provider = payment.ConfigureProviderRequest(provider="payfip", payfip=settings)
    await patient(services.payment.ConfigureProvider, provider, token)
    activities = [await _school(services, token, number, plan) for number in range(plan.sites)]
    large = await _families(services, token, activities, range(size.families), size.children, plan)
    ordinary = range(size.families, size.families + size.ordinary)
    small = await _families(services, token, activities, ordinary, 2, plan)
    days = taught_days()
    return BenchTown(activities, days, large, plan.slug), BenchTown(activities, days, small, plan.slug)


async def _school(services: Services, token: str, number: int, plan: Plan) -> list[str]:
    ids = []
    for rank, (code, kind) in enumerate(
        (("matin", 2), ("midi", 2), ("restauration", 1), ("soir", 2))  # what is required comes before what requires it
    ):
        activity = agenda.Activity(
            code=f"{code}-{number}",
            name=f"{code.capitalize()} {number}",
            kind=kind,  # type: ignore[arg-type]
            weekdays=WEEKDAYS,
            position=number * 4 + rank + 1,
            requires=[f"midi-{number}"] if code == "restauration" else [],
            booking_cutoff=plan.cutoff,
            cancellation_cutoff=plan.cutoff,
        )
        request = agenda.UpsertActivityRequest(activity=activity, site_name=f"École {number}")
        activity_id = (await patient(services.agenda.UpsertActivity, request, token)).activity.id
        sessions = agenda.OpenSessionsRequest(
            activity_id=activity_id, to=day_message(plan.last), capacity=plan.capacity
        )
        await patient(services.agenda.OpenSessions, with_from(sessions, plan.first), token)
        tariff = billing.UpsertTariffRequest(
            activity_id=activity_id,
            valid_from=day_message(FIRST),
            resident_price=Money(minor_units=PRICES[rank], currency_code="EUR"),
            non_resident_price=Money(minor_units=2 * PRICES[rank], currency_code="EUR"),
        )
        await patient(services.billing.UpsertTariff, tariff, token)
        ids.append(activity_id)
    return ids


async def _families(
    services: Services, token: str, activities: list[list[str]], numbers: range, children_each: int, plan: Plan
) -> list[Family]:
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> Family:
        async with gate:
            school = number % plan.schools
            accounts = [identity.NewAccount(guardian_index=0, username=f"famille{number}", password=PASSWORD)]
            request = identity.ImportHouseholdRequest(
                external_ref=f"bench-{number}",
                household=identity.Household(
                    guardians=[
                        identity.Guardian(
                            first_name="Dominique",
                            last_name=f"Essai {number}",
                            email=f"f{number}@example.org",
                            is_payer=True,
                        )
                    ],
                    children=[
                        identity.Child(first_name=f"Camille {n}", last_name=f"Essai {number}", born_on="2017-05-04")
                        for n in range(children_each)
                    ],
                    is_resident=True,
                ),
                accounts=accounts if plan.has_accounts else [],
            )
            household = (await patient(services.identity.ImportHousehold, request, token)).household
            child_ids = tuple(child.id for child in household.children)
            enrolment = agenda.EnrolChildrenRequest(
                household_id=household.id,
                child_ids=child_ids,
                activity_ids=dict.fromkeys([*activities[school], *activities[-1]]),
                to=day_message(plan.last),
            )
            await patient(services.agenda.EnrolChildren, with_from(enrolment, plan.first), token)
            return Family(f"famille{number}", household.id, child_ids, school)

    return list(await asyncio.gather(*(one(number) for number in numbers)))
