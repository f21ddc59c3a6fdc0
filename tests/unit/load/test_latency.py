"""Percentiles by nearest rank, and nothing slow left out of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latency import Figures, percentile


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 1_001)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 0.999, 1.0)] == [500, 950, 990, 999, 1000]


def test_one_slow_answer_of_a_hundred_is_in_the_maximum_and_not_in_the_p99() -> None:
    values = [0.01] * 99 + [9.0]
    assert percentile(values, 0.99) == 0.01
    assert percentile(values, 1.0) == 9.0


def test_nothing_measured_gives_nothing() -> None:
    assert percentile([], 0.99) == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1.0))
def test_at_least_the_share_does_not_exceed_a_percentile_and_fewer_are_below_it(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values) + 1e-6


def test_errors_of_all_steps_and_visits_kept_out_are_told_together() -> None:
    figures = Figures(refused_by_cap=2)
    figures.step("save").errors["500"] += 3
    assert figures.errors == {"save: 500": 3, "not let in: connection cap": 2}


def test_the_time_from_due_is_longer_than_from_sent_when_the_sender_was_late() -> None:
    figures = Figures()
    figures.step("save").answered(due=10.0, sent=12.0, now=12.5)
    assert figures.steps["save"].from_due == [2.5]
    assert figures.steps["save"].from_sent == [pytest.approx(0.5)]
