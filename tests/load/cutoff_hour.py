"""Cut-off hour: in a hundred towns the parents of tomorrow's children decide at the last minute, and some a minute too late.

Every town's meals and care close the day before at noon. Parents come faster and faster towards noon, read their month,
then book tomorrow, cancel what they paid for tomorrow, or give back what they have not paid. The late ones must hear
that it is too late; what is not paid can always be given back, and what is open longer must still work.
Time is compressed: what towns see within an hour comes within one or two minutes; the platform's clock passes noon in
the middle.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from arrivals import Phase, arrivals, peak_rate
from bench_town import BenchTown, Family, Plan, Size, make_town
from latency import Figures
from load_run import LoadRun, run_load, source_address
from open_loop import Visit, run_open_loop
from people import open_accounts, open_sessions
from preau.agenda.v1 import agenda_service_pb2 as agenda
from wire import Answer, Connection

READ, BOOK, CANCEL, LATER = "month view", "book tomorrow", "cancel tomorrow, paid", "book a later day"
GIVE_BACK, TOO_LATE = "give tomorrow back, unpaid", "heard that it is too late"
# p99 in seconds from the instant at which each step was due; any error at all is a miss.
BUDGETS = {READ: 1.0, BOOK: 1.0, CANCEL: 1.0, GIVE_BACK: 1.0, LATER: 1.0, TOO_LATE: 1.0}
# What each parent comes for, in turn.
WISHES = (BOOK, CANCEL, BOOK, GIVE_BACK)
THINKING = 2.0

TOWNS = 100
FAMILIES = 15
SECONDS = 90.0
QUICK = {"towns": 100, "families": 4, "seconds": 30.0}
PHASES = ((0.25, 0.15), (0.25, 0.50), (0.20, 0.25), (0.30, 0.10))
"""Of the time, of the parents: the cut-off comes after the second phase."""
BEFORE = 0.5
# What is booked then and not paid is kept for an hour: until after noon.
PREPARED_AT = "2025-09-11T11:15:00+02:00"
NOON = datetime.fromisoformat("2025-09-11T12:00:00+02:00")
TOMORROW = date(2025, 9, 12)
LATER_DAY = date(2025, 9, 16)
SETTLE_SECONDS = 25.0
"""Left for the platform to start again before the first parent comes."""
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Parent:
    """Who comes, and what for; ``booked`` are the reservations of tomorrow that are to go."""

    town: BenchTown
    family: Family
    token: str
    wish: str
    booked: tuple[str, ...] = ()


class CutoffHour:
    """What a parent does, and what the answer must be, knowing when the question was asked."""

    def __init__(self, run: LoadRun, parents: list[Parent], noon: float) -> None:
        self._port = run.platform.ports["gateway"]
        self._parents = parents
        self._noon = noon
        source = random.Random(run.options.seed + 1)
        self._thinking = [THINKING * source.uniform(0.5, 1.5) for _ in parents]
        self.done = 0
        self.refused = 0

    async def parent(self, visit: Visit) -> None:
        parent = self._parents[visit.number]
        connection = Connection(self._port, parent.town.host, source_address(visit.number))
        think = self._thinking[visit.number]
        try:
            await visit.step(
                READ, 0.0, lambda: connection.request("GET", "/api/v1/agenda?month=2025-09", None, parent.token)
            )
            await self._tomorrow(visit, think, parent, connection)
            await visit.step(LATER, think / 2, lambda: self.book(connection, parent, LATER_DAY), (201,))
        finally:
            connection.close()

    async def _tomorrow(self, visit: Visit, think: float, parent: Parent, connection: Connection) -> None:
        """Done when it was answered before noon, refused when it was asked after; between the two, either."""
        key = {"Idempotency-Key": str(uuid.uuid4())}

        def send() -> Any:
            if parent.booked:
                body = {"ids": list(parent.booked)}
                return connection.request("DELETE", "/api/v1/reservations", body, parent.token, key)
            return self.book(connection, parent, TOMORROW, key)

        can_be_late = parent.wish == GIVE_BACK
        is_late = visit.due_after(think) >= self._noon and not can_be_late
        step = TOO_LATE if is_late else parent.wish
        answer: Answer = await visit.step(step, think, send, (200, 201, 409))
        answered = time.perf_counter()
        reason = "CANCELLATION_CUTOFF_PASSED" if parent.booked else "BOOKING_CUTOFF_PASSED"
        is_refused = answer.status == 409
        if is_refused and answer.json().get("reason") != reason:
            raise visit.fail(step, f"refused for {answer.json().get('reason')}")
        if is_refused and (can_be_late or answered < self._noon):
            raise visit.fail(step, "refused though it was not too late")
        if not is_refused and visit.sent >= self._noon and not can_be_late:
            raise visit.fail(step, "done though asked after the cut-off")
        self.refused += is_refused
        self.done += not is_refused

    @staticmethod
    async def book(connection: Connection, parent: Parent, day: date, key: dict[str, str] | None = None) -> Answer:
        midi, meal = parent.town.activities[parent.family.school][1:3]
        body = {"child_id": parent.family.child_ids[0], "day": day.isoformat(), "activity_ids": [midi, meal]}
        headers = key or {"Idempotency-Key": str(uuid.uuid4())}
        return await connection.request("POST", "/api/v1/reservations", body, parent.token, headers)


async def make_towns(run: LoadRun) -> list[BenchTown]:
    """Small towns, alike but for their names, whose activities all close the day before at noon."""
    cutoff = agenda.Cutoff(days_before=1, hour=12, counting=agenda.CUTOFF_COUNTING_ALL_DAYS)
    gate = asyncio.Semaphore(6)
    async with run.services() as (services, simulator):

        async def one(number: int) -> BenchTown:
            async with gate:
                plan = Plan(
                    f"commune-{number}", sites=1, capacity=60, last=date(2025, 9, 30), cutoff=cutoff, has_accounts=False,
                    time_zone="Europe/Paris",
                )  # fmt: skip
                return (await make_town(services, simulator, Size(run.options.families, 1, 0), plan))[0]

        return list(await asyncio.gather(*(one(number) for number in range(run.options.towns))))


async def prepare(run: LoadRun) -> list[Parent]:
    """Half of the parents have booked tomorrow already, and half of these have paid it."""
    run.platform.start(None, PREPARED_AT)
    towns = await make_towns(run)
    slugs = [town.slug for town in towns]
    await open_accounts(run.platform, slugs, datetime.fromisoformat(PREPARED_AT))
    tokens = await open_sessions(run.platform, slugs, datetime.fromisoformat(PREPARED_AT))
    pairs = [(town, family) for town in towns for family in town.families]
    random.Random(run.options.seed).shuffle(pairs)
    parents = [
        Parent(town, family, tokens[town.slug, family.username], WISHES[number % len(WISHES)])
        for number, (town, family) in enumerate(pairs)
    ]
    gate = asyncio.Semaphore(8)

    async def ready(parent: Parent) -> Parent:
        async with gate:
            return parent if parent.wish == BOOK else await book_before(run, parent)

    parents = list(await asyncio.gather(*(ready(parent) for parent in parents)))
    await wait_until_paid(run, sum(parent.wish == CANCEL for parent in parents))
    return parents


async def book_before(run: LoadRun, parent: Parent) -> Parent:
    """The parent with tomorrow booked, and paid when it is to be cancelled."""
    ports = run.platform.ports
    connection = Connection(ports["gateway"], parent.town.host)
    simulator = Connection(ports["simulator"], "127.0.0.1")
    try:
        booked = await CutoffHour.book(connection, parent, TOMORROW)
        assert booked.status == 201, booked.body
        if parent.wish == CANCEL:
            basket = await connection.request("GET", "/api/v1/basket?page_size=10", None, parent.token)
            wanted = {"expected_total": basket.json()["total"]}
            invoice = await connection.request("POST", "/api/v1/invoices", wanted, parent.token)
            assert invoice.status == 201, invoice.body
            operation = parse_qs(urlsplit(invoice.json()["payment_url"]).query.lower())["idop"][0]
            for verb, body in (("result", {"result": "P"}), ("notify", {})):
                path = f"/admin/api/payments/{operation}/{verb}"
                told = await simulator.request("POST", path, body)
                assert told.status == 200, told.body
    finally:
        connection.close()
        simulator.close()
    return replace(parent, booked=tuple(row["id"] for row in booked.json()["items"]))


async def wait_until_paid(run: LoadRun, invoices: int) -> None:
    """Until the agenda has confirmed what was paid."""
    connection = await asyncpg.connect(run.platform.billing_url())
    try:
        end = time.perf_counter() + 60
        while await connection.fetchval("SELECT count(*) FROM invoice_state WHERE is_confirmed") < invoices:
            if time.perf_counter() > end:
                raise SystemExit("what was paid beforehand is not confirmed after a minute")
            await asyncio.sleep(0.25)
    finally:
        await connection.close()


def restart_before_noon(run: LoadRun) -> float:
    """Start the platform again shortly before its noon; when that is, on ``time.perf_counter``."""
    run.platform.stop()
    ahead = timedelta(seconds=run.options.seconds * BEFORE + SETTLE_SECONDS)
    run.platform.start(None, (NOON - ahead).isoformat())
    clock = run.platform.folder.state()["clock"]
    offset = datetime.fromisoformat(clock["NOW"]) - datetime.fromisoformat(clock["NOW_ANCHOR"])
    return time.perf_counter() + (NOON - offset - datetime.now(UTC)).total_seconds()


async def work(run: LoadRun) -> None:
    options = run.options
    parents = await prepare(run)
    noon = restart_before_noon(run)
    phases = [Phase(part * options.seconds, share) for part, share in PHASES]
    times = arrivals(len(parents), phases, options.seed)
    print(
        f"{len(parents)} parents of {options.towns} towns within {options.seconds:.0f} s, {peak_rate(times, 5.0):.1f}/s"
        f" in the worst 5 s; the cut-off passes after {BEFORE * options.seconds:.0f} s"
    )
    hour, figures = CutoffHour(run, parents, noon), Figures()
    spare = noon - BEFORE * options.seconds - time.perf_counter()
    if spare < 0:
        raise SystemExit(f"the platform took {SETTLE_SECONDS - spare:.0f} s to start: raise SETTLE_SECONDS")
    await asyncio.sleep(spare)
    async with run.measured("parent", len(parents)):
        await run_open_loop(times, hour.parent, figures, cap=options.connections, patience=PATIENCE)
    figures.print()
    print(f"tomorrow: {hour.done} done before the cut-off, {hour.refused} refused after it\n")
    run.judge_steps(figures, BUDGETS)
    await judge_instants(run, parents)


async def judge_instants(run: LoadRun, parents: list[Parent]) -> None:
    """What the database says of tomorrow: nothing booked after noon, and nothing cancelled that was paid."""
    connection = await asyncpg.connect(run.platform.agenda_url())
    try:
        day = (TOMORROW - date(1970, 1, 1)).days
        late = await connection.fetchval(
            "SELECT count(*) FROM reservation WHERE session_key >> 16 = $1"
            " AND (created_at > $2 OR (status = 3 AND closed_at > $2 AND reservation_id <> ALL($3)))",
            day,
            NOON,
            [int(each) for parent in parents if parent.wish == GIVE_BACK for each in parent.booked],
        )
    finally:
        await connection.close()
    run.at_most("reservations of tomorrow booked or cancelled after the cut-off", late, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", type=int, default=TOWNS)
    parser.add_argument("--families", type=int, default=FAMILIES, help="of each town, one child each")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="in which they come, half of it before the cut-off"
    )
    return run_load(parser, QUICK, work)


if __name__ == "__main__":
    sys.exit(main())
