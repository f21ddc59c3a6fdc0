"""The shape of a demo town: what the services must be told for it to work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["meal", "childcare", "other"]
Counting = Literal["all_days", "skip_weekends", "working_days", "school_days"]


@dataclass(frozen=True, slots=True)
class DemoCutoff:
    days_before: int
    hour: int
    minute: int
    counting: Counting


@dataclass(frozen=True, slots=True)
class DemoActivity:
    """An activity with its price (cents) and its limits; ``capacity`` ``None`` means no limit of places."""

    code: str
    name: str
    kind: Kind
    weekdays: tuple[int, ...]
    site: str
    resident_cents: int
    non_resident_cents: int
    requires: tuple[str, ...] = ()
    cutoff: DemoCutoff | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class DemoGuardian:
    first_name: str
    last_name: str
    email: str
    phone: str
    username: str
    is_payer: bool = False


@dataclass(frozen=True, slots=True)
class DemoChild:
    first_name: str
    last_name: str
    born_on: str
    school: str
    school_class: str


@dataclass(frozen=True, slots=True)
class DemoTown:
    """A town, its only family, and where its money goes. The first guardian's account is the one that is announced."""

    slug: str
    name: str
    time_zone: str
    calendar_zone: str
    holiday_subdivision: str
    primary: str
    accent: str
    office: str
    phone: str
    email: str
    hours: str
    address: str
    news: str
    till_code: str
    till_name: str
    payfip_client: str
    password: str
    household_ref: str
    home: tuple[str, str, str]
    guardians: tuple[DemoGuardian, ...]
    children: tuple[DemoChild, ...]
    activities: tuple[DemoActivity, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        return (f"{self.slug}.localhost",)

    @property
    def username(self) -> str:
        return self.guardians[0].username
