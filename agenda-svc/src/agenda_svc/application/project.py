"""What the agenda keeps of identity's news; an older one never overwrites a newer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TownNews:
    slug: str
    time_zone: str
    hold_minutes: int
    version: int


@dataclass(frozen=True, slots=True)
class HouseholdNews:
    household_id: str
    child_ids: Sequence[str]
    version: int


class Projections(Protocol):
    """Written in the transaction of the event."""

    async def keep_town(self, news: TownNews) -> None: ...

    async def keep_household(self, news: HouseholdNews) -> None: ...
