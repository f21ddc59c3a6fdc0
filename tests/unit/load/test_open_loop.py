"""Nobody waits for anybody, and a server that stalls shows in the figures of all who came meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import open_loop
import pytest
from latency import Figures
from open_loop import Visit, run_open_loop

STALL = 0.6
EVERY = 0.02
COUNT = 40
TIMES = [n * EVERY for n in range(COUNT)]


@dataclass(slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


class StallingServer:
    """Answers at once, one at a time, but for one stall of ``STALL`` seconds at the tenth request."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.answered = 0

    async def answer(self) -> Reply:
        async with self._turn:
            self.answered += 1
            if self.answered == 10:
                await asyncio.sleep(STALL)
        return Reply()


async def test_a_stall_is_felt_by_everybody_who_came_during_it() -> None:
    server, figures = StallingServer(), Figures()

    async def visit(one: Visit) -> None:
        await one.step("page", 0.0, server.answer)

    await run_open_loop(TIMES, visit, figures, cap=1_000, patience=5)
    slow = [each for each in figures.steps["page"].from_due if each > STALL / 4]
    # Thirty came within the stall; three quarters of them waited more than a quarter of it. A closed loop has one.
    assert len(slow) >= 15
    assert figures.steps["page"].p(0.5) > STALL / 8
    assert figures.finished == COUNT


async def test_a_closed_loop_would_have_hidden_the_same_stall() -> None:
    server, durations = StallingServer(), []
    for _ in range(COUNT):
        began = time.perf_counter()
        await server.answer()
        durations.append(time.perf_counter() - began)
    assert sum(each > STALL / 4 for each in durations) == 1


async def test_a_late_step_counts_from_its_own_schedule_and_delays_the_next_ones_figure() -> None:
    figures = Figures()

    async def slow() -> Reply:
        await asyncio.sleep(0.3)
        return Reply()

    async def quick() -> Reply:
        return Reply()

    async def visit(one: Visit) -> None:
        await one.step("first", 0.0, slow)
        await one.step("second", 0.1, quick)

    await run_open_loop([0.0], visit, figures, cap=10, patience=5)
    assert figures.steps["second"].from_due[0] == pytest.approx(0.2, abs=0.1)
    assert figures.steps["second"].from_sent[0] < 0.1


async def test_arrivals_do_not_wait_for_earlier_ones() -> None:
    figures = Figures()

    async def visit(one: Visit) -> None:
        await one.step("page", 0.0, lambda: _after(0.5))

    await run_open_loop([0.0, 0.01, 0.02, 0.03], visit, figures, cap=10, patience=5)
    assert figures.most_at_once == 4


async def test_who_is_never_answered_is_in_the_figures_with_the_time_they_waited() -> None:
    figures = Figures()

    async def visit(one: Visit) -> None:
        await one.step("page", 0.0, lambda: _after(60.0))

    await run_open_loop([0.0, 0.1], visit, figures, cap=10, patience=0.3)
    assert figures.finished == 0
    assert figures.steps["page"].errors == {"not answered before the end": 2}
    assert min(figures.steps["page"].from_due) >= 0.25


async def test_an_answer_that_takes_too_long_is_an_error_and_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_loop, "ANSWER_SECONDS", 0.2)
    figures = Figures()

    async def visit(one: Visit) -> None:
        await one.step("page", 0.0, lambda: _after(60.0))

    await run_open_loop([0.0], visit, figures, cap=10, patience=5)
    assert sum(figures.steps["page"].errors.values()) == 1
    assert figures.steps["page"].from_due[0] >= 0.2


async def test_the_cap_is_told_and_not_waited_at() -> None:
    figures = Figures()

    async def visit(one: Visit) -> None:
        await one.step("page", 0.0, lambda: _after(0.2))

    await run_open_loop([0.0, 0.0, 0.0], visit, figures, cap=2, patience=5)
    assert (figures.refused_by_cap, figures.finished) == (1, 2)
    assert figures.errors["not let in: connection cap"] == 1


async def test_who_is_asked_to_wait_comes_back_and_the_time_runs_on() -> None:
    figures, asked = Figures(), []

    async def busy_once() -> Reply:
        asked.append(1)
        return Reply(503, headers={"retry-after": "1"}) if len(asked) == 1 else Reply()

    async def visit(one: Visit) -> None:
        await one.step("sign in", 0.0, busy_once)

    await run_open_loop([0.0], visit, figures, cap=10, patience=5)
    assert (figures.steps["sign in"].turned_away, figures.finished) == (1, 1)
    assert figures.steps["sign in"].from_due[0] >= 1.0
    assert not figures.errors


async def test_an_unexpected_answer_ends_the_visit_and_is_an_error() -> None:
    figures = Figures()

    async def broken() -> Reply:
        return Reply(500, b"oh")

    async def visit(one: Visit) -> None:
        await one.step("first", 0.0, broken)
        await one.step("second", 0.0, broken)

    await run_open_loop([0.0], visit, figures, cap=10, patience=5)
    assert figures.errors == {"first: 500 b'oh'": 1}
    assert "second" not in figures.steps


async def _after(seconds: float) -> Reply:
    await asyncio.sleep(seconds)
    return Reply()
