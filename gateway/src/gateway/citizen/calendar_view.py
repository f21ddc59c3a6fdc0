"""A month of a household, ready for the grid and the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau_chassis.wire import date_from_wire

from gateway.citizen.names import Names
from gateway.citizen.states import (
    BOOKED,
    BOOKED_UNPAID,
    CLOSED,
    DAY_STATES,
    HELD,
    PAST,
    RESERVATION_STATES,
    State,
    together,
)
from gateway.formatting import Formatter, month_bounds
from gateway.lexicon import Lexicon

_SATURDAY = 6


@dataclass(frozen=True, slots=True)
class Chip:
    """What one child has on one day, in one state."""

    child: str
    state: State
    count: int
    activities: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day. ``label`` is what a screen reader hears."""

    day: date
    state: State
    chips: tuple[Chip, ...]
    note: str
    label: str
    is_today: bool
    can_open: bool


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday; days of other months are ``None``."""

    number: int
    cells: tuple[DayCell | None, ...]

    @property
    def days(self) -> tuple[DayCell, ...]:
        return tuple(cell for cell in self.cells if cell)

    @property
    def list_days(self) -> tuple[DayCell, ...]:
        """Without the week-end days on which nothing ever happens, and the past ones on which nothing did."""
        return tuple(
            cell
            for cell in self.days
            if cell.can_open or (cell.day.isoweekday() < _SATURDAY and cell.state.key != PAST.key)
        )


def month_weeks(
    month: date, days: Iterable[agenda.ChildDay], names: Names, today: date, fmt: Formatter, lex: Lexicon
) -> tuple[Week, ...]:
    """Lay out a month view week by week."""
    by_day: dict[date, list[agenda.ChildDay]] = defaultdict(list)
    for item in days:
        by_day[date_from_wire(item.day)].append(item)
    first, last = month_bounds(month)
    day = first - timedelta(days=first.weekday())
    weeks = []
    while day <= last:
        cells = []
        for offset in range(7):
            current = day + timedelta(days=offset)
            inside = first <= current <= last
            cells.append(_cell(current, by_day.get(current, []), names, today, fmt, lex) if inside else None)
        weeks.append(Week(day.isocalendar().week, tuple(cells)))
        day += timedelta(days=7)
    return tuple(weeks)


def _cell(day: date, items: list[agenda.ChildDay], names: Names, today: date, fmt: Formatter, lex: Lexicon) -> DayCell:
    if len(items) > 1:
        items = sorted(items, key=lambda item: names.rank_of_child(item.child_id))
    chips = tuple(chip for item in items for chip in chips_of(item.child_id, item.reservations, names, lex))
    state = together([DAY_STATES.get(item.state, CLOSED) for item in items])
    if day < today:
        state = PAST if state is not CLOSED else CLOSED
    if state is BOOKED and any(chip.state.key == HELD.key for chip in chips):
        state = BOOKED_UNPAID
    said = state.said(lex)
    note = next((item.closure_label for item in items if item.closure_label), "") if state is CLOSED else ""
    parts = [fmt.day_month(day), said.label.lower()]
    if note:
        parts.append(note)
    parts += [chip.label for chip in chips]
    can_open = bool(chips) or state not in {CLOSED, PAST}
    return DayCell(day, said, chips, note, ", ".join(parts), day == today, can_open)


def chips_of(child_id: str, reservations: Iterable[agenda.Reservation], names: Names, lex: Lexicon) -> list[Chip]:
    """One chip a state, its activities in their order."""
    ordered = sorted(reservations, key=lambda item: (item.status, names.position(item.activity_id)))
    chips = []
    for status, group in groupby(ordered, key=lambda item: item.status):
        held = list(group)
        state = RESERVATION_STATES[status].said(lex)
        child = names.child(child_id)
        activities = tuple(names.short(item.activity_id) for item in held)
        label = f"{child} : {', '.join(activities)} ({state.label.lower()})"
        chips.append(Chip(child, state, len(held), activities, label))
    return chips
