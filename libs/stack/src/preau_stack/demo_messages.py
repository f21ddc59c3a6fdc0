"""A demo town in the services' own words."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.common.v1.money_pb2 import Money
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment

from preau_stack.demo_data import DemoActivity, DemoCutoff, DemoTown

_KINDS = {
    "meal": agenda.ACTIVITY_KIND_MEAL,
    "childcare": agenda.ACTIVITY_KIND_CHILDCARE,
    "other": agenda.ACTIVITY_KIND_OTHER,
}
_COUNTING = {
    "all_days": agenda.CUTOFF_COUNTING_ALL_DAYS,
    "skip_weekends": agenda.CUTOFF_COUNTING_SKIP_WEEKENDS,
    "working_days": agenda.CUTOFF_COUNTING_WORKING_DAYS,
    "school_days": agenda.CUTOFF_COUNTING_SCHOOL_DAYS,
}


def tenant_of(town: DemoTown) -> identity.UpsertTenantRequest:
    contact = identity.Contact(
        office_name=town.office, phone=town.phone, email=town.email, hours=town.hours, address=town.address
    )
    return identity.UpsertTenantRequest(
        tenant=identity.Tenant(
            slug=town.slug,
            name=town.name,
            time_zone=town.time_zone,
            locale="fr",
            theme=identity.Theme(primary=town.primary, accent=town.accent),
            contact=contact,
            news=town.news,
            hold_minutes=60,
            is_production=False,
            accessibility_state="none",
            hosts=town.hosts,
        )
    )


def household_of(town: DemoTown) -> identity.ImportHouseholdRequest:
    street, postal_code, city = town.home
    return identity.ImportHouseholdRequest(
        external_ref=town.household_ref,
        household=identity.Household(
            guardians=[
                identity.Guardian(
                    first_name=each.first_name,
                    last_name=each.last_name,
                    email=each.email,
                    phone=each.phone,
                    is_payer=each.is_payer,
                )
                for each in town.guardians
            ],
            children=[
                identity.Child(
                    first_name=each.first_name,
                    last_name=each.last_name,
                    born_on=each.born_on,
                    school=each.school,
                    school_class=each.school_class,
                )
                for each in town.children
            ],
            is_resident=True,
            address=identity.PostalAddress(line1=street, postal_code=postal_code, city=city),
        ),
        accounts=[
            identity.NewAccount(guardian_index=index, username=each.username, password=town.password)
            for index, each in enumerate(town.guardians)
        ],
    )


def activity_of(activity: DemoActivity, position: int) -> agenda.UpsertActivityRequest:
    return agenda.UpsertActivityRequest(
        activity=agenda.Activity(
            code=activity.code,
            name=activity.name,
            kind=_KINDS[activity.kind],
            weekdays=activity.weekdays,
            position=position,
            requires=activity.requires,
            booking_cutoff=_cutoff(activity.cutoff),
            cancellation_cutoff=_cutoff(activity.cutoff),
        ),
        site_name=activity.site,
    )


def _cutoff(cutoff: DemoCutoff | None) -> agenda.Cutoff | None:
    if cutoff is None:
        return None
    return agenda.Cutoff(
        days_before=cutoff.days_before, hour=cutoff.hour, minute=cutoff.minute, counting=_COUNTING[cutoff.counting]
    )


def till_of(town: DemoTown) -> billing.UpsertTillRequest:
    return billing.UpsertTillRequest(
        code=town.till_code,
        name=town.till_name,
        siret="00000000000000",
        vat_mention="TVA non applicable, article 256 B du code général des impôts",
    )


def provider_of(town: DemoTown, simulator: str) -> payment.ConfigureProviderRequest:
    return payment.ConfigureProviderRequest(
        provider="payfip",
        payfip=payment.PayfipSettings(
            client_number=town.payfip_client,
            mode="T",
            service_url=f"{simulator}/tpa/services/securite",
            page_url=f"{simulator}/tpa/paiementws.web",
        ),
    )


def day_of(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def euros(cents: int) -> Money:
    return Money(minor_units=cents, currency_code="EUR")
