"""What a bulk entry asks for, and how it reads the offer; shared by its preview and its application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum

from preau_kernel.errors import InvalidError

from agenda_svc.application.desk import activities_of
from agenda_svc.application.ports import CommandKey, OfferQuery
from agenda_svc.domain.activity import check_weekdays
from agenda_svc.domain.booking import Wish
from agenda_svc.domain.coupling import brought_by
from agenda_svc.domain.days import iso_weekday, keys_between, session_key
from agenda_svc.domain.offer import Row, Slot
from agenda_svc.domain.periodicity import Periodicity, check_period, days_of_entry
from agenda_svc.domain.refusals import Refusal
from agenda_svc.domain.rules import TownRules

UNDO_FOR = timedelta(minutes=10)
_MAX_CHILDREN = 30


class Action(IntEnum):
    """The numbers are those of the wire."""

    CREATE = 1
    DELETE = 2


@dataclass(frozen=True, slots=True)
class BulkEntry:
    """``days`` is worked out: the days of the period in the wanted weeks and weekdays."""

    child_ids: Sequence[str]
    action: Action
    activity_ids: Sequence[str]
    days: Sequence[int]
    weekdays: frozenset[int]
    first: int
    last: int

    @classmethod
    def checked(
        cls,
        *,
        child_ids: Sequence[str],
        action: Action | None,
        first: date,
        last: date,
        activity_ids: Sequence[str],
        periodicity: Periodicity | None,
        weekdays: Sequence[int],
    ) -> BulkEntry:
        """Refuses what makes no sense whatever is on offer."""
        if not child_ids:
            raise InvalidError("NO_CHILD", "child_ids")
        if len(child_ids) > _MAX_CHILDREN:
            raise InvalidError("TOO_MANY_CHILDREN", "child_ids", max_count=str(_MAX_CHILDREN))
        if not activity_ids:
            raise InvalidError("NO_ACTIVITY", "activity_ids")
        if action is None:
            raise InvalidError("NO_ACTION", "action")
        if periodicity is None:
            raise InvalidError("NO_PERIODICITY", "periodicity")
        start, end = check_period(first, last)
        named = check_weekdays(frozenset(weekdays))
        days = days_of_entry(start, end, periodicity, named)
        return cls(tuple(dict.fromkeys(child_ids)), action, tuple(dict.fromkeys(activity_ids)), days, named, start, end)

    def query(self, rules: TownRules, household_id: str, command: CommandKey | None = None) -> OfferQuery:
        """Asks for the sessions of the chosen activities and of what they bring, on the days that can matter."""
        first_key, last_key = keys_between(self.first, self.last)
        keys: list[int] = []
        if self.action is Action.CREATE:
            chosen = {activity.key for activity in activities_of(rules, self.activity_ids)}
            wanted = sorted(chosen.union(brought_by(rules, chosen)))
            by_weekday = [[key for key in wanted if weekday in rules.by_key[key].weekdays] for weekday in range(8)]
            keys = [session_key(day, key) for day in self.days for key in by_weekday[iso_weekday(day)]]
        return OfferQuery(household_id, first_key, last_key, self.child_ids, keys, command)

    def wish(self, rules: TownRules, child_keys: Sequence[int]) -> Wish:
        return Wish(child_keys, self.days, activities_of(rules, self.activity_ids), bool(self.weekdays))


@dataclass(slots=True)
class BulkOutcome:
    """What a bulk entry does or would do; children by key, told by ``child_ids``."""

    rules: TownRules
    child_ids: dict[int, str]
    revision: int
    created: Sequence[Slot] = ()
    removed: Sequence[Row] = ()
    skipped: Sequence[tuple[Slot, Refusal]] = ()
    missing_required: Sequence[str] = field(default_factory=list)
    entry_id: int = 0
    hold_expires_at: datetime | None = None
    undo_until: datetime | None = None
