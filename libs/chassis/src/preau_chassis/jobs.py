"""Work that time brings, and the chassis' own housekeeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from opentelemetry.trace import SpanKind
from preau_kernel.errors import DomainError

from preau_chassis.database import Database
from preau_chassis.logs import get_logger
from preau_chassis.metrics import Attributes, gauge, histogram
from preau_chassis.pulse import Beat, no_beat
from preau_chassis.telemetry import Hop

_log = get_logger("jobs")
_duration = histogram("preau.job.duration", "s", "One turn of a timed job.")

_PURGES = (
    ("purge-outbox", "outbox", "published_at IS NOT NULL AND created_at < now() - interval '7 days'"),
    ("purge-inbox", "inbox", "received_at < now() - interval '35 days'"),
    ("purge-idempotency", "idempotency", "created_at < now() - interval '48 hours'"),
)

# A job's pulse may stand still for a quarter of an hour beyond its interval, no longer.
_LONGEST_REST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often, in real time. Runs in the process that leads, so that one at most does it;
    it must bear being interrupted and repeated. After a turn it rests ``rest`` times what the turn took, ten minutes at most: what
    grows with a town is then done less often, and never takes more than its share of the database.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    rest: float = 0.0


def purge_jobs(work_database: Database) -> list[Job]:
    """Forget what nobody can ask for any more."""

    def job(name: str, table: str, condition: str) -> Job:
        async def run() -> None:
            await work_database.execute(f"DELETE FROM {table} WHERE {condition}")

        return Job(name, timedelta(hours=1), run)

    return [job(*purge) for purge in _PURGES]


async def run_job(job: Job, is_leading: asyncio.Event, beat: Beat = no_beat) -> None:
    """Run ``job`` for ever, while this process leads. A failure is logged and the next turn comes all the same."""
    succeeded = time.monotonic()

    def age() -> list[tuple[float, Attributes]]:
        return [(time.monotonic() - succeeded, {"preau.job": job.name})] if is_leading.is_set() else []

    shown = gauge("preau.job.success_age", "s", "Since the job last ended well.", age)
    try:
        while True:
            if not is_leading.is_set():
                await is_leading.wait()
                succeeded = time.monotonic()
            started = time.monotonic()
            beat()
            is_done = await _turn(job, started)
            ended = time.monotonic()
            if is_done:
                succeeded = ended
            took = ended - started
            await asyncio.sleep(max(0.0, job.every.total_seconds() - took, min(job.rest * took, _LONGEST_REST_SECONDS)))
    finally:
        shown.close()


async def _turn(job: Job, started: float) -> bool:
    with Hop(f"job {job.name}", SpanKind.INTERNAL) as hop:
        outcome = "failed"
        try:
            await job.run()
            outcome = "done"
        except DomainError as error:
            hop.fail(error.reason)
            _log.warning("job.failed", job=job.name, reason=error.reason, trace_id=hop.trace_id)
        except Exception as error:  # noqa: BLE001 - the boundary: one bad turn must not stop the next
            hop.fail("INTERNAL", error)
            _log.error("job.failed", job=job.name, error_type=type(error).__qualname__, exc_info=error)
        _duration.record(time.monotonic() - started, {"preau.job": job.name, "preau.outcome": outcome})
    return outcome == "done"
