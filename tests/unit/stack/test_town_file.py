"""A town's file: what it may say, and how a mistake is told."""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest
from preau_stack.town_file import Table, TownFile
from preau_stack.town_reading import TownFileError, read_towns

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "town.toml"


def _written(folder: Path, text: str, name: str = "val.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def _problems(folder: Path, old: str, new: str) -> list[str]:
    """The lines about the example with ``old`` replaced once by ``new``, without the file's name."""
    text = EXAMPLE.read_text()
    assert old in text, old
    file = _written(folder, text.replace(old, new, 1))
    with pytest.raises(TownFileError) as caught:
        read_towns([file])
    assert all(line.startswith(f"{file}: ") for line in caught.value.problems)
    return [line.removeprefix(f"{file}: ") for line in caught.value.problems]


def _tables(kind: Any) -> list[type[Table]]:
    """The tables in a field's type."""
    if isinstance(kind, type) and issubclass(kind, Table):
        return [kind]
    return [table for each in typing.get_args(kind) for table in _tables(each)]


def _unused(table: type[Table], written: list[dict[str, Any]], place: str = "town") -> list[str]:
    """Fields that no table of the example has, nor shows in a comment (``# file = ...``)."""
    shown = re.findall(r"^# (\w+) = ", EXAMPLE.read_text(), re.MULTILINE)
    unused = []
    for name, field in table.model_fields.items():
        values = [each[name] for each in written if name in each]
        if not values and name not in shown:
            unused.append(f"{place}.{name}")
        for inner in _tables(field.annotation):
            rows = [row for value in values for row in (value if isinstance(value, list) else [value])]
            unused += _unused(inner, rows, f"{place}.{name}")
    return unused


def test_the_example_is_right_and_uses_every_field_there_is() -> None:
    assert read_towns([EXAMPLE])
    assert _unused(TownFile, [tomllib.loads(EXAMPLE.read_text())]) == []


def test_a_field_that_the_example_lacks_is_found() -> None:
    written = tomllib.loads(EXAMPLE.read_text())
    for activity in written["activities"]:
        activity.pop("brings", None)
    assert _unused(TownFile, [written]) == ["town.activities.brings"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"1.10"', "1.10", 'activities.0.tariffs.0.resident: not an amount like "1.60"'),
        ('"1.10"', '"1,10"', 'activities.0.tariffs.0.resident: not an amount like "1.60"'),
        ('"1.10"', '"1.1"', 'activities.0.tariffs.0.resident: not an amount like "1.60"'),
        ('"1.10"', '"-1.10"', 'activities.0.tariffs.0.resident: not an amount like "1.60"'),
        ('"1.10"', '"١.10"', 'activities.0.tariffs.0.resident: not an amount like "1.60"'),
        ('"1.10"', '"100000.00"', "activities.0.tariffs.0.resident: TARIFF_INVALID"),
        ("2025-09-01", '"2025-09-01"', "activities.0.tariffs.0.valid_from: Input should be a valid date"),
        ("2025-09-01", "2025-09-01T00:00:00", "activities.0.tariffs.0.valid_from: Input should be a valid date"),
        ("2027-08-31", "2026-08-31", "activities.1.tariffs.1.valid_to: TARIFF_INVALID"),
        ("valid_from = 2026-09-01", "valid_from = 2025-09-01",
         "activities.1.tariffs.1.valid_from: another tariff begins on this day"),
        ('valid_from = 2025-09-01\nresident = "3.45"', 'valid_from = 2025-09-01\nvalid_to = 2026-09-01\nresident = "3.45"',
         "activities.1.tariffs.1: TARIFF_OVERLAP (valid_from 2025-09-01)"),
        ('at = "12:00"', 'at = "24:00"', 'activities.1.booking_cutoff.at: not a time like "12:00"'),
        ("days_before = 2", "days_before = 61",
         "activities.1.booking_cutoff.days_before: Input should be less than or equal to 60"),
        ('kind = "meal"', 'kind = "lunch"', "activities.1.kind: Input should be 'meal', 'childcare' or 'other'"),
        ("capacity = 25", 'capacity = "25"', "activities.4.capacity: Input should be a valid integer"),
        ("weekdays = [3]", "weekdays = [0]", "activities.5.weekdays.0: Input should be greater than or equal to 1"),
        ("weekdays = [3]", "weekdays = []", "activities.5.weekdays: NO_WEEKDAY"),
        ('requires = ["midi"]', 'requires = ["mide"]', "activities.1.requires.0: no activity of this file has the code 'mide'"),
        ('requires = ["midi"]', 'requires = ["cantine"]', "activities.1.requires: ACTIVITY_RELATED_TO_ITSELF"),
        ('code = "soir"', 'code = "midi"', "activities.3.code: the same as of one before"),
        ("is_open_in_holidays", "is_open", "activities.6.is_open: is no field of this table"),
        ('slug = "val-des-tilleuls"', "", "slug: is missing"),
        ('slug = "val-des-tilleuls"', 'slug = "Val"', "slug: SLUG_INVALID: 2 to 40 of a-z, 0-9 and dash"),
        ('"cantine.val-des-tilleuls.example"', '"une ville"', "hosts.0: HOST_INVALID: not a host name of this town"),
        ('"Europe/Paris"', '"Europe/Lutece"', "time_zone: TIME_ZONE_UNKNOWN: not an IANA time zone"),
        ('"#1f5f3f"', '"#aaaaaa"', "theme.primary: CONTRAST_TOO_LOW: not readable on white (minimum 4.5, ratio 2.32)"),
        ('"scolaire@val-des-tilleuls.example"', '"scolaire"', "contact.email: EMAIL_INVALID: not an e-mail address"),
        ("hold_minutes = 45", "hold_minutes = 0", "hold_minutes: Input should be greater than or equal to 1"),
        ("hold_minutes = 45", "hold_minutes = 99999",
         "hold_minutes: Input should be less than or equal to 10080"),
        ('"Zone A"', '"Zone Z"',
         "school_calendar: 'Zone Z' is no zone of the calendar, which has Martinique, Zone A"),
        ('subdivision = ""', 'subdivision = "XX"', "school_calendar.public_holiday_subdivision: UNKNOWN_SUBDIVISION"),
        ('"21389999900013"', '"2138"', "till.siret: TILL_INVALID"),
        ('"100042"', '"42"', "payfip.client_number: CLIENT_NUMBER_INVALID"),
        ('mode = "T"', 'mode = "P"', "payfip.mode: Input should be 'T', 'X' or 'W'"),
        ("is_payer = true, ", "", "households.0.guardians: PAYER_REQUIRED: exactly one guardian is billed"),
        ('email = "yann@famille-lebihan.example", ', "",
         "households.1.guardians.0.email: an account needs an address, where the letter for its password goes"),
        ('username = "yann.lebihan"', 'username = "y l"',
         "households.1.guardians.0.username: USERNAME_INVALID: 3 to 64 characters without blanks"),
        ('first_name = "Sacha"', 'first_name = " "', "households.0.children.1.first_name: NAME_INVALID: a name is required"),
        ('"midi", "cantine"]', '"midi", "gouter"]',
         "households.0.children.1.activities.2: no activity of this file has the code 'gouter'"),
        ('"val-des-tilleuls-2"', '"val-des-tilleuls-1"', "households.1.external_ref: the same as of one before"),
        ("is_resident = false\n", "", "households.1.is_resident: is missing"),
        ("[theme] ", "[theme ", "Expected ']' at the end of a table declaration (at line 25, column 37)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert _problems(tmp_path, old, new) == [line]


def test_two_accounts_of_a_file_have_two_names_whatever_their_case(tmp_path: Path) -> None:
    same = "another guardian of this file has it too"
    assert _problems(tmp_path, '"yann.lebihan"', '"Ines.Carpentier"') == [
        f"households.0.guardians.0.username: {same}",
        f"households.1.guardians.0.username: {same}",
    ]


def test_every_mistake_of_every_file_is_told_and_none_shows_what_a_family_is_called(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace('"Carpentier"', '["Carpentier"]').replace('"1.10"', '"1"')
    files = [_written(tmp_path, text), tmp_path / "none.toml", _written(tmp_path, "", "empty.toml")]
    (tmp_path / "latin.toml").write_bytes("name = 'Étang'".encode("latin-1"))
    with pytest.raises(TownFileError) as caught:
        read_towns([*files, tmp_path / "latin.toml"])
    lines = caught.value.problems
    assert [line.split(":")[0].rpartition("/")[2] for line in lines] == (
        ["val.toml"] * 5 + ["none.toml"] + ["empty.toml"] * 7 + ["latin.toml"]
    )
    assert f"{files[1]}: No such file or directory" in lines
    assert lines[-1].endswith(": not a text in UTF-8")
    assert "Carpentier" not in str(caught.value)


def test_two_files_may_not_have_the_same_town_or_host(tmp_path: Path) -> None:
    first = _written(tmp_path, EXAMPLE.read_text(), "first.toml")
    other = _written(tmp_path, EXAMPLE.read_text().replace('slug = "val-des-tilleuls"', 'slug = "autre"'), "other.toml")
    other.write_text(other.read_text().replace('  "val-des-tilleuls.localhost",\n', ""))
    with pytest.raises(TownFileError) as caught:
        read_towns([first, other])
    assert caught.value.problems == (f"{other}: hosts.0: 'cantine.val-des-tilleuls.example' is already in {first}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file or directory"),
        ("{}", "not in the format of a school calendar"),
        ('{"calendars": [{"zone": "Zone B", "starts": "soon", "ends": "2028-07-01"}]}', "not in the format of a school calendar"),
        ('{"calendars": [{"zone": "Zone C", "starts": "2027-09-01", "ends": "2028-07-01"}]}',
         "'Zone A' is no zone of the calendar, which has Zone C"),
    ],
)  # fmt: skip
def test_a_school_calendar_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        _written(tmp_path, text, "calendrier.json")
    assert _problems(tmp_path, '# file = "calendrier.json" ', 'file = "calendrier.json" ') == [
        f"school_calendar: {said}"
    ]
