"""Arrivals are made beforehand, repeatably, and in the shape that was asked for."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from arrivals import Phase, arrivals, peak_rate, steady

STEP_WITH_A_TAIL = [Phase(90.0, 0.5), Phase(90.0, 0.3), Phase(120.0, 0.2)]


def test_all_arrivals_are_there_in_order_and_within_the_phases() -> None:
    times = arrivals(2_500, STEP_WITH_A_TAIL, seed=1)
    assert len(times) == 2_500
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 300


def test_each_phase_gets_its_share() -> None:
    times = arrivals(20_000, STEP_WITH_A_TAIL, seed=2)
    early = sum(at < 90 for at in times) / len(times)
    late = sum(at >= 180 for at in times) / len(times)
    assert early == pytest.approx(0.5, abs=0.02)
    assert late == pytest.approx(0.2, abs=0.02)


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    assert arrivals(50, STEP_WITH_A_TAIL, seed=3) == arrivals(50, STEP_WITH_A_TAIL, seed=3)
    assert arrivals(50, STEP_WITH_A_TAIL, seed=3) != arrivals(50, STEP_WITH_A_TAIL, seed=4)
    assert steady(5.0, 10.0, seed=3) == steady(5.0, 10.0, seed=3)


def test_arrivals_come_in_clumps_as_people_do_not_like_clockwork() -> None:
    gaps = [later - earlier for earlier, later in pairwise(steady(10.0, 2_000.0, seed=5))]
    assert statistics.mean(gaps) == pytest.approx(0.1, rel=0.05)
    # Exponential gaps: as wide as their mean.
    assert statistics.stdev(gaps) == pytest.approx(0.1, rel=0.1)


def test_shares_that_make_no_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="make 1"):
        arrivals(10, [Phase(1.0, 0.5)], seed=1)


def test_the_peak_is_the_busiest_window_not_the_average() -> None:
    assert peak_rate([0.0, 5.0, 5.1, 5.2, 5.3, 20.0], window=1.0) == 4.0
    assert peak_rate([], window=1.0) == 0.0
