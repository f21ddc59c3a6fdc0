"""Dated flat tariffs: no two of an activity on the same day, none ever rewritten once used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from billing_svc.domain.errors import InvalidTariffError, TariffInUseError, TariffOverlapError

MAX_PRICE_MINOR = 9_999_999
"""99 999,99 €: more is a slip of the keyboard, and could not be paid at once."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of an activity from a day on, both ends included."""

    id: str
    valid_from: date
    valid_to: date | None
    resident_minor: int
    non_resident_minor: int
    is_used: bool = False

    def overlaps(self, other: Tariff) -> bool:
        return (self.valid_to is None or other.valid_from <= self.valid_to) and (
            other.valid_to is None or self.valid_from <= other.valid_to
        )


@dataclass(frozen=True, slots=True)
class TariffPlan:
    """What to write so that ``id`` says what was asked."""

    id: str
    insert: Tariff | None = None
    update: tuple[Tariff, ...] = ()


def plan_tariff(existing: Sequence[Tariff], new: Tariff) -> TariffPlan:
    """Add ``new``; the open-ended tariff before it ends the day before. Asking again changes nothing."""
    _check(new)
    updates: list[Tariff] = []
    same: Tariff | None = None
    others: list[Tariff] = []
    for tariff in existing:
        if tariff.valid_from == new.valid_from:
            same = tariff
        elif tariff.valid_to is None and tariff.valid_from < new.valid_from:
            updates.append(replace(tariff, valid_to=new.valid_from - timedelta(days=1)))
        else:
            others.append(tariff)
    overlapping = next((tariff for tariff in others if tariff.overlaps(new)), None)
    if overlapping is not None:
        raise TariffOverlapError(overlapping.valid_from.isoformat())
    if same is None:
        return TariffPlan(new.id, insert=new, update=tuple(updates))
    changed = replace(new, id=same.id, is_used=same.is_used)
    if changed == same:
        return TariffPlan(same.id)
    same_prices = (same.resident_minor, same.non_resident_minor) == (new.resident_minor, new.non_resident_minor)
    if same.is_used and not same_prices:
        raise TariffInUseError(same.valid_from.isoformat())
    return TariffPlan(same.id, update=(*updates, changed))


def _check(new: Tariff) -> None:
    if new.valid_to is not None and new.valid_to < new.valid_from:
        raise InvalidTariffError("valid_to")
    for field, price in (("resident_price", new.resident_minor), ("non_resident_price", new.non_resident_minor)):
        if not 0 <= price <= MAX_PRICE_MINOR:
            raise InvalidTariffError(field)
