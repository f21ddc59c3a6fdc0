"""What the use cases need of the outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from preau_kernel.context import Context

from agenda_svc.domain.activity import Activity, ActivityDraft
from agenda_svc.domain.calendar import Closure
from agenda_svc.domain.events import HouseholdEvent
from agenda_svc.domain.lapses import Lapse
from agenda_svc.domain.offer import Offer, Row, Slot
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What makes two calls the same command: name, request id, and a digest of who asks for what."""

    method: str
    request_id: UUID
    digest: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a command that was done already answered."""

    digest: bytes
    response: bytes


@dataclass(frozen=True, slots=True)
class OfferQuery:
    """``child_ids`` ``None``: all of the household's. ``session_keys`` ``None``: those the children are enrolled for.

    ``holds`` asks for ``Reading.held_count``; only where there is no command.
    """

    household_id: str
    first_key: int
    last_key: int
    child_ids: Sequence[str] | None = None
    session_keys: Sequence[int] | None = None
    command: CommandKey | None = None
    holds: HoldsQuery | None = None


@dataclass(frozen=True, slots=True)
class HoldsQuery:
    """What a household holds from ``first_key`` on; ``closed_since`` asks for the rows that lapsed, too."""

    household_id: str
    now: datetime
    first_key: int
    closed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HoldCounts:
    """``lapsing_count`` are holds over that nobody has swept yet. ``rows``: what closed, and what lives in its place.

    ``revision`` and all counts are 0 for a household the agenda does not know.
    """

    rules_version: int | None
    revision: int = 0
    held_count: int = 0
    hold_expires_at: datetime | None = None
    lapsing_count: int = 0
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """Which reservations of a household to read; the sets add up. See ``migrations/sql/read_reservations.sql``."""

    household_id: str
    ids: Sequence[int] | None = None
    with_coupled: bool = False
    live: bool = False
    closed_since: datetime | None = None
    first_key: int = 0
    last_key: int = 1 << 62
    offer_last_key: int | None = None
    command: CommandKey | None = None


@dataclass(slots=True)
class Reading:
    """One answer of the database. ``offer`` is ``None`` for a household the agenda does not know.

    ``rows`` are all that were found, in any state and of any household; ``offer.live`` the live ones among them.
    """

    rules_version: int | None
    stored: StoredAnswer | None = None
    offer: Offer | None = None
    rows: Sequence[Row] = ()
    members: Collection[int] = ()
    held_count: int | None = None


@dataclass(slots=True)
class Change:
    """What one command does to one household, applied whole or not at all.

    ``counters`` says how many places each session gains (positive: more booked). ``event`` is ``None`` when nothing
    changes and only the answer is to be kept.
    """

    household_key: int
    revision: int
    now: datetime
    event: HouseholdEvent | None = None
    command: CommandKey | None = None
    response: bytes = b""
    hold_expires_at: datetime | None = None
    entry_id: int = 0
    new_ids: Sequence[int] = ()
    new_slots: Sequence[Slot] = ()
    moved: Sequence[Row] = ()
    moved_to: Status | None = None
    lapsed: Sequence[Row] = ()
    lapse: Lapse = Lapse.TOLD
    counters: Mapping[int, int] = field(default_factory=dict)


class ReservationStore(Protocol):
    """Reservations, read and written in one round trip each."""

    async def read_offer(self, ctx: Context, query: OfferQuery, *, lock: bool = False) -> Reading: ...

    async def read_rows(self, ctx: Context, query: RowsQuery, *, lock: bool = False) -> Reading: ...

    async def count_holds(self, ctx: Context, query: HoldsQuery) -> HoldCounts: ...

    async def apply(self, ctx: Context, change: Change) -> bool:
        """``False``, and nothing done, when what was read has changed since."""
        ...

    def locking(self, ctx: Context) -> AbstractAsyncContextManager[LockingStore]:
        """The same in one transaction, for a try that holds what it has read."""
        ...


class LockingStore(ReservationStore, Protocol):
    async def commit(self) -> None: ...


class RulesSource(Protocol):
    """A town's rules, remembered by the process; every reading tells the version they must have."""

    async def current(self, ctx: Context) -> TownRules: ...

    async def reload(self, ctx: Context) -> TownRules: ...


class ReservationIds(Protocol):
    """Where reservation numbers come from."""

    async def take(self, count: int) -> Sequence[int]: ...


class ExpiryStore(Protocol):
    async def due_towns(self, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
        """Towns in which holds have ended."""
        ...

    async def expire(self, ctx: Context, now: datetime, limit: int) -> tuple[int, int]:
        """Release the ended holds of up to ``limit`` households of one town: households looked at, rows released."""
        ...


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """Days without class, both included. ``source_status``: published, demo or computed."""

    kind: str
    first: date
    last: date
    label: str
    source_status: str


class TownStore(Protocol):
    """What staff decide. Each method is one transaction."""

    async def upsert_activity(self, ctx: Context, draft: ActivityDraft) -> Activity: ...

    async def replace_calendar(
        self, ctx: Context, zone: str, periods: Sequence[CalendarPeriod], school_weekdays: frozenset[int]
    ) -> None: ...

    async def add_closure(self, ctx: Context, site_id: UUID | None, closure: Closure) -> str:
        """``NOT_FOUND/SITE_NOT_FOUND`` for an unknown site."""
        ...

    async def open_sessions(self, ctx: Context, keys: Sequence[int], capacity: int | None) -> int:
        """How many did not exist before."""
        ...

    async def enrol(
        self,
        ctx: Context,
        household_id: str,
        child_ids: Sequence[str],
        activity_keys: Sequence[int],
        days: tuple[int, int],
    ) -> int:
        """How many enrolments are new or changed."""
        ...


class PublicHolidays(Protocol):
    """The public holidays of a territory."""

    def between(self, first: date, last: date, subdivision: str) -> Mapping[date, str]:
        """Day and French name. ``INVALID/UNKNOWN_SUBDIVISION`` for a territory nobody knows."""
        ...
