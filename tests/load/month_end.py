"""Month end: the letters went out, and families pay their baskets within minutes.

Each looks at the basket, has the invoice made, pays by card on the provider's page and comes back. Every notification
comes twice; some never come, and of these some families have closed the page too: only the poller finds their money.
How long from the card to « confirmé » is what the alert's objective is about (60 s); whoever nothing told is timed from
the poller's turn, which here is asked for at the end instead of waiting up to five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import uuid
from collections import Counter
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
from arrivals import Phase, arrivals, peak_rate
from bench_platform import NOW
from bench_town import BenchTown, Family, Plan, Size, make_town
from latency import SHARES, Figures, percentile
from load_run import LoadRun, run_load, source_address
from open_loop import Visit, run_open_loop
from people import open_accounts, open_sessions
from preau.payment.v1 import payment_service_pb2 as payment
from preau_stack.services import patient
from scenarios import ROWS, bulk_body
from wire import Connection

BASKET, INVOICE, PAGE, CARD, BACK = (
    "basket",
    "invoice and payment start",
    "provider's page",
    "card paid",
    "page of return",
)
# p99 in seconds from the instant at which each step was due; any error at all is a miss.
BUDGETS = {BASKET: 1.0, INVOICE: 3.0, BACK: 2.0}
CONFIRMED_SECONDS = 60.0
"""Objective of docs/telemetry: from paid at the provider to confirmed, p99; of the poller's finds, from its turn."""
THINKING = {INVOICE: 3.0, PAGE: 1.0, CARD: 6.0, BACK: 0.5}

TOWNS = 5
FAMILIES = 1_000
SECONDS = 180.0
QUICK = {"families": 120, "seconds": 30.0}
PHASES = ((0.2, 0.4), (0.3, 0.35), (0.5, 0.25))
"""Of the time, of the families: most open the letter as it comes."""
PATIENCE = 60.0
WATCH_SECONDS = 0.2
CARD_NUMBER = "4111111111111111"


class Told(Enum):
    """Who tells the platform that a card was paid."""

    TWICE = "notified twice, and back in the browser"
    BY_RETURN = "notification lost, back in the browser"
    BY_NOBODY = "notification lost, browser closed: the poller"


SHARES_OF_TOLD = {Told.TWICE: 0.7, Told.BY_RETURN: 0.2, Told.BY_NOBODY: 0.1}


class MonthEnd:
    """What a family does, and when its card was paid."""

    def __init__(self, run: LoadRun, people: list[tuple[BenchTown, Family, str]]) -> None:
        ports = run.platform.ports
        self._port, self._simulator = ports["gateway"], ports["simulator"]
        self._people = people
        source = random.Random(run.options.seed + 1)
        self._thinking = [{step: mean * source.uniform(0.5, 1.5) for step, mean in THINKING.items()} for _ in people]
        self._told = source.choices(list(SHARES_OF_TOLD), list(SHARES_OF_TOLD.values()), k=len(people))
        self.paid: dict[str, tuple[float, Told]] = {}
        """By invoice: when the card was sent (``time.perf_counter``), and who tells of it."""

    async def family(self, visit: Visit) -> None:
        town, _, token = self._people[visit.number]
        think, told = self._thinking[visit.number], self._told[visit.number]
        connection = Connection(self._port, town.host, source_address(visit.number))
        provider = Connection(self._simulator, "127.0.0.1")
        try:
            basket = await visit.step(
                BASKET, 0.0, lambda: connection.request("GET", "/api/v1/basket?page_size=10", None, token)
            )
            total = basket.json()["total"]
            key = {"Idempotency-Key": str(uuid.uuid4())}
            started = await visit.step(
                INVOICE,
                think[INVOICE],
                lambda: connection.request("POST", "/api/v1/invoices", {"expected_total": total}, token, key),
                (201,),
            )
            invoice = started.json()
            if len(invoice["lines"]) != ROWS or invoice["total"] != total:
                raise visit.fail(INVOICE, "not the basket's lines or total")
            await self._pay(visit, provider, invoice, think, told)
            if told is not Told.BY_NOBODY:
                address = f"/paiement/retour/{invoice['attempt_id']}"
                cookie = {"Cookie": f"preau_session={token}"}
                await visit.step(BACK, think[BACK], lambda: connection.request("GET", address, None, "", cookie))
        finally:
            connection.close()
            provider.close()

    async def _pay(
        self, visit: Visit, provider: Connection, invoice: dict[str, Any], think: dict[str, float], told: Told
    ) -> None:
        address = urlsplit(invoice["payment_url"])
        page = f"{address.path}?{address.query}"
        await visit.step(PAGE, think[PAGE], lambda: provider.request("GET", page))
        operation = next(value[0] for name, value in parse_qs(address.query).items() if name.lower() == "idop")
        if told is Told.TWICE:
            card = {"idop": operation, "number": CARD_NUMBER, "expiry": "12/30", "code": "123", "action": "pay"}
            form = urlencode(card).encode()
            paid = await visit.step(CARD, think[CARD], lambda: provider.request("POST", address.path, form), (302, 303))
        else:
            # The simulator's own way to pay without a notification.
            result = f"/admin/api/payments/{operation}/result"
            paid = await visit.step(CARD, think[CARD], lambda: provider.request("POST", result, {"result": "P"}))
        assert paid.status
        self.paid[invoice["id"]] = (visit.sent, told)


async def prepare(run: LoadRun) -> MonthEnd:
    """Families of a few towns, each with a month in its basket."""
    options = run.options
    run.platform.start(None)
    async with run.services() as (services, simulator):
        plans = [Plan(f"ville-{number}", sites=5, has_accounts=False) for number in range(TOWNS)]
        size = Size(-(-options.families // TOWNS), 1, 0)
        towns = [
            each for each, _ in await asyncio.gather(*(make_town(services, simulator, size, plan) for plan in plans))
        ]
    now = datetime.fromisoformat(NOW)
    slugs = [town.slug for town in towns]
    await open_accounts(run.platform, slugs, now)
    tokens = await open_sessions(run.platform, slugs, now)
    people = [(town, family, tokens[town.slug, family.username]) for town in towns for family in town.families]
    random.Random(options.seed).shuffle(people)
    people = people[: options.families]
    gate = asyncio.Semaphore(8)

    async def book(town: BenchTown, family: Family, token: str) -> None:
        async with gate:
            connection = Connection(run.platform.ports["gateway"], town.host)
            entry = bulk_body(town, family.child_ids[0], family.school, 0)
            answer = await connection.request("POST", "/api/v1/bulk-entries", entry, token)
            connection.close()
            assert answer.json()["created"] == ROWS, answer.body

    await asyncio.gather(*(book(*person) for person in people))
    switches = Connection(run.platform.ports["simulator"], "127.0.0.1")
    answer = await switches.request("PUT", "/admin/api/switches", {"duplicate_notification": True})
    switches.close()
    assert answer.status == 200, answer.body
    return MonthEnd(run, people)


class Confirmations:
    """Watches billing's table: when it first saw each invoice confirmed by the agenda, to a fifth of a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[str, float] = {}

    async def watch(self) -> None:
        """Until cancelled."""
        connection = await asyncpg.connect(self._url)
        try:
            while True:
                rows = await connection.fetch("SELECT invoice_id::text FROM invoice_state WHERE is_confirmed")
                now = time.perf_counter()
                for row in rows:
                    self.seen.setdefault(row["invoice_id"], now)
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            await connection.close()

    async def wait_for(self, invoices: set[str], seconds: float) -> None:
        """Until all these are confirmed, at most ``seconds``."""
        end = time.perf_counter() + seconds
        while not invoices <= self.seen.keys() and time.perf_counter() < end:  # noqa: ASYNC110 - a table is watched
            await asyncio.sleep(WATCH_SECONDS)


async def poll(run: LoadRun) -> int:
    """The poller's turn, asked for by the operator town by town: how many payments it settled."""
    settled = 0
    async with run.services() as (services, _):
        for number in range(TOWNS):
            token = await services.operator_token(f"ville-{number}")
            settled += (
                await patient(services.payment.PollPayments, payment.PollPaymentsRequest(), token)
            ).settled_count
    return settled


async def work(run: LoadRun) -> None:
    options = run.options
    month = await prepare(run)
    phases = [Phase(part * options.seconds, share) for part, share in PHASES]
    times = arrivals(options.families, phases, options.seed)
    print(
        f"{options.families} families of {TOWNS} towns pay within {options.seconds:.0f} s,"
        f" {peak_rate(times, 5.0):.1f}/s in the worst 5 s"
    )
    figures, confirmed = Figures(), Confirmations(run.platform.billing_url())
    watching = asyncio.create_task(confirmed.watch())
    try:
        async with run.measured("family", options.families):
            await run_open_loop(times, month.family, figures, cap=options.connections, patience=PATIENCE)
            told = {invoice for invoice, (_, by) in month.paid.items() if by is not Told.BY_NOBODY}
            await confirmed.wait_for(told, CONFIRMED_SECONDS)
            turn = time.perf_counter()
            settled = await poll(run)
            await confirmed.wait_for(set(month.paid), CONFIRMED_SECONDS)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    figures.print()
    run.judge_steps(figures, BUDGETS)
    print(f"\nfrom paid to confirmed, seconds; the poller's turn settled {settled}")
    kinds = Counter(by for _, by in month.paid.values())
    for kind in Told:
        waits = [
            confirmed.seen[invoice] - (turn if kind is Told.BY_NOBODY else sent)
            for invoice, (sent, by) in month.paid.items()
            if by is kind and invoice in confirmed.seen
        ]
        row = "  ".join(f"{percentile(waits, share):6.2f}" for share in SHARES)
        print(f"  {kind.value:48} {len(waits)} of {kinds[kind]}   {row}")
        run.at_most(f"p99 paid to confirmed, {kind.value}, s", percentile(waits, 0.99), CONFIRMED_SECONDS)
    run.at_most("paid and not confirmed", len(month.paid.keys() - confirmed.seen.keys()), 0)
    run.at_most("families that did not pay", options.families - len(month.paid), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=FAMILIES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="in which they begin to pay")
    return run_load(parser, QUICK, work)


if __name__ == "__main__":
    sys.exit(main())
