"""Makes a town of its plan, or brings it up to date, through the services' own RPCs. The same plan twice changes nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.identity.v1 import identity_service_pb2 as identity
from preau_kernel.errors import DomainError

from preau_stack.services import Services, patient
from preau_stack.town_messages import set_period
from preau_stack.town_plan import ActivityPlan, HouseholdPlan, TownPlan

# How the file calls what a service calls otherwise.
_NAMES = {
    "resident_price": "resident",
    "non_resident_price": "non_resident",
    "site_name": "site",
    "calendar_json": "file",
}
_NESTED = ("household.", "payfip.")
# Refusals that name no field.
_PLACES = {"HOST_TAKEN": "hosts", "USERNAME_TAKEN": "accounts[{index}].username"}
_PLACE_FACTS = {"field", "index"}


class TownRefusedError(Exception):
    """A service refuses something of a town; ``place`` is where it stands in the file, "tariffs.0.resident"."""

    def __init__(self, place: str, error: DomainError) -> None:
        facts = ", ".join(
            f"{name} {value}" for name, value in sorted(error.metadata.items()) if name not in _PLACE_FACTS
        )
        words = error.message if error.message != error.reason else ""
        said = ": ".join(filter(None, (error.reason, words))) + (f" ({facts})" if facts else "")
        super().__init__(": ".join(filter(None, (place, said))))


@contextmanager
def refusals_at(place: str, request: identity.ImportHouseholdRequest | None = None) -> Iterator[None]:
    """Turn a ``DomainError`` into ``TownRefusedError`` with the place of what was refused, as exactly as is known."""
    try:
        yield
    except DomainError as error:
        field = error.metadata.get("field") or _PLACES.get(error.reason, "").format_map(error.metadata)
        named = _in_file(field, request)
        raise TownRefusedError(".".join(filter(None, (place, named))), error) from None


def _in_file(field: str, request: identity.ImportHouseholdRequest | None) -> str:
    if request is not None:
        for index, account in enumerate(request.accounts):
            field = field.replace(f"accounts[{index}]", f"guardians[{account.guardian_index}]")
    for prefix in _NESTED:
        field = field.removeprefix(prefix)
    return _NAMES.get(field, re.sub(r"\[(\d+)\]", r".\1", field))


@dataclass(frozen=True, slots=True)
class LoadedTown:
    """The town as it is now; ``differing`` are the ranks of households that were there and are not as the plan says."""

    tenant: identity.Tenant
    differing: tuple[int, ...]


async def load_plan(services: Services, plan: TownPlan) -> LoadedTown:
    """One thing after the other. What came before a ``TownRefusedError`` stays."""
    with refusals_at(""):
        tenant = (await patient(services.identity.UpsertTenant, plan.tenant, await services.operator_token())).tenant
        token = await services.operator_token(tenant.slug)
    with refusals_at("school_calendar"):
        await patient(services.agenda.ImportSchoolCalendar, plan.calendar, token)
    ids = await _load_activities(services, plan.activities, token)
    with refusals_at("till"):
        await patient(services.billing.UpsertTill, plan.till, token)
    if plan.provider is not None:
        with refusals_at("payfip"):
            await patient(services.payment.ConfigureProvider, plan.provider, token)
    differing = []
    for at, household in enumerate(plan.households):
        with refusals_at(f"households.{at}", household.request):
            token = await services.operator_token(tenant.slug)  # a town's families may take longer than one lives
            if not await _load_household(services, household, plan, ids, token):
                differing.append(at)
    return LoadedTown(tenant, tuple(differing))


async def _load_activities(services: Services, plans: tuple[ActivityPlan, ...], token: str) -> dict[str, str]:
    """The ids by code. Sessions open once every activity is there that another one names."""
    ids: dict[str, str] = {}
    for at, plan in enumerate(plans):
        with refusals_at(f"activities.{at}"):
            answer = await patient(services.agenda.UpsertActivity, plan.activity, token)
        ids[plan.activity.activity.code] = answer.activity.id
    for at, plan in enumerate(plans):
        activity_id = ids[plan.activity.activity.code]
        with refusals_at(f"activities.{at}"):
            for sessions in plan.sessions:
                await patient(services.agenda.OpenSessions, _of_activity(sessions, activity_id), token)
        for rank, tariff in plan.tariffs:
            with refusals_at(f"activities.{at}.tariffs.{rank}"):
                await patient(services.billing.UpsertTariff, _of_activity(tariff, activity_id), token)
    return ids


def _of_activity(request: Any, activity_id: str) -> Any:
    whole = type(request)(activity_id=activity_id)
    whole.MergeFrom(request)
    return whole


async def _load_household(
    services: Services, plan: HouseholdPlan, town: TownPlan, ids: dict[str, str], token: str
) -> bool:
    """Whether the household is as the plan says: one that was there stays as it is."""
    people = (await patient(services.identity.ImportHousehold, plan.request, token)).household
    known = {_facts(child): child.id for child in people.children}
    enrolled: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for child, codes in zip(plan.request.household.children, plan.codes, strict=True):
        if _facts(child) in known and codes:
            enrolled[codes].append(known[_facts(child)])
    for codes, children in enrolled.items():
        request = agenda.EnrolChildrenRequest(
            household_id=people.id,
            child_ids=children,
            activity_ids=[ids[code] for code in codes],
        )
        set_period(request, town.first, town.last)
        await patient(services.agenda.EnrolChildren, request, token)
    return _without_ids(people) == _without_ids(plan.request.household)


def _facts(child: identity.Child) -> tuple[str, str, str]:
    return child.first_name, child.last_name, child.born_on


def _without_ids(household: identity.Household) -> identity.Household:
    plain = identity.Household()
    plain.CopyFrom(household)
    for each in (plain, *plain.guardians, *plain.children):
        each.ClearField("id")
    return plain
