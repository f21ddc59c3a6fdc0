"""What the services would refuse of a town's file, found by their own rules before any of them is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from agenda_svc.adapters.public_holidays import FrenchPublicHolidays
from agenda_svc.entrypoints.wire import activity_draft
from billing_svc.domain.numbering import check_till
from billing_svc.domain.tariffs import Tariff, plan_tariff
from identity_svc.domain.people import check_household, check_username, is_email, username_key
from identity_svc.domain.tenants import check_tenant
from identity_svc.entrypoints.messages import import_from_wire, tenant_from_wire
from payment_gateway_svc.adapters.psp.payfip_rules import Account
from payment_gateway_svc.entrypoints.messages import settings_of
from preau.identity.v1 import identity_service_pb2 as identity

from preau_stack.town_file import Activity, Household, TownFile
from preau_stack.town_loading import TownRefusedError, refusals_at
from preau_stack.town_plan import HouseholdPlan, TownPlan


def problems_of(town: TownFile, plan: TownPlan) -> list[str]:
    """A line for each problem, with its place in the file."""
    return [*_refusals(town, plan), *_loose_ends(town)]


def _refusals(town: TownFile, plan: TownPlan) -> Iterator[str]:
    yield from _tried("", lambda: check_tenant(tenant_from_wire(plan.tenant.tenant)))
    subdivision = town.school_calendar.public_holiday_subdivision
    yield from _tried("school_calendar", lambda: FrenchPublicHolidays().between(plan.first, plan.first, subdivision))
    yield from _tried("till", lambda: check_till(town.till.code, town.till.siret))
    if plan.provider is not None:
        yield from _tried("payfip", partial(Account.of, settings_of(plan.provider)))
    for at, each in enumerate(plan.activities):
        request = each.activity
        yield from _tried(f"activities.{at}", partial(activity_draft, request.activity, request.site_name))
        yield from _tariff_refusals(f"activities.{at}", town.activities[at])
    for at, household in enumerate(plan.households):
        yield from _tried(f"households.{at}", partial(_check_household, household), household.request)


def _tried(
    place: str, check: Callable[[], object], request: identity.ImportHouseholdRequest | None = None
) -> Iterator[str]:
    try:
        with refusals_at(place, request):
            check()
    except TownRefusedError as refused:
        yield str(refused)


def _tariff_refusals(place: str, activity: Activity) -> Iterator[str]:
    known: list[Tariff] = []
    for at, each in sorted(enumerate(activity.tariffs), key=lambda pair: pair[1].valid_from):
        tariff = Tariff(str(at), each.valid_from, each.valid_to, each.resident, each.non_resident)
        if any(other.valid_from == tariff.valid_from for other in known):
            yield f"{place}.tariffs.{at}.valid_from: another tariff begins on this day"
            continue
        # An open end is the day before the next one begins, so only ends that are written can overlap.
        before = [other for other in known if other.valid_to is not None]
        yield from _tried(f"{place}.tariffs.{at}", partial(plan_tariff, before, tariff))
        known.append(tariff)


def _check_household(plan: HouseholdPlan) -> None:
    command = import_from_wire(plan.request)
    check_household(command.household)
    for index, account in enumerate(command.accounts):
        check_username(account.username, f"accounts[{index}].username")


def _loose_ends(town: TownFile) -> Iterator[str]:
    """What names something that is not there, or is there twice."""
    codes = {activity.code for activity in town.activities}
    yield from _repeated("activities", "code", (activity.code for activity in town.activities))
    for at, activity in enumerate(town.activities):
        for field in ("requires", "brings", "excludes"):
            yield from _unknown(f"activities.{at}.{field}", getattr(activity, field), codes)
    yield from _repeated("households", "external_ref", (each.external_ref for each in town.households))
    names = [username_key(who.username) for each in town.households for who in each.guardians if who.username]
    taken = {name for name, count in Counter(names).items() if count > 1}
    for at, household in enumerate(town.households):
        yield from _household_ends(f"households.{at}", household, codes, taken)


def _household_ends(place: str, household: Household, codes: set[str], taken: set[str]) -> Iterator[str]:
    for at, who in enumerate(household.guardians):
        if who.username and not is_email(who.email):
            yield f"{place}.guardians.{at}.email: an account needs an address, where the letter for its password goes"
        if who.username and username_key(who.username) in taken:
            yield f"{place}.guardians.{at}.username: another guardian of this file has it too"
    for at, child in enumerate(household.children):
        yield from _unknown(f"{place}.children.{at}.activities", child.activities or [], codes)


def _repeated(place: str, field: str, values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for at, value in enumerate(values):
        if value in seen:
            yield f"{place}.{at}.{field}: the same as of one before"
        seen.add(value)


def _unknown(place: str, named: list[str], codes: set[str]) -> Iterator[str]:
    for at, code in enumerate(named):
        if code not in codes:
            yield f"{place}.{at}: no activity of this file has the code {code!r}"
