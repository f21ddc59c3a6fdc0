"""What has happened to a household's reservations, as the other services are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agenda_svc.domain.activity import Activity
from agenda_svc.domain.offer import Slot


@dataclass(frozen=True, slots=True)
class ReservationsHeld:
    """Reservation ``ids[i]`` is for ``slots[i]``; children by key, told by ``child_ids``."""

    household_id: str
    revision: int
    ids: Sequence[int]
    slots: Sequence[Slot]
    child_ids: Sequence[tuple[int, str]]
    activity_ids: Sequence[tuple[int, str]]
    hold_expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReservationsCancelled:
    household_id: str
    revision: int
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class ReservationsExpired:
    household_id: str
    revision: int
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class ReservationsConfirmed:
    household_id: str
    revision: int
    ids: Sequence[int]
    invoice_id: str
    lost_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class HoldsRenewed:
    household_id: str
    revision: int
    hold_expires_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityChanged:
    activity: Activity
    version: int


HouseholdEvent = ReservationsHeld | ReservationsCancelled | ReservationsExpired | ReservationsConfirmed | HoldsRenewed
