"""A town's school calendar: school years, holidays, public holidays. Closures come on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agenda_svc.domain.days import iso_weekday

FOUR_DAY_WEEK = frozenset({1, 2, 4, 5})
"""Monday, Tuesday, Thursday, Friday: what most French towns teach on."""


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """Days are numbers; labels are what the town's pages show ("Toussaint")."""

    holidays: Mapping[int, str] = field(default_factory=dict)
    public_holidays: Mapping[int, str] = field(default_factory=dict)
    school_weekdays: frozenset[int] = FOUR_DAY_WEEK

    def is_school_day(self, day: int) -> bool:
        """Whether there is class. A closure of the town (strike) does not change limits already announced."""
        return iso_weekday(day) in self.school_weekdays and day not in self.holidays and day not in self.public_holidays


@dataclass(frozen=True, slots=True)
class Closure:
    """Days on which a site, or every site (``site_key`` 0), is closed."""

    first: int
    last: int
    label: str
    site_key: int = 0
