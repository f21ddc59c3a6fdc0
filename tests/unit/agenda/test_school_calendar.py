"""Importing a school calendar: the readings that are easy to get wrong by one day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from agenda_svc.adapters.public_holidays import FrenchPublicHolidays
from agenda_svc.application.import_school_calendar import Imported, import_school_calendar
from agenda_svc.application.ports import CalendarPeriod
from preau_kernel.context import GUARDIAN_ROLE, SERVICE_ROLE, Context
from preau_kernel.errors import DomainError, ForbiddenError, InvalidError
from preau_kernel.ids import TenantId, TenantSlug

DOCUMENT = {
    "calendars": [
        {
            "zone": "Martinique",
            "status": "published",
            "starts": "2025-09-01",
            "ends": "2026-07-04",
            "holidays": [
                {"name": "Toussaint", "from": "2025-10-18", "until": "2025-11-03"},
                {"name": "Pont de l'Ascension", "from": "2026-05-13", "until": "2026-05-18"},
            ],
        },
        {
            "zone": "Martinique",
            "status": "demo",
            "starts": "2026-09-01",
            "ends": "2027-07-03",
            "holidays": [{"name": "Toussaint", "from": "2026-10-17", "until": "2026-11-02"}],
        },
        {"zone": "Zone A", "status": "published", "starts": "2025-09-01", "ends": "2026-07-04", "holidays": []},
    ]
}


class Calendars:
    """Keeps what was replaced."""

    periods: Sequence[CalendarPeriod] = ()
    weekdays: frozenset[int] = frozenset()

    async def replace_calendar(
        self, _ctx: Context, _zone: str, periods: Sequence[CalendarPeriod], school_weekdays: frozenset[int]
    ) -> None:
        self.periods, self.weekdays = periods, school_weekdays


def context(role: str = SERVICE_ROLE) -> Context:
    return Context(TenantId(1), TenantSlug("ville"), "service:operator", frozenset({role}))


async def imported(document: Any = DOCUMENT, **fields: Any) -> tuple[Imported, Calendars]:
    store = Calendars()
    ctx = fields.pop("ctx", context())
    result = await import_school_calendar(
        ctx,
        store,  # type: ignore[arg-type]
        FrenchPublicHolidays(),
        document if isinstance(document, str) else json.dumps(document),
        fields.pop("zone", "Martinique"),
        fields.pop("subdivision", "MQ"),
        **fields,
    )
    return result, store


async def test_holidays_start_the_day_after_the_last_class_and_end_the_day_before_the_return() -> None:
    result, store = await imported()

    found = {(p.label, p.first): (p.last, p.source_status) for p in store.periods if p.kind == "holiday"}
    assert found["Toussaint", date(2025, 10, 19)] == (date(2025, 11, 2), "published")
    assert found["Pont de l'Ascension", date(2026, 5, 14)] == (date(2026, 5, 17), "published")
    assert found["Toussaint", date(2026, 10, 18)] == (date(2026, 11, 1), "demo")
    assert result.school_years == 2


async def test_the_summer_between_two_school_years_is_a_holiday() -> None:
    _, store = await imported()

    (summer,) = [p for p in store.periods if p.label == "Vacances d'été"]
    assert (summer.first, summer.last) == (date(2026, 7, 5), date(2026, 8, 31))


async def test_martinique_has_its_own_public_holidays() -> None:
    _, store = await imported()
    _, national = await imported(zone="Zone A", subdivision="")

    days = {p.first for p in store.periods if p.kind == "public_holiday"}
    assert date(2026, 5, 22) in days
    assert date(2025, 11, 11) in days
    assert date(2026, 5, 22) not in {p.first for p in national.periods}


async def test_school_weekdays_are_four_unless_said_otherwise() -> None:
    assert (await imported())[1].weekdays == {1, 2, 4, 5}
    assert (await imported(school_weekdays=[1, 2, 3, 4, 5]))[1].weekdays == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "{}",
        '{"calendars": [{"zone": "Martinique"}]}',
        '{"calendars": [1]}',
        "null",
        json.dumps(DOCUMENT).replace('"Toussaint"', "7"),
        "[" * 100_000,
    ],
)
async def test_a_file_of_another_format_is_refused(document: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        await imported(document)
    assert refusal.value.reason == "INVALID_CALENDAR"


async def test_unknown_zones_and_territories_are_refused() -> None:
    with pytest.raises(DomainError) as zone:
        await imported(zone="Zone Z")
    with pytest.raises(DomainError) as territory:
        await imported(subdivision="ZZ")
    assert (zone.value.reason, territory.value.reason) == ("CALENDAR_ZONE_NOT_FOUND", "UNKNOWN_SUBDIVISION")


async def test_a_family_may_not_change_the_town_s_calendar() -> None:
    with pytest.raises(ForbiddenError):
        await imported(ctx=context(GUARDIAN_ROLE))
