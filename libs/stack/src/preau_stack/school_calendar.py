"""School calendars: the one that comes with the package, or a town's own in the same format."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib.resources import files


@cache
def calendar_json() -> str:
    """The package's school calendar, as `ImportSchoolCalendar` takes it."""
    return files("preau_stack").joinpath("data/school-calendar.json").read_text(encoding="utf-8")


def school_years(zone: str, text: str = "") -> list[tuple[date, date]]:
    """First and last day of every school year of a zone in the calendar ``text`` (the package's when empty), oldest first.

    ``ValueError`` when ``text`` is no school calendar or does not have the zone.
    """
    try:
        entries = [
            (entry["zone"], date.fromisoformat(entry["starts"]), date.fromisoformat(entry["ends"]))
            for entry in json.loads(text or calendar_json())["calendars"]
        ]
    except (ValueError, KeyError, TypeError):
        raise ValueError("not in the format of a school calendar") from None
    years = sorted((starts, ends) for each, starts, ends in entries if each == zone)
    if not years:
        zones = ", ".join(sorted({each for each, _, _ in entries}))
        raise ValueError(f"{zone!r} is no zone of the calendar, which has {zones}")
    return years
