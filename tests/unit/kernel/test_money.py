from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preau_kernel.money import CurrencyMismatchError, Money

amounts = st.integers(-10_000_000, 10_000_000).map(Money)


@given(amounts, st.integers(1, 50))
def test_a_split_adds_up_and_differs_by_one_cent_at_most(amount: Money, parts: int) -> None:
    shares = amount.split(parts)
    assert len(shares) == parts
    assert sum(shares, Money.zero()) == amount
    sizes = [abs(share.minor_units) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_a_weighted_split_adds_up_and_stays_within_a_cent_of_its_share(amount: Money, weights: list[int]) -> None:
    shares = amount.split_by(weights)
    assert sum(shares, Money.zero()) == amount
    for share, weight in zip(shares, weights, strict=True):
        exact = Decimal(amount.minor_units) * weight / sum(weights)
        assert abs(share.minor_units - exact) < 1
        if weight == 0:
            assert not share


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [2, -1]])
def test_a_split_needs_a_positive_weight_and_no_negative_one(weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"weights|empty"):
        Money(100).split_by(weights)


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0.005", 1), ("-0.005", -1), ("0.004", 0), ("1.005", 101), ("54", 5400), ("3.00", 300), ("0.335", 34)],
)
def test_rounding_is_half_up_away_from_zero(text: str, cents: int) -> None:
    assert Money.from_decimal(Decimal(text)) == Money(cents)


def test_percentages_are_rounded_once() -> None:
    assert Money(335).percent(Decimal(10)) == Money(34)
    assert Money(-335).percent(Decimal(10)) == Money(-34)
    assert Money(160).percent(Decimal("33.333")) == Money(53)


@given(amounts, amounts, st.integers(-100, 100))
def test_arithmetic_is_that_of_whole_cents(a: Money, b: Money, n: int) -> None:
    assert (a + b).minor_units == a.minor_units + b.minor_units
    assert a - b == -(b - a)
    assert a * n == n * a == Money(a.minor_units * n)
    assert (a < b) == (a.minor_units < b.minor_units) == (b > a)
    assert (a <= b) == (b >= a)
    assert bool(a) == (a != Money.zero())


def test_currencies_do_not_mix() -> None:
    euros, francs = Money(100), Money(100, "XPF")
    for operation in (lambda: euros + francs, lambda: euros - francs, lambda: euros < francs, lambda: euros >= francs):
        with pytest.raises(CurrencyMismatchError):
            operation()
    assert euros != francs


@pytest.mark.parametrize("wrong", [1.5, True, "3"])
def test_only_whole_cents_are_money(wrong: object) -> None:
    with pytest.raises(TypeError):
        Money(wrong)  # type: ignore[arg-type]
