"""Invented holidays are never shown as official ones."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from preau.agenda.v1 import agenda_service_pb2 as pb

from tests.integration.agenda.world import CALENDAR, World, iso, wire_date

AUTUMN = {"name": "Toussaint", "from": "2026-10-17", "until": "2026-11-02"}


@pytest.mark.parametrize(
    ("status", "label"), [("demo", "Toussaint (calendrier de démonstration)"), ("published", "Toussaint")]
)
async def test_a_closed_day_of_an_invented_calendar_says_so(world: World, status: str, label: str) -> None:
    household = await world.household()
    year = {"zone": "Martinique", "status": status, "starts": "2026-09-01", "ends": "2027-07-03", "holidays": [AUTUMN]}
    calendars: dict[str, Any] = {"calendars": [*CALENDAR["calendars"], year]}
    request = pb.ImportSchoolCalendarRequest(
        calendar_json=json.dumps(calendars), zone="Martinique", public_holiday_subdivision="MQ"
    )
    await world.call(world.staff, "ImportSchoolCalendar", request)

    view = await world.as_family(household, "GetMonthView", pb.GetMonthViewRequest(year=2026, month=10))
    offer = await world.as_family(
        household,
        "GetDayOffer",
        pb.GetDayOfferRequest(child_id=household.children[0], day=wire_date(date(2026, 10, 20))),
    )

    assert {iso(day.day): day.closure_label for day in view.days}["2026-10-20"] == label
    assert {item.refusal.label for item in offer.offers if item.refusal.reason == "SITE_CLOSED"} == {label}
