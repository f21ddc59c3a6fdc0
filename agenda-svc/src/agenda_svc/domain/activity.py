"""What can be booked, and how activities hang together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from preau_kernel.errors import InvalidError

from agenda_svc.domain.cutoffs import Cutoff

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_MAX_NAME = 120
_SUNDAY = 7


class Kind(IntEnum):
    """The tax credit depends on it; the numbers are those of the wire."""

    MEAL = 1
    CHILDCARE = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class Activity:
    """``key`` is the town's small number for it; relations hold keys of other activities."""

    id: str
    key: int
    code: str
    name: str
    kind: Kind
    weekdays: frozenset[int]
    position: int
    site_key: int = 0
    site_id: str = ""
    requires: tuple[int, ...] = ()
    brings: tuple[int, ...] = ()
    # Both ways, whichever of the two declares it.
    excludes: tuple[int, ...] = ()
    booking_cutoff: Cutoff | None = None
    cancellation_cutoff: Cutoff | None = None
    is_open_in_holidays: bool = False
    # Codes of related activities that do not exist yet.
    unknown_relations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivityDraft:
    """What staff declare; relations by code, so that a file of activities can come in any order."""

    code: str
    name: str
    kind: Kind
    weekdays: frozenset[int]
    position: int
    site_name: str = ""
    requires: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    booking_cutoff: Cutoff | None = None
    cancellation_cutoff: Cutoff | None = None
    is_open_in_holidays: bool = False

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise InvalidError("INVALID_ACTIVITY_CODE", "code", "letters a to z, digits, dots and dashes")
        if not 0 < len(self.name.strip()) <= _MAX_NAME:
            raise InvalidError("INVALID_ACTIVITY_NAME", "name")
        check_weekdays(self.weekdays)
        if not self.weekdays:
            raise InvalidError("NO_WEEKDAY", "weekdays")
        if self.code in {*self.requires, *self.brings, *self.excludes}:
            raise InvalidError("ACTIVITY_RELATED_TO_ITSELF", "requires")


def check_weekdays(weekdays: frozenset[int]) -> frozenset[int]:
    """ISO weekdays, or ``INVALID/INVALID_WEEKDAY``."""
    if any(not 1 <= weekday <= _SUNDAY for weekday in weekdays):
        raise InvalidError("INVALID_WEEKDAY", "weekdays", "weekdays go from 1 (Monday) to 7")
    return weekdays
