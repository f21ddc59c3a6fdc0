"""What the services are asked for a town's file, and for the demo towns, which are files too."""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from google.type.date_pb2 import Date
from identity_svc.domain.passwords import check_password
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau_kernel.errors import ConflictError, InvalidError
from preau_stack.demo_file import demo_file
from preau_stack.demo_towns import CASEPILOTE, TOWNS
from preau_stack.town_loading import TownRefusedError, refusals_at
from preau_stack.town_plan import TownPlan, plan_of, unknown_password
from preau_stack.town_reading import read_towns
from preau_stack.town_rules import problems_of

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "town.toml"
_SMALLEST = """
slug = "petit-val"
name = "Petit-Val"
time_zone = "Europe/Paris"
is_production = false
school_calendar.zone = "Zone A"
till = { code = "PV", name = "Régie" }
[[activities]]
code = "cantine"
name = "Cantine"
kind = "meal"
weekdays = [1, 2]
tariffs = [{ valid_from = 2025-09-01, resident = "3.00", non_resident = "0.05" }]
"""


def _plan(folder: Path, text: str) -> TownPlan:
    file = folder / "val.toml"
    file.write_text(text)
    return read_towns([file])[0].plan


def _example() -> TownPlan:
    return read_towns([EXAMPLE])[0].plan


def test_a_town_may_have_a_school_calendar_of_its_own_beside_its_file(tmp_path: Path) -> None:
    own = {
        "zone": "Zone B",
        "school_year": "2027-2028",
        "status": "published",
        "starts": "2027-09-01",
        "ends": "2028-07-01",
    }
    text = json.dumps({"calendars": [{**own, "holidays": []}]})
    (tmp_path / "calendrier.json").write_text(text)
    named = _SMALLEST.replace('"Zone A"', '"Zone B"\nschool_calendar.file = "calendrier.json"')
    plan = _plan(tmp_path, named)
    assert (plan.calendar.zone, plan.calendar.calendar_json) == ("Zone B", text)
    assert (plan.first, plan.last) == (date(2027, 9, 1), date(2028, 7, 1))
    assert [_day(each.to) for each in plan.activities[0].sessions] == [date(2028, 7, 1)]


def test_the_smallest_file_has_the_defaults_that_the_example_names(tmp_path: Path) -> None:
    plan = _plan(tmp_path, _SMALLEST)
    tenant = plan.tenant.tenant
    assert (tenant.locale, tenant.hold_minutes, tenant.accessibility_state, list(tenant.hosts)) == (
        "fr",
        60,
        "none",
        [],
    )
    activity = plan.activities[0]
    assert not activity.activity.activity.HasField("booking_cutoff")
    assert not activity.sessions[0].HasField("capacity")
    tariff = activity.tariffs[0][1]
    assert (tariff.resident_price.minor_units, tariff.non_resident_price.minor_units) == (300, 5)
    assert tariff.resident_price.currency_code == "EUR"
    assert not tariff.HasField("valid_to")
    assert plan.provider is None
    assert plan.households == ()


def test_the_examples_plan_says_what_the_file_says() -> None:
    plan = _example()
    meal = plan.activities[1].activity
    assert (meal.activity.code, meal.activity.kind, meal.activity.position) == ("cantine", agenda.ACTIVITY_KIND_MEAL, 2)
    assert meal.site_name == "École des Tilleuls"
    assert meal.activity.booking_cutoff == agenda.Cutoff(
        days_before=2, hour=12, minute=0, counting=agenda.CUTOFF_COUNTING_SKIP_WEEKENDS
    )
    assert meal.activity.cancellation_cutoff == agenda.Cutoff(
        days_before=1, hour=9, minute=30, counting=agenda.CUTOFF_COUNTING_SCHOOL_DAYS
    )
    years = [(_day(each.to), each.capacity) for each in plan.activities[4].sessions]
    assert years == [(date(2026, 7, 4), 25), (date(2027, 7, 3), 25)]
    assert (plan.first, plan.last) == (date(2025, 9, 1), date(2027, 7, 3))
    family = plan.households[0]
    assert family.request.household.children[0].born_on == "2017-05-04"
    assert [len(codes) for codes in family.codes] == [7, 3]
    assert [account.guardian_index for account in family.request.accounts] == [0]


def test_an_open_tariff_ends_when_the_next_begins_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    tariffs = """tariffs = [
  { valid_from = 2027-09-01, resident = "5.00", non_resident = "5.00" },
  { valid_from = 2025-09-01, resident = "3.00", non_resident = "3.00" },
  { valid_from = 2026-09-01, valid_to = 2026-12-31, resident = "4.00", non_resident = "4.00" },
]
"""
    text = "".join(line for line in _SMALLEST.splitlines(keepends=True) if not line.startswith("tariffs")) + tariffs
    plan = _plan(tmp_path, text).activities[0]
    assert [(at, _day(each.valid_from), _day(each.valid_to)) for at, each in plan.tariffs] == [
        (1, date(2025, 9, 1), date(2026, 8, 31)),
        (2, date(2026, 9, 1), date(2026, 12, 31)),
        (0, date(2027, 9, 1), None),
    ]


def _day(day: Date) -> date | None:
    return date(day.year, day.month, day.day) if day.year else None


def test_accounts_of_a_file_get_long_passwords_that_nobody_knows_or_sees() -> None:
    passwords = [
        account.password
        for plan in (_example(), _example())
        for each in plan.households
        for account in each.request.accounts
    ]
    assert len(set(passwords)) == 4
    for password in passwords:
        check_password(password, "ines.carpentier")
    assert not any(password in repr(_example()) for password in passwords)
    assert "password" not in repr(_example())
    assert len(unknown_password()) >= 40


def test_demo_towns_are_files_that_are_right_with_their_published_password() -> None:
    for town in TOWNS:
        file = demo_file(town, "http://127.0.0.1:8090")
        plan = plan_of(file, new_password=partial(str, town.password))
        assert problems_of(file, plan) == []
        assert {account.password for each in plan.households for account in each.request.accounts} == {town.password}
    file = demo_file(CASEPILOTE, "http://127.0.0.1:8090")
    assert file.payfip is not None
    assert file.payfip.page_url == "http://127.0.0.1:8090/tpa/paiementws.web"
    prices = {each.code: (each.tariffs[0].resident, each.tariffs[0].non_resident) for each in file.activities}
    assert prices["restauration"] == (160, 240)


def test_a_services_refusal_names_the_place_in_the_file() -> None:
    request = _example().households[0].request
    for error, said in (
        (InvalidError("NAME_INVALID", "household.children[1].first_name", "a name is required"),
         "households.0.children.1.first_name: NAME_INVALID: a name is required"),
        (InvalidError("PASSWORD_TOO_WEAK", "accounts[0].password"), "households.0.guardians.0.password: PASSWORD_TOO_WEAK"),
        (ConflictError(), "households.0: CONFLICT"),
    ):  # fmt: skip
        with pytest.raises(TownRefusedError) as caught, refusals_at("households.0", request):
            raise error
        assert str(caught.value) == said
