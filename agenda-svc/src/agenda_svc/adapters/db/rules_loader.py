"""A town's rules, read whole and remembered; readings of reservations tell when they have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from preau_chassis.database import Database, UnitOfWork
from preau_kernel.context import Context
from preau_kernel.errors import UnavailableError

from agenda_svc.domain.activity import Activity, Kind
from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.cutoffs import Counting, Cutoff
from agenda_svc.domain.days import day_number
from agenda_svc.domain.rules import TownRules

# Version first: what changes while the rest is read makes the next reading differ, and the rules are read again.
_TOWN = "SELECT time_zone, hold_minutes, rules_version, school_weekdays FROM town WHERE tenant_id = $1"
ACTIVITIES = """
SELECT a.*, s.site_id FROM activity a LEFT JOIN site s ON s.tenant_id = a.tenant_id AND s.site_key = a.site_key
WHERE a.tenant_id = $1"""
# Invented periods say so wherever they are shown.
_PERIODS = """
SELECT kind, first_day, last_day,
       label || CASE WHEN source_status = 'demo' THEN ' (calendrier de démonstration)' ELSE '' END AS label
FROM calendar_period WHERE tenant_id = $1 ORDER BY first_day"""
_CLOSURES = "SELECT site_key, first_day, last_day, label FROM closure WHERE tenant_id = $1 ORDER BY first_day"


class RulesCache:
    """Every town's rules as this process last read them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, TownRules] = {}

    async def current(self, ctx: Context) -> TownRules:
        return self._known.get(ctx.tenant_id) or await self.reload(ctx)

    async def reload(self, ctx: Context) -> TownRules:
        """``UNAVAILABLE/TOWN_NOT_READY`` while identity's news of the town have not come."""
        async with self._database.unit_of_work(ctx) as uow:
            version = await uow.fetchval("SELECT rules_version FROM town WHERE tenant_id = $1", ctx.tenant_id)
            known = self._known.get(ctx.tenant_id)
            if known is not None and known.version == version:
                return known
            rules = await load_rules(uow)
        self._known[ctx.tenant_id] = rules
        return rules


async def load_rules(uow: UnitOfWork) -> TownRules:
    """The rules of the unit of work's town."""
    tenant_id = uow.context.tenant_id
    town = await uow.fetchrow(_TOWN, tenant_id)
    if town is None:
        raise UnavailableError("TOWN_NOT_READY")
    periods = await uow.fetch(_PERIODS, tenant_id)
    return TownRules(
        version=town["rules_version"],
        zone=ZoneInfo(town["time_zone"]),
        hold_minutes=town["hold_minutes"],
        activities=to_activities(await uow.fetch(ACTIVITIES, tenant_id)),
        calendar=SchoolCalendar(
            holidays=_days(periods, "holiday"),
            public_holidays=_days(periods, "public_holiday"),
            school_weekdays=frozenset(town["school_weekdays"]),
        ),
        closures=[
            Closure(day_number(row["first_day"]), day_number(row["last_day"]), row["label"], row["site_key"] or 0)
            for row in await uow.fetch(_CLOSURES, tenant_id)
        ],
    )


def to_activities(rows: Sequence[Any]) -> list[Activity]:
    """Relations by code become relations by key; ``excludes`` holds both ways."""
    keys: dict[str, int] = {row["code"]: row["activity_key"] for row in rows}
    excludes: dict[int, set[int]] = {key: set() for key in keys.values()}
    for row in rows:
        for other in _resolved(row["excludes"], keys):
            excludes[row["activity_key"]].add(other)
            excludes[other].add(row["activity_key"])
    return [_to_activity(row, keys, tuple(sorted(excludes[row["activity_key"]]))) for row in rows]


def _to_activity(row: Any, keys: Mapping[str, int], excludes: tuple[int, ...]) -> Activity:
    named = [*row["requires"], *row["brings"], *row["excludes"]]
    return Activity(
        id=str(row["activity_id"]),
        key=row["activity_key"],
        code=row["code"],
        name=row["name"],
        kind=Kind(row["kind"]),
        weekdays=frozenset(row["weekdays"]),
        position=row["position"],
        site_key=row["site_key"] or 0,
        site_id=str(row["site_id"] or ""),
        requires=_resolved(row["requires"], keys),
        brings=_resolved(row["brings"], keys),
        excludes=excludes,
        booking_cutoff=_cutoff(row["booking_cutoff"]),
        cancellation_cutoff=_cutoff(row["cancellation_cutoff"]),
        is_open_in_holidays=row["is_open_in_holidays"],
        unknown_relations=tuple(code for code in named if code not in keys),
    )


def _resolved(codes: Sequence[str], keys: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(keys[code] for code in codes if code in keys)


def _cutoff(stored: Sequence[int] | None) -> Cutoff | None:
    if stored is None:
        return None
    days_before, hour, minute, counting = stored
    return Cutoff(days_before, hour, minute, Counting(counting))


def _days(periods: Sequence[Any], kind: str) -> dict[int, str]:
    days: dict[int, str] = {}
    for row in periods:
        if row["kind"] == kind:
            first, last = day_number(row["first_day"]), day_number(row["last_day"])
            for day in range(first, last + 1):
                days.setdefault(day, row["label"])
    return days
