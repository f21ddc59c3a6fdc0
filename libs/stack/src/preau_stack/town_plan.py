"""All that the services must be told for one town to work."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment

from preau_stack import town_messages as messages
from preau_stack.school_calendar import calendar_json, school_years
from preau_stack.town_file import Activity, Household, TownFile

_PASSWORD_LENGTH = 60


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """Requests without the activity's id. Tariffs are oldest first, each with its rank in the file."""

    activity: agenda.UpsertActivityRequest
    sessions: tuple[agenda.OpenSessionsRequest, ...]
    tariffs: tuple[tuple[int, billing.UpsertTariffRequest], ...]


@dataclass(frozen=True, slots=True)
class HouseholdPlan:
    """``codes``: of each child, the activities it may book. The request holds passwords: never print it."""

    request: identity.ImportHouseholdRequest = field(repr=False)
    codes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class TownPlan:
    """One town's requests; enrolments are from ``first`` to ``last``, both included."""

    tenant: identity.UpsertTenantRequest
    calendar: agenda.ImportSchoolCalendarRequest
    activities: tuple[ActivityPlan, ...]
    till: billing.UpsertTillRequest
    provider: payment.ConfigureProviderRequest | None
    households: tuple[HouseholdPlan, ...]
    first: date
    last: date


def unknown_password() -> str:
    """A password that nobody knows. Signs alone, so that no user name can be part of it."""
    return "".join(secrets.choice(string.punctuation) for _ in range(_PASSWORD_LENGTH))


def plan_of(town: TownFile, calendar: str = "", new_password: Callable[[], str] = unknown_password) -> TownPlan:
    """The requests of ``town``, with the text of its own school calendar if it has one. ``ValueError`` when its zone is not in it."""
    years = school_years(town.school_calendar.zone, calendar)
    all_codes = tuple(activity.code for activity in town.activities)
    return TownPlan(
        tenant=messages.tenant_of(town),
        calendar=messages.calendar_of(town.school_calendar, calendar or calendar_json()),
        activities=tuple(_activity(each, rank, years) for rank, each in enumerate(town.activities, start=1)),
        till=messages.till_of(town.till),
        provider=messages.provider_of(town.payfip) if town.payfip else None,
        households=tuple(_household(each, all_codes, new_password) for each in town.households),
        first=years[0][0],
        last=years[-1][1],
    )


def _activity(activity: Activity, rank: int, years: list[tuple[date, date]]) -> ActivityPlan:
    tariffs = sorted(enumerate(activity.tariffs), key=lambda pair: pair[1].valid_from)
    return ActivityPlan(
        messages.activity_of(activity, rank),
        tuple(messages.sessions_of(activity, first, last) for first, last in years),
        tuple(
            (at, messages.tariff_of(tariff, following[1] if following else None))
            for (at, tariff), following in zip_longest(tariffs, tariffs[1:])
        ),
    )


def _household(household: Household, all_codes: tuple[str, ...], new_password: Callable[[], str]) -> HouseholdPlan:
    request = messages.household_of(household)
    for index, guardian in enumerate(household.guardians):
        if guardian.username:
            request.accounts.add(guardian_index=index, username=guardian.username, password=new_password())
    codes = tuple(all_codes if child.activities is None else tuple(child.activities) for child in household.children)
    return HouseholdPlan(request, codes)
