"""Opening day: a mid-size town opens September's bookings, and 2,500 families come within five minutes.

Each signs in, looks at the agenda, previews and saves 72 rows, looks at what is to pay and starts its payment. Meanwhile
parents of other towns leaf through their pages, as on any day.

Half of the families come in the first 90 seconds, 30 % in the next 90, the rest in the last 120: places are given to
who comes first and the hour is announced, so the wave is a step with a tail, not an even stream (domain.md, section 5).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import uuid
from datetime import datetime, timedelta
from typing import Any

from arrivals import Phase, arrivals, peak_rate, steady
from bench_platform import NOW
from bench_town import PASSWORD, BenchTown, Plan, Size, make_town
from latency import Figures
from load_run import LoadRun, run_load, source_address
from open_loop import Visit, run_open_loop
from people import open_accounts, open_sessions
from scenarios import ROWS, bulk_body
from wire import Answer, Connection

SIGN_IN, AGENDA, PREVIEW, SAVE, BASKET, PAY = "sign in", "agenda page", "preview", "save 72 rows", "list to pay", "pay"
# p99 in seconds from the instant at which each step was due; any error at all is a miss.
# The agenda page is due a second after the arrival: what the sign-in takes longer is in its figure too.
BUDGETS = {SIGN_IN: 2.0, AGENDA: 2.0, PREVIEW: 1.0, SAVE: 2.0, BASKET: 1.0, PAY: 3.0}
# And from the sending of the request.
SENT_BUDGETS = {AGENDA: 1.0}
OTHERS_BUDGETS = {"home page": 1.0, "month page": 1.0}
# Seconds between the answer's due moment and the next click: reading, filling in, checking. Each family's own, +-50 %.
THINKING = {AGENDA: 1.0, PREVIEW: 10.0, SAVE: 5.0, BASKET: 2.0, PAY: 4.0}

FAMILIES = 2_500
SECONDS = 300.0
QUICK = {"families": 120, "seconds": 40.0}
PHASES = ((0.3, 0.5), (0.3, 0.3), (0.4, 0.2))
"""Of the time, of the families."""
OTHER_TOWNS = 3
OTHERS_PER_SECOND = 3.0
OTHER_FAMILIES = 8
PATIENCE = 200.0
SLUG = "grande-ville"


class OpeningDay:
    """The towns, and what a visitor of each does."""

    def __init__(
        self, run: LoadRun, town: BenchTown, others: list[BenchTown], tokens: dict[tuple[str, str], str]
    ) -> None:
        self._run = run
        self._town = town
        self._others = others
        self._tokens = tokens
        self._port = run.platform.ports["gateway"]
        self._source = random.Random(run.options.seed + 1)
        self._thinking = [
            {step: mean * self._source.uniform(0.5, 1.5) for step, mean in THINKING.items()} for _ in town.families
        ]

    async def family(self, visit: Visit) -> None:
        """A family of the town whose day it is."""
        family = self._town.families[visit.number]
        think = self._thinking[visit.number]
        connection = Connection(self._port, self._town.host, source_address(visit.number))
        try:
            credentials = {"username": family.username, "password": PASSWORD}
            opened = await visit.step(
                SIGN_IN, 0.0, lambda: connection.request("POST", "/api/v1/sessions", credentials), (201,)
            )
            token = str(opened.json()["token"])
            cookie = {"Cookie": f"preau_session={token}"}
            await visit.step(
                AGENDA, think[AGENDA], lambda: connection.request("GET", "/agenda?mois=2025-09", None, "", cookie)
            )
            entry = bulk_body(self._town, family.child_ids[0], family.school, 0)
            preview = await visit.step(
                PREVIEW,
                think[PREVIEW],
                lambda: self._post(connection, "/api/v1/bulk-entries/preview", entry, token, ""),
            )
            told = preview.json()
            if told["created"] != ROWS:
                raise visit.fail(PREVIEW, f"created {told['created']}")
            key = str(uuid.uuid4())
            saved = await visit.step(
                SAVE, think[SAVE], lambda: self._post(connection, "/api/v1/bulk-entries", entry, token, key)
            )
            if saved.json()["created"] != ROWS:
                raise visit.fail(SAVE, f"created {saved.json()['created']}")
            await visit.step(BASKET, think[BASKET], lambda: connection.request("GET", "/paiement", None, "", cookie))
            paid_key, expected = str(uuid.uuid4()), {"expected_total": told["total"]}
            invoice = await visit.step(
                PAY, think[PAY], lambda: self._post(connection, "/api/v1/invoices", expected, token, paid_key), (201,)
            )
            if not invoice.json()["payment_url"] or invoice.json()["total"] != told["total"]:
                raise visit.fail(PAY, "no address to pay at, or another total")
        finally:
            connection.close()

    async def other(self, visit: Visit) -> None:
        """A parent of another town: one page."""
        town = self._others[visit.number % len(self._others)]
        family = town.families[visit.number // 2 % len(town.families)]
        connection = Connection(self._port, town.host, source_address(100_000 + visit.number))
        cookie = {"Cookie": f"preau_session={self._tokens[town.slug, family.username]}"}
        path, name = ("/agenda?mois=2025-10", "month page") if visit.number % 2 else ("/", "home page")
        try:
            await visit.step(name, 0.0, lambda: connection.request("GET", path, None, "", cookie))
        finally:
            connection.close()

    @staticmethod
    async def _post(connection: Connection, path: str, body: dict[str, Any], token: str, key: str) -> Answer:
        return await connection.request("POST", path, body, token, {"Idempotency-Key": key} if key else {})


async def prepare(run: LoadRun) -> OpeningDay:
    """A town of sixteen schools for the families, and smaller ones beside it."""
    run.platform.start(None)
    async with run.services() as (services, simulator):
        plans = [Plan(f"voisine-{number}", sites=1, has_accounts=False) for number in range(OTHER_TOWNS)]
        (town, _), *others = await asyncio.gather(
            make_town(services, simulator, Size(run.options.families, 1, 0), Plan(SLUG, has_accounts=False)),
            *(make_town(services, simulator, Size(OTHER_FAMILIES, 1, 0), plan) for plan in plans),
        )
    now = datetime.fromisoformat(NOW)
    await open_accounts(run.platform, [SLUG, *(plan.slug for plan in plans)], now)
    tokens = await open_sessions(run.platform, [plan.slug for plan in plans], now + timedelta(minutes=1))
    return OpeningDay(run, town, [other for other, _ in others], tokens)


async def work(run: LoadRun) -> None:
    options = run.options
    day = await prepare(run)
    times = arrivals(options.families, [Phase(part * options.seconds, share) for part, share in PHASES], options.seed)
    print(
        f"{options.families} families within {options.seconds:.0f} s: {options.families / options.seconds:.1f}/s on average,"
        f" {peak_rate(times, 10.0):.1f}/s in the worst 10 s; {OTHERS_PER_SECOND:.0f} pages/s of {OTHER_TOWNS} other towns"
    )
    families, others = Figures(), Figures()
    async with run.measured("family", options.families):
        await asyncio.gather(
            run_open_loop(times, day.family, families, cap=options.connections, patience=PATIENCE),
            run_open_loop(
                steady(OTHERS_PER_SECOND, options.seconds, options.seed + 2),
                day.other,
                others,
                cap=options.connections,
                patience=PATIENCE,
            ),
        )
    print("\nthe town whose day it is")
    families.print()
    print("\nother towns, meanwhile")
    others.print()
    print()
    run.judge_steps(families, BUDGETS, SENT_BUDGETS)
    run.judge_steps(others, OTHERS_BUDGETS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=FAMILIES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="in which they come")
    return run_load(parser, QUICK, work)


if __name__ == "__main__":
    sys.exit(main())
