"""Amounts of money: integer minor units and a currency code. The one rounding rule of the platform lives here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

EUR = "EUR"


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were added or compared: a programming error."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount.

    ``minor_units`` is in the currency's smallest unit (cents for EUR) and may be negative.
    """

    minor_units: int
    currency: str = EUR

    def __post_init__(self) -> None:
        if not isinstance(self.minor_units, int) or isinstance(self.minor_units, bool):
            message = "minor_units must be an int"
            raise TypeError(message)

    @classmethod
    def zero(cls, currency: str = EUR) -> Money:
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str = EUR) -> Money:
        """Round ``amount`` (major units) half up to the cent, away from zero for negative amounts."""
        return cls(int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)

    def __add__(self, other: Money) -> Money:
        self._check(other)
        return Money(self.minor_units + other.minor_units, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._check(other)
        return Money(self.minor_units - other.minor_units, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor_units, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor_units * count, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        self._check(other)
        return self.minor_units < other.minor_units

    def __le__(self, other: Money) -> bool:
        self._check(other)
        return self.minor_units <= other.minor_units

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.minor_units != 0

    def split(self, parts: int) -> tuple[Money, ...]:
        """Split into ``parts`` shares that differ by at most one cent, the larger ones first."""
        return self.split_by([1] * parts)

    def split_by(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Split in proportion to ``weights`` by largest remainder; the shares always add up to the whole.

        Ties go to the earlier share. ``ValueError`` when no weight is positive or one is negative.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            message = "weights must be non-negative with a positive sum"
            raise ValueError(message)
        sign = -1 if self.minor_units < 0 else 1
        amount = abs(self.minor_units)
        shares = [amount * weight // total for weight in weights]
        missing = amount - sum(shares)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
        for index in by_remainder[:missing]:
            shares[index] += 1
        return tuple(Money(sign * share, self.currency) for share in shares)

    def percent(self, rate: Decimal) -> Money:
        """``rate`` per cent of this amount, rounded half up to the cent."""
        return Money.from_decimal(Decimal(self.minor_units) / 100 * rate / 100, self.currency)

    def _check(self, other: Money) -> None:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency}"
            raise CurrencyMismatchError(message)
