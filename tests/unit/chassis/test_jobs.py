"""Timed jobs: what costs more is done less often."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from preau_chassis.jobs import Job, run_job


@pytest.mark.parametrize(("rest", "most", "least"), [(0.0, 100, 8), (20.0, 3, 1)])
async def test_a_job_rests_in_proportion_to_what_it_took(rest: float, most: int, least: int) -> None:
    turns = 0

    async def work() -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0.02)

    leading = asyncio.Event()
    leading.set()
    task = asyncio.create_task(run_job(Job("count", timedelta(seconds=0.01), work, rest), leading))
    await asyncio.sleep(0.6)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert least <= turns <= most
