"""The shape of a town's file. What the values may be is the services' own affair (`town_rules`)."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_AMOUNT = re.compile(r"([0-9]{1,6})\.([0-9]{2})", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MAX_DAYS_BEFORE = 60
_MAX_HOLD_MINUTES = 7 * 24 * 60
_MAX_CAPACITY = 100_000


def _cents(text: object) -> int:
    amount = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if amount is None:
        raise ValueError('not an amount like "1.60"')
    return int(amount[1]) * 100 + int(amount[2])


def _clock(text: object) -> time:
    clock = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if clock is None:
        raise ValueError('not a time like "12:00"')
    return time(int(clock[1]), int(clock[2]))


Cents = Annotated[int, BeforeValidator(_cents)]
"""Euros and cents as text, in integer cents."""
Weekdays = list[Annotated[int, Field(ge=1, le=7)]]


class Table(BaseModel):
    """A table of the file: no other fields, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


class Theme(Table):
    primary: str = ""
    accent: str = ""


class Contact(Table):
    office_name: str = ""
    phone: str = ""
    email: str = ""
    hours: str = ""
    address: str = ""


class SchoolCalendar(Table):
    """``file``: a calendar of the town's own, beside its file; empty is the package's."""

    zone: str
    file: str = ""
    public_holiday_subdivision: str = ""
    school_weekdays: Weekdays = []


class Till(Table):
    code: str
    name: str
    siret: str = ""
    vat_mention: str = ""


class Payfip(Table):
    """Addresses are empty when they are the DGFiP's own."""

    client_number: str
    mode: Literal["T", "X", "W"]
    service_url: str = ""
    page_url: str = ""


class Cutoff(Table):
    days_before: Annotated[int, Field(ge=0, le=_MAX_DAYS_BEFORE)]
    at: Annotated[time, BeforeValidator(_clock)]
    counting: Literal["all_days", "skip_weekends", "working_days", "school_days"] = "all_days"


class Tariff(Table):
    """Prices from a day on; without ``valid_to`` until the next of the file begins."""

    valid_from: date
    valid_to: date | None = None
    resident: Cents
    non_resident: Cents


class Activity(Table):
    """``capacity`` ``None``: no limit of places. Its rank in the file is its rank on screen."""

    code: str
    name: str
    kind: Literal["meal", "childcare", "other"]
    weekdays: Weekdays
    tariffs: Annotated[list[Tariff], Field(min_length=1)]
    site: str = ""
    requires: list[str] = []
    brings: list[str] = []
    excludes: list[str] = []
    booking_cutoff: Cutoff | None = None
    cancellation_cutoff: Cutoff | None = None
    is_open_in_holidays: bool = False
    capacity: Annotated[int, Field(ge=0, le=_MAX_CAPACITY)] | None = None


class Guardian(Table):
    """Without ``username`` no account is made."""

    first_name: str
    last_name: str
    email: str = ""
    phone: str = ""
    is_payer: bool = False
    username: str = ""


class Child(Table):
    """``activities``: codes; ``None`` is all of the town's."""

    first_name: str
    last_name: str
    born_on: date | None = None
    school: str = ""
    school_class: str = ""
    activities: list[str] | None = None


class Address(Table):
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""


class Household(Table):
    external_ref: str
    is_resident: bool
    address: Address = Address()
    guardians: list[Guardian]
    children: list[Child]


class TownFile(Table):
    """A whole town. Without ``payfip`` it takes no online payment."""

    slug: str
    name: str
    time_zone: str
    is_production: bool
    locale: str = "fr"
    hosts: list[str] = []
    news: str = ""
    hold_minutes: Annotated[int, Field(ge=1, le=_MAX_HOLD_MINUTES)] = 60
    accessibility_state: Literal["none", "partial", "total"] = "none"
    theme: Theme = Theme()
    contact: Contact = Contact()
    school_calendar: SchoolCalendar
    till: Till
    payfip: Payfip | None = None
    activities: Annotated[list[Activity], Field(min_length=1)]
    households: list[Household] = []
