"""A missed budget fails the run."""

from __future__ import annotations

import argparse
from typing import Any

import load_run
import pytest
from latency import Figures
from load_run import LoadRun


@pytest.fixture
def run() -> LoadRun:
    platform: Any = None
    return LoadRun(platform, argparse.Namespace())


def test_a_budget_is_met_by_what_does_not_exceed_it(run: LoadRun) -> None:
    run.at_most("p99", 1.0, 1.0)
    assert run.missed == []
    run.at_most("p99", 1.01, 1.0)
    assert run.missed == ["p99 1.01 > 1.00"]


def test_a_step_that_was_never_reached_is_missed(run: LoadRun) -> None:
    run.judge_steps(Figures(), {"pay": 1.0})
    assert run.missed == ["pay: never reached"]


def test_an_error_is_missed(run: LoadRun) -> None:
    figures = Figures()
    figures.step("pay").errors["503"] += 1
    run.judge_steps(figures, {})
    assert run.missed == ["errors 1.00 > 0.00"]


async def test_books_that_disagree_are_missed(run: LoadRun, monkeypatch: pytest.MonkeyPatch) -> None:
    async def settled(_platform: object, _seconds: float) -> tuple[float, list[str]]:
        return 0.1, ["ledger: 1 entry without its invoice"]

    monkeypatch.setattr(load_run, "settled_books", settled)
    await run.judge_books()
    assert run.missed == ["ledger: 1 entry without its invoice"]
