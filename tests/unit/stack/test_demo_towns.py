from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files

import pytest
from preau_stack.demo_data import DemoTown
from preau_stack.demo_towns import CASEPILOTE, SAINT_AUBIN, TOWNS
from preau_stack.school_calendar import calendar_json, school_years


def test_case_pilote_lists_the_documents_activities_in_its_order() -> None:
    assert [activity.name for activity in CASEPILOTE.activities] == [
        "Accueil périscolaire matin",
        "Restauration scolaire",
        "Accueil périscolaire midi",
        "Accueil périscolaire soir",
        "Centre de loisirs - Restauration mercredi",
        "Garderie soir du centre de loisirs mercredi",
        "Centre de loisirs du mercredi",
    ]


def test_september_2025_of_one_child_costs_the_documents_54_euros() -> None:
    schooldays = [activity for activity in CASEPILOTE.activities if activity.weekdays == (1, 2, 4, 5)]
    days = [date(2025, 9, 1) + timedelta(days=offset) for offset in range(30)]
    rows = [(day, activity) for day in days for activity in schooldays if day.isoweekday() in activity.weekdays]
    assert len(rows) == 72
    assert sum(activity.resident_cents for _, activity in rows) == 5400


def test_case_pilote_has_neither_cutoff_nor_capacity_and_its_meal_requires_midday_care() -> None:
    assert all(activity.cutoff is None and activity.capacity is None for activity in CASEPILOTE.activities)
    assert {activity.code: activity.requires for activity in CASEPILOTE.activities if activity.requires} == {
        "restauration": ("midi",)
    }


def test_saint_aubin_has_a_centre_of_40_places_and_closes_two_days_before_at_noon() -> None:
    (centre,) = [activity for activity in SAINT_AUBIN.activities if activity.weekdays == (3,)]
    assert centre.capacity == 40
    for activity in SAINT_AUBIN.activities:
        assert activity.cutoff is not None
        cutoff = activity.cutoff
        assert (cutoff.days_before, cutoff.hour, cutoff.minute, cutoff.counting) == (2, 12, 0, "skip_weekends")


def test_the_towns_share_a_user_name_and_nothing_else() -> None:
    assert CASEPILOTE.username == SAINT_AUBIN.username == "parent.demo"
    people = [
        {*(each.first_name for each in town.guardians), *(each.first_name for each in town.children)} for town in TOWNS
    ]
    assert people[0].isdisjoint(people[1])
    assert CASEPILOTE.payfip_client != SAINT_AUBIN.payfip_client
    assert (CASEPILOTE.primary, CASEPILOTE.accent) != (SAINT_AUBIN.primary, SAINT_AUBIN.accent)


@pytest.mark.parametrize("town", TOWNS, ids=lambda town: town.slug)
def test_every_colour_is_readable_on_white(town: DemoTown) -> None:
    assert min(_contrast_on_white(colour) for colour in (town.primary, town.accent)) >= 4.5


@pytest.mark.parametrize("town", TOWNS, ids=lambda town: town.slug)
def test_invented_holidays_are_said_to_be_invented(town: DemoTown) -> None:
    years = {
        entry["school_year"]: entry["status"]
        for entry in json.loads(calendar_json())["calendars"]
        if entry["zone"] == town.calendar_zone
    }
    assert years == {"2025-2026": "published", "2026-2027": "demo"}
    assert "calendrier de démonstration" in town.news
    assert len(school_years(town.calendar_zone)) == 2


@pytest.mark.parametrize("town", TOWNS, ids=lambda town: town.slug)
def test_required_activities_exist_and_need_nothing_themselves(town: DemoTown) -> None:
    by_code = {activity.code: activity for activity in town.activities}
    required = [code for activity in town.activities for code in activity.requires]
    assert all(not by_code[code].requires for code in required)


def test_the_calendar_travels_with_the_package() -> None:
    assert files("preau_stack").joinpath("data/school-calendar.json").is_file()


def _contrast_on_white(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
