"""Visitors who come when they come: none waits for another, and each is timed from the schedule it came with.

A closed loop sends less when the server is slow, and so hides it (coordinated omission). Here arrivals are a list made
beforehand; a step is due at the arrival plus the thinking before it, and its time runs from then, however late it was sent.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Protocol, TypeVar

from latency import Figures

ANSWER_SECONDS = 30.0
"""More than the gateway's own limit: no answer by then is none."""
PATIENCE_SECONDS = 180.0
"""How long somebody who is asked to wait comes back for."""
_ASKS_TO_WAIT = frozenset({429, 503})
_SHOWN = 100


class Reply(Protocol):
    """What a step needs to know of an answer."""

    status: int
    body: bytes

    def header(self, name: str) -> str: ...


R = TypeVar("R", bound=Reply)


class GaveUpError(Exception):
    """A step failed for good, and is counted; the visit ends here."""


class Visit:
    """One visitor's steps, one after the other."""

    def __init__(self, figures: Figures, number: int, due: float) -> None:
        self.number = number
        self._figures = figures
        self._due = due
        self.sent = due
        """When the last request was really sent (``time.perf_counter``)."""
        self._step = ""

    def due_after(self, think: float) -> float:
        """When a step after ``think`` seconds would be due."""
        return self._due + think

    async def step(
        self, name: str, think: float, send: Callable[[], Awaitable[R]], expected: Container[int] = (200,)
    ) -> R:
        """Think, send, wait for the answer; ``GaveUpError`` unless its status is expected.

        Who is asked to wait (Retry-After) waits and sends the same again: the time runs on.
        """
        self._due += think
        self._step = name
        await asyncio.sleep(self._due - time.perf_counter())
        self.sent = began = time.perf_counter()
        try:
            answer = await self._patiently(name, send)
        except TimeoutError:
            self._count(began)
            raise self.fail(name, f"no answer in {ANSWER_SECONDS:.0f} s") from None
        except (OSError, EOFError) as error:
            raise self.fail(name, type(error).__name__) from error
        if answer.status not in expected:
            raise self.fail(name, f"{answer.status} {answer.body[:_SHOWN]!r}")
        self._count(began)
        self._step = ""
        return answer

    async def _patiently(self, name: str, send: Callable[[], Awaitable[R]]) -> R:
        end = time.perf_counter() + PATIENCE_SECONDS
        while True:
            self.sent = time.perf_counter()
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await send()
            wait = answer.header("retry-after")
            if answer.status not in _ASKS_TO_WAIT or not wait.isdigit() or time.perf_counter() + float(wait) > end:
                return answer
            self._figures.step(name).turned_away += 1
            await asyncio.sleep(float(wait))

    def _count(self, began: float) -> None:
        self._figures.step(self._step).answered(self._due, began, time.perf_counter())

    def fail(self, name: str, kind: str) -> GaveUpError:
        """Count an error; the caller raises what this answers."""
        self._figures.step(name).errors[kind] += 1
        self._step = ""
        return GaveUpError(kind)

    def cut_short(self) -> None:
        """The run is over: what was being waited for counts with the time it took so far."""
        if self._step:
            self._figures.step(self._step).answered(self._due, self.sent, max(time.perf_counter(), self._due))
            self._figures.step(self._step).errors["not answered before the end"] += 1


async def run_open_loop(
    times: Sequence[float],
    visit: Callable[[Visit], Awaitable[None]],
    figures: Figures,
    *,
    cap: int,
    patience: float,
) -> None:
    """Start a visit at each of ``times`` (seconds from now); after the last, wait ``patience`` seconds for the rest.

    With ``cap`` visits going on the next is not let in, and counted as an error: a bound of this machine's sockets.
    """
    start = time.perf_counter()
    running: dict[asyncio.Task[None], Visit] = {}

    async def guarded(one: Visit) -> None:
        try:
            await visit(one)
        except GaveUpError:
            return
        except Exception as error:  # noqa: BLE001 - a mistake of the load itself must not look like a visit that ended
            traceback.print_exception(error)
            figures.step("the load itself").errors[type(error).__name__] += 1
            return
        figures.finished += 1

    for number, at in enumerate(times):
        due = start + at
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        figures.late_starts.append(max(0.0, time.perf_counter() - due))
        if len(running) >= cap:
            figures.refused_by_cap += 1
            continue
        one = Visit(figures, number, due)
        task = asyncio.create_task(guarded(one))
        running[task] = one
        task.add_done_callback(running.pop)
        figures.most_at_once = max(figures.most_at_once, len(running))
    left = dict(running)
    if left:
        _, unfinished = await asyncio.wait(left, timeout=patience)
        for task in unfinished:
            left[task].cut_short()
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
    figures.seconds = time.perf_counter() - start
