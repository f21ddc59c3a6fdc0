"""The tables of a town's file in the services' own words."""

from __future__ import annotations

from datetime import date, timedelta

from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment

from preau_stack.town_file import Activity, Cutoff, Household, Payfip, SchoolCalendar, Tariff, Till, TownFile

Period = agenda.OpenSessionsRequest | agenda.EnrolChildrenRequest | agenda.CreateClosureRequest


def tenant_of(town: TownFile) -> identity.UpsertTenantRequest:
    fields = town.model_dump(
        include={"slug", "name", "time_zone", "is_production", "locale", "hosts", "news", "hold_minutes"}
    )
    tenant = identity.Tenant(
        **fields,
        accessibility_state=town.accessibility_state,
        theme=identity.Theme(**town.theme.model_dump()),
        contact=identity.Contact(**town.contact.model_dump()),
    )
    return identity.UpsertTenantRequest(tenant=tenant)


def calendar_of(calendar: SchoolCalendar, text: str) -> agenda.ImportSchoolCalendarRequest:
    return agenda.ImportSchoolCalendarRequest(calendar_json=text, **calendar.model_dump(exclude={"file"}))


def till_of(till: Till) -> billing.UpsertTillRequest:
    return billing.UpsertTillRequest(**till.model_dump())


def provider_of(payfip: Payfip) -> payment.ConfigureProviderRequest:
    return payment.ConfigureProviderRequest(provider="payfip", payfip=payment.PayfipSettings(**payfip.model_dump()))


def activity_of(activity: Activity, position: int) -> agenda.UpsertActivityRequest:
    return agenda.UpsertActivityRequest(
        activity=agenda.Activity(
            code=activity.code,
            name=activity.name,
            kind=agenda.ActivityKind.Value(f"ACTIVITY_KIND_{activity.kind.upper()}"),
            weekdays=activity.weekdays,
            position=position,
            requires=activity.requires,
            brings=activity.brings,
            excludes=activity.excludes,
            booking_cutoff=_cutoff(activity.booking_cutoff),
            cancellation_cutoff=_cutoff(activity.cancellation_cutoff),
            is_open_in_holidays=activity.is_open_in_holidays,
        ),
        site_name=activity.site,
    )


def _cutoff(cutoff: Cutoff | None) -> agenda.Cutoff | None:
    if cutoff is None:
        return None
    return agenda.Cutoff(
        days_before=cutoff.days_before,
        hour=cutoff.at.hour,
        minute=cutoff.at.minute,
        counting=agenda.CutoffCounting.Value(f"CUTOFF_COUNTING_{cutoff.counting.upper()}"),
    )


def sessions_of(activity: Activity, first: date, last: date) -> agenda.OpenSessionsRequest:
    """Without the activity's id, which is given when it is made."""
    request = agenda.OpenSessionsRequest(capacity=activity.capacity)
    set_period(request, first, last)
    return request


def tariff_of(tariff: Tariff, following: Tariff | None) -> billing.UpsertTariffRequest:
    """Without the activity's id. The end is said, so that the same file can be applied again beside ``following``."""
    end = tariff.valid_to or (following.valid_from - timedelta(days=1) if following else None)
    return billing.UpsertTariffRequest(
        valid_from=day_of(tariff.valid_from),
        valid_to=day_of(end) if end else None,
        resident_price=euros(tariff.resident),
        non_resident_price=euros(tariff.non_resident),
    )


def household_of(household: Household) -> identity.ImportHouseholdRequest:
    """Without accounts."""
    return identity.ImportHouseholdRequest(
        external_ref=household.external_ref,
        household=identity.Household(
            guardians=[identity.Guardian(**each.model_dump(exclude={"username"})) for each in household.guardians],
            children=[
                identity.Child(
                    **each.model_dump(exclude={"activities", "born_on"}),
                    born_on=each.born_on.isoformat() if each.born_on else "",
                )
                for each in household.children
            ],
            is_resident=household.is_resident,
            address=identity.PostalAddress(**household.address.model_dump()),
        ),
    )


def set_period(request: Period, first: date, last: date) -> None:
    """From ``first`` to ``last``, both included."""
    getattr(request, "from").CopyFrom(day_of(first))  # a word of Python
    request.to.CopyFrom(day_of(last))


def day_of(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def euros(cents: int) -> Money:
    return Money(minor_units=cents, currency_code="EUR")
