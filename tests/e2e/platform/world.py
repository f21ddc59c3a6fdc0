"""What journeys on the whole platform stand on: towns and families of their own, an operator, a look at the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from typing import Any
from uuid import uuid4

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment
from preau_stack.demo import load_town
from preau_stack.demo_data import DemoActivity, DemoCutoff, DemoGuardian, DemoTown
from preau_stack.demo_towns import CASEPILOTE, SAINT_AUBIN
from preau_stack.running import RunningPlatform
from preau_stack.school_calendar import school_years
from preau_stack.services import open_services, patient
from preau_stack.town_messages import set_period

from tests.e2e.platform.books import Books
from tests.e2e.platform.parent import Parent
from tests.e2e.platform.payfip import Payfip

PASSWORD = "Trois-Petits-Chats-2025"
_DAYS = (1, 2, 4, 5)
_families = count(1)

PETIT_VAL = replace(
    SAINT_AUBIN,
    slug="petit-val",
    name="Petit-Val",
    till_code="PV",
    payfip_client="100003",
    household_ref="petit-val-0",
    guardians=(DemoGuardian("Odile", "Petitval", "odile@petit-val.example", "", "odile.petitval", is_payer=True),),
    activities=(
        DemoActivity("cantine", "Cantine", "meal", _DAYS, "École", 300, 400),
        DemoActivity("atelier", "Atelier d'une place", "other", _DAYS, "École", 500, 700, capacity=1),
        DemoActivity("centre", "Centre de quarante places", "childcare", (3,), "Moulin", 800, 900, capacity=40),
        # Closed for the first days of September at half past nine in Martinique, where the platform's clock starts at nine.
        DemoActivity("tardif", "Accueil du soir", "childcare", _DAYS, "École", 200, 250,
                     cutoff=DemoCutoff(days_before=12, hour=15, minute=30, counting="all_days")),
        DemoActivity("clos", "Étude", "childcare", _DAYS, "École", 100, 150,
                     cutoff=DemoCutoff(days_before=14, hour=12, minute=0, counting="all_days")),
    ),
)  # fmt: skip
"""A town of these tests, with what the demo towns lack: one place, forty places, cut-offs about the platform's own hour."""

_TOWNS = {town.slug: town for town in (CASEPILOTE, SAINT_AUBIN, PETIT_VAL)}


@dataclass(frozen=True, slots=True)
class Family:
    """A household that no other test knows."""

    slug: str
    id: str
    children: tuple[str, ...]
    accounts: tuple[str, ...]
    """User names, one a guardian; the first pays."""


class World:
    """The platform, its operator and its outsiders."""

    def __init__(self, platform: RunningPlatform) -> None:
        self.platform = platform
        self.books = Books(platform)
        self.payfip = Payfip(platform)
        self._secrets = platform.folder.secrets()
        self.services, self._channels = open_services(platform.ports, self._secrets["service_operator"])
        self._activities: dict[str, dict[str, str]] = {}

    async def close(self) -> None:
        await self.payfip.close()
        await self.books.close()
        for channel in self._channels:
            await channel.close()

    async def open_town(self, town: DemoTown = PETIT_VAL) -> None:
        await load_town(self.services, town, self.platform.simulator_url)

    async def operator(self, slug: str) -> str:
        return await self.services.operator_token(slug)

    async def activities(self, slug: str) -> dict[str, str]:
        """The ids of a town's activities by code."""
        if slug not in self._activities:
            token = await self.operator(slug)
            answer = await patient(self.services.agenda.ListActivities, agenda.ListActivitiesRequest(), token)
            self._activities[slug] = {each.code: each.id for each in answer.activities}
        return self._activities[slug]

    async def family(
        self, slug: str = "casepilote", *, children: int = 1, guardians: int = 1, last_name: str = "Essai",
        is_enrolled: bool = True,
    ) -> Family:  # fmt: skip
        """A new household, its accounts, its children enrolled everywhere."""
        mark = f"e2e-{next(_families)}-{uuid4().hex[:8]}"
        people = [
            DemoGuardian(f"Adulte{rank}", last_name, f"{mark}.{rank}@essai.example", "", "")
            for rank in range(guardians)
        ]
        request = identity.ImportHouseholdRequest(
            external_ref=mark,
            household=identity.Household(
                guardians=[
                    identity.Guardian(first_name=each.first_name, last_name=last_name, email=each.email, is_payer=rank == 0)
                    for rank, each in enumerate(people)
                ],
                children=[
                    identity.Child(first_name=f"Enfant{rank}", last_name=last_name, born_on="2017-05-04")
                    for rank in range(children)
                ],
                is_resident=True,
                address=identity.PostalAddress(line1="1 rue des Essais", postal_code="00000", city="Essai"),
            ),
            accounts=[
                identity.NewAccount(guardian_index=rank, username=f"{mark}.{rank}", password=PASSWORD)
                for rank in range(guardians)
            ],
        )  # fmt: skip
        token = await self.operator(slug)
        made = (await patient(self.services.identity.ImportHousehold, request, token)).household
        family = Family(
            slug, made.id, tuple(child.id for child in made.children), tuple(each.username for each in request.accounts)
        )
        if is_enrolled:
            await self.enrol(family, token)
        return family

    async def enrol(self, family: Family, token: str) -> None:
        years = school_years(_TOWNS[family.slug].calendar_zone)
        request = agenda.EnrolChildrenRequest(
            household_id=family.id,
            child_ids=family.children,
            activity_ids=list((await self.activities(family.slug)).values()),
        )
        set_period(request, years[0][0], years[-1][1])
        await patient(self.services.agenda.EnrolChildren, request, token)

    @asynccontextmanager
    async def parent(self, family: Family, guardian: int = 0) -> AsyncIterator[Parent]:
        """A guardian, signed in."""
        async with self.visitor(family.slug) as visitor:
            visitor.children = family.children
            visitor.activities = await self.activities(family.slug)
            await visitor.sign_in(family.accounts[guardian], PASSWORD)
            yield visitor

    @asynccontextmanager
    async def visitor(self, slug: str) -> AsyncIterator[Parent]:
        visitor = Parent(self.platform, slug)
        try:
            yield visitor
        finally:
            await visitor.client.aclose()

    async def close_site(self, slug: str, day: date, label: str) -> None:
        """The town closes everything on one day."""
        request = agenda.CreateClosureRequest(label=label)
        set_period(request, day, day)
        await patient(self.services.agenda.CreateClosure, request, await self.operator(slug))

    async def alerts(self, family: Family) -> list[tuple[str, int]]:
        """Reason and cents of the family's cases for a clerk."""
        token = await self.operator(family.slug)
        answer = await patient(self.services.billing.ListAlerts, billing.ListAlertsRequest(), token)
        return [(each.reason, each.amount.minor_units) for each in answer.alerts if each.household_id == family.id]

    async def ledger_difference(self, slug: str) -> int:
        """Debits minus credits, as the service says."""
        token = await self.operator(slug)
        answer = await patient(self.services.billing.CheckLedger, billing.CheckLedgerRequest(), token)
        return int(answer.debits.minor_units - answer.credits.minor_units)

    async def poll(self, slug: str) -> int:
        """What `preau poll` does for one town: how many attempts settled."""
        token = await self.operator(slug)
        answer = await patient(self.services.payment.PollPayments, payment.PollPaymentsRequest(), token)
        return int(answer.settled_count)

    async def access_token(self, family: Family, guardian: int = 0) -> str:
        """The internal token the gateway would have: for what only pages offer, not the JSON API."""
        request = identity.SignInRequest(
            username=family.accounts[guardian], password=PASSWORD, client_address="127.0.0.1", user_agent="e2e"
        )
        asked = identity.IssueServiceTokenRequest(
            service="gateway", secret=self._secrets["service_gateway"], tenant_slug=family.slug
        )
        gateway = await patient(self.services.identity.IssueServiceToken, asked, "")
        answer = await patient(self.services.identity.SignIn, request, gateway.access_token)
        return str(answer.access_token)

    async def receipt(self, family: Family, invoice_id: str) -> bytes:
        """The receipt as PDF."""
        request = billing.GetReceiptPdfRequest(invoice_id=invoice_id)
        answer = await patient(self.services.billing.GetReceiptPdf, request, await self.access_token(family))
        return bytes(answer.pdf)

    async def restore(self, family: Family) -> tuple[int, int]:
        """« Les reprendre »: how many lapsed places were taken again, how many are lost."""
        request = agenda.RestoreExpiredHoldsRequest(request_id=str(uuid4()))
        answer = await patient(self.services.agenda.RestoreExpiredHolds, request, await self.access_token(family))
        return answer.restored_count, answer.lost_count

    def bugs(self) -> list[str]:
        """What any process logged as its own fault: an exception that is not a refusal."""
        lines = [line for text in self.platform.logs().values() for line in text.splitlines()]
        return [line for line in lines if '"exception"' in line or '"code": "INTERNAL"' in line or "Traceback" in line]

    async def audit(self, *slugs: str) -> None:
        """The books of the whole platform are right, whatever happened."""
        await eventually(self.books.is_quiet, seconds=30)
        await self.books.check()
        for slug in slugs:
            assert await self.ledger_difference(slug) == 0


async def eventually(holds: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> Any:
    """The first true answer of ``holds``; ``AssertionError`` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await holds()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still not: {holds}"
        await asyncio.sleep(0.1)
