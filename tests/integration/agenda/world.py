"""A town with its activities, calendar, households and sessions, behind the real servicer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
from agenda_svc.adapters.db.expiry_store import PostgresExpiryStore
from agenda_svc.adapters.db.projections import PostgresProjections
from agenda_svc.adapters.db.reservation_store import PostgresReservationStore, TransactionReservationStore
from agenda_svc.adapters.db.rules_loader import RulesCache
from agenda_svc.adapters.db.town_store import PostgresTownStore
from agenda_svc.adapters.public_holidays import FrenchPublicHolidays
from agenda_svc.adapters.reservation_ids import BlockReservationIds
from agenda_svc.application.desk import Desk
from agenda_svc.application.expire_holds import expire_holds
from agenda_svc.application.project import HouseholdNews, TownNews
from agenda_svc.entrypoints.grpc import AgendaServicer, Ports
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.calls import Caller, set_caller
from preau_chassis.database import Database
from preau_chassis.tokens import TokenClaims
from preau_kernel.clock import FixedClock
from preau_kernel.context import GUARDIAN_ROLE, SERVICE_ROLE, Context
from preau_kernel.ids import TenantId, TenantSlug, UuidV7Factory

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
SEPTEMBER = (date(2025, 9, 1), date(2025, 9, 30))
CALENDAR = {
    "calendars": [
        {
            "zone": "Martinique",
            "status": "published",
            "starts": "2025-09-01",
            "ends": "2026-07-04",
            "holidays": [{"name": "Toussaint", "from": "2025-10-18", "until": "2025-11-03"}],
        }
    ]
}
_numbers = itertools.count(1)


def wire_date(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def iso(day: Date) -> str:
    return f"{day.year:04}-{day.month:02}-{day.day:02}"


@dataclass(slots=True)
class Household:
    id: str
    children: list[str]


class World:
    """One town. Every test makes its own, so none sees another's."""

    def __init__(self, database: Database, work_database: Database, now: datetime = NOW) -> None:
        self.number = next(_numbers)
        self.slug = TenantSlug(f"town-{self.number}")
        self.database = database
        self.clock = FixedClock(now)
        self.desk = Desk(
            PostgresReservationStore(database), RulesCache(database), self.clock, BlockReservationIds(database)
        )
        towns = PostgresTownStore(database, UuidV7Factory())
        self.servicer = AgendaServicer(Ports(self.desk, towns, FrenchPublicHolidays()))
        self._expiry = PostgresExpiryStore(database, work_database)
        self.activities: dict[str, str] = {}

    def context(self, household_id: str = "", *roles: str) -> Context:
        granted = frozenset(roles or {GUARDIAN_ROLE})
        return Context(TenantId(self.number), self.slug, "account", granted, household_id)

    @property
    def staff(self) -> Context:
        return self.context("", SERVICE_ROLE)

    async def call(self, ctx: Context, method: str, request: Any) -> Any:
        """As the server calls it."""
        claims = TokenClaims(
            ctx.actor, ctx.tenant_id, ctx.tenant_slug, ctx.household_id, ctx.roles, "", NOW + timedelta(days=9999)
        )
        set_caller(Caller(token="", claims=claims, context=ctx))
        return await getattr(self.servicer, method)(request, None)

    async def found(self, zone: str = "America/Martinique", hold_minutes: int = 60) -> World:
        async with self.database.unit_of_work(self.staff) as uow:
            await PostgresProjections(uow).keep_town(TownNews(self.slug, zone, hold_minutes, 1))
            await uow.commit()
        return self

    async def with_activities(self, *drafts: pb.Activity, capacity: int | None = None) -> World:
        for draft in drafts or casepilote():
            request = pb.UpsertActivityRequest(activity=draft, site_name="École")
            answer = await self.call(self.staff, "UpsertActivity", request)
            self.activities[draft.code] = answer.activity.id
        await self.call(
            self.staff,
            "ImportSchoolCalendar",
            pb.ImportSchoolCalendarRequest(
                calendar_json=json.dumps(CALENDAR), zone="Martinique", public_holiday_subdivision="MQ"
            ),
        )
        for code in self.activities:
            await self.open(code, *SEPTEMBER, capacity=capacity)
        return self

    async def open(self, code: str, first: date, last: date, capacity: int | None = None) -> int:
        request = pb.OpenSessionsRequest(activity_id=self.activities[code], to=wire_date(last), capacity=capacity)
        getattr(request, "from").CopyFrom(wire_date(first))
        count: int = (await self.call(self.staff, "OpenSessions", request)).opened_count
        return count

    async def household(self, children: int = 1, codes: Sequence[str] | None = None) -> Household:
        household = Household(str(uuid4()), [str(uuid4()) for _ in range(children)])
        await self.keep(household, 1)
        request = pb.EnrolChildrenRequest(
            household_id=household.id,
            child_ids=household.children,
            activity_ids=[self.activities[code] for code in (codes if codes is not None else self.activities)],
            to=wire_date(date(2026, 7, 31)),
        )
        getattr(request, "from").CopyFrom(wire_date(date(2025, 8, 1)))
        if request.activity_ids:
            await self.call(self.staff, "EnrolChildren", request)
        return household

    async def keep(self, household: Household, version: int) -> None:
        async with self.database.unit_of_work(self.staff) as uow:
            news = HouseholdNews(household.id, household.children, version)
            await PostgresProjections(uow).keep_household(news)
            await uow.commit()

    def entry(self, household: Household, *codes: str, **fields: Any) -> pb.BulkEntry:
        first, last = fields.pop("period", SEPTEMBER)
        message = pb.BulkEntry(
            child_ids=fields.pop("child_ids", household.children),
            action=fields.pop("action", pb.BULK_ACTION_CREATE),
            to=wire_date(last),
            activity_ids=[self.activities.get(code, code) for code in codes or SCHOOL_DAY],
            periodicity=fields.pop("periodicity", pb.PERIODICITY_NONE),
            **fields,
        )
        getattr(message, "from").CopyFrom(wire_date(first))
        return message

    async def apply(
        self, household: Household, *codes: str, request_id: str = "", **fields: Any
    ) -> pb.ApplyBulkEntryResponse:
        request = pb.ApplyBulkEntryRequest(
            request_id=request_id or str(uuid4()), entry=self.entry(household, *codes, **fields)
        )
        answer: pb.ApplyBulkEntryResponse = await self.call(self.context(household.id), "ApplyBulkEntry", request)
        return answer

    async def as_family(self, household: Household, method: str, request: Any) -> Any:
        return await self.call(self.context(household.id), method, request)

    async def reservations(
        self, household: Household, *statuses: pb.ReservationStatus.ValueType
    ) -> list[pb.Reservation]:
        request = pb.ListReservationsRequest(statuses=statuses)
        return list((await self.as_family(household, "ListReservations", request)).reservations)

    async def expire(self) -> int:
        """This town's turn of the job."""
        return (await self._expiry.expire(self.context("", "system"), self.clock.now(), 200))[1]

    async def expire_everywhere(self) -> int:
        return await expire_holds(self._expiry, self.clock)

    def transaction_store(self, uow: Any) -> TransactionReservationStore:
        return TransactionReservationStore(uow, self.database)

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Straight from the town's tables."""
        async with self.database.unit_of_work(self.staff) as uow:
            return await uow.fetch(sql, *args)

    async def events(self) -> list[tuple[str, bytes]]:
        rows = await self.rows("SELECT type, body FROM outbox ORDER BY id")
        return [(row["type"].rpartition(".")[2], bytes(row["body"])) for row in rows]


SCHOOL_DAY = ("matin", "restauration", "midi", "soir")


def activity(code: str, position: int, kind: int = pb.ACTIVITY_KIND_CHILDCARE, **fields: Any) -> pb.Activity:
    return pb.Activity(
        code=code,
        name=code.title(),
        kind=pb.ActivityKind.ValueType(kind),
        weekdays=fields.pop("weekdays", [1, 2, 4, 5]),
        position=position,
        **fields,
    )


def casepilote() -> list[pb.Activity]:
    return [
        activity("matin", 1),
        activity("restauration", 2, pb.ACTIVITY_KIND_MEAL, requires=["midi"]),
        activity("midi", 3),
        activity("soir", 4),
        activity("mercredi-repas", 5, pb.ACTIVITY_KIND_MEAL, weekdays=[3]),
        activity("mercredi-soir", 6, weekdays=[3]),
        activity("mercredi", 7, weekdays=[3]),
    ]
