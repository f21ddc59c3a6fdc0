"""One town's billing rows in memory, and what a transaction needs to change them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from billing_svc.application.ports import RequestKey
from billing_svc.application.records import (
    AlertRecord,
    AttemptRecord,
    HouseholdRecord,
    InvoiceRecord,
    NewDocument,
    NewPayment,
    TownRecord,
)
from billing_svc.domain.errors import KeyReusedError
from billing_svc.domain.events import BillingEvent
from billing_svc.domain.ledger import Movement
from billing_svc.domain.states import LIVE_LINE_STATES, LineState
from billing_svc.domain.tariffs import Tariff
from billing_svc.domain.withdrawal import Line

from tests.contract.repositories.rows_in_memory import require

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Household:
    record: HouseholdRecord
    is_resident: bool = False
    version: int = 0
    hold_expires_at: datetime | None = None


@dataclass(frozen=True)
class Activity:
    key: int
    name: str = ""
    kind: int = 0
    position: int = 0
    version: int = 0


@dataclass(frozen=True)
class Till:
    id: str
    code: str
    name: str
    siret: str
    vat_mention: str


@dataclass(frozen=True)
class Origin:
    """Whose line it is, for what, and by which tariff it was priced."""

    household_key: int
    child_id: str
    activity_id: str
    day: date
    tariff: Tariff
    is_resident: bool


@dataclass(frozen=True)
class InvoiceFacts:
    """What moves on an invoice and no transaction asks for."""

    means: str = ""
    paid_at: datetime | None = None
    receipt_number: str = ""
    last_attempt_id: str = ""


@dataclass
class BillingTables:
    """Everything that a transaction of the town may change."""

    town: TownRecord | None = None
    households: dict[str, Household] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    tariffs: dict[str, list[Tariff]] = field(default_factory=dict)
    tills: dict[str, Till] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    lines: dict[int, Line] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    invoices: dict[str, InvoiceRecord] = field(default_factory=dict)
    facts: dict[str, InvoiceFacts] = field(default_factory=dict)
    documents: dict[str, NewDocument] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    counters: dict[tuple[str, str, int], int] = field(default_factory=dict)
    posted: list[tuple[int, Movement]] = field(default_factory=list)
    payments: list[NewPayment] = field(default_factory=list)
    allocations: list[tuple[str, str, int]] = field(default_factory=list)
    alerts: list[AlertRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    replies: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    events: list[BillingEvent] = field(default_factory=list)

    @property
    def movements(self) -> list[Movement]:
        return [movement for _, movement in self.posted]

    def household_of(self, key: int) -> Household:
        return next(one for one in self.households.values() if one.record.key == key)

    def set_household(self, household: Household) -> None:
        self.households[household.record.id] = household

    def reply_to(self, request: RequestKey) -> str | None:
        """The result of the first run, or nothing; ``KeyReusedError`` when that was another command."""
        known = self.replies.get((request.method, request.request_id))
        if known is None:
            return None
        if known[0] != request.fingerprint:
            raise KeyReusedError
        return known[1]

    def add_line(
        self,
        reservation_id: int,
        price: int,
        origin: Origin,
        state: LineState = LineState.PENDING,
        invoice_id: str = "",
    ) -> int:
        live = (one for one in self.lines.values() if one.state in LIVE_LINE_STATES)
        require(all(one.reservation_id != reservation_id for one in live), "one live line a reservation")
        line_id = len(self.lines) + 1
        self.lines[line_id] = Line(line_id, reservation_id, state, price, invoice_id)
        self.origins[line_id] = origin
        return line_id

    def price_line(self, household: Household, reservation_id: int, child_id: str, activity_id: str, day: int) -> bool:
        """False when no tariff covers the day."""
        on = EPOCH + timedelta(days=day)
        tariffs = self.tariffs.get(activity_id, [])
        tariff = next(
            (one for one in tariffs if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to)), None
        )
        if tariff is None:
            return False
        origin = Origin(household.record.key, child_id, activity_id, on, tariff, household.is_resident)
        price = tariff.resident_minor if household.is_resident else tariff.non_resident_minor
        self.add_line(reservation_id, price, origin)
        self.tariffs[activity_id] = [replace(one, is_used=one.is_used or one.id == tariff.id) for one in tariffs]
        if child_id not in self.children:
            self.children.append(child_id)
        return True


class OnTables(Protocol):
    """What each part of the books works on."""

    tables: BillingTables
