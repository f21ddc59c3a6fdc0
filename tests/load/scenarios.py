"""What the clients of each scenario send, and what they take for a good answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from bench_town import CENTRE, BenchTown
from driving import DONE, Step
from wire import Connection

ROWS = 72

Entry = tuple[int, dict[str, Any]]
"""Number of the family, and the body of a bulk entry for one of its children."""


def bulk_body(town: BenchTown, child: str, school: int, period: int) -> dict[str, Any]:
    first, last = town.periods[period]
    return {
        "child_ids": [child],
        "action": "create",
        "from": first.isoformat(),
        "to": last.isoformat(),
        "activity_ids": town.activities[school],
        "periodicity": "none",
        "weekdays": [],
    }


def spread_work(town: BenchTown, clients: int, kinds: Iterable[int]) -> list[Iterator[Entry]]:
    """Per client: its own families, over schools and periods; every body makes 72 new rows.

    ``kinds`` picks disjoint children, so that what one scenario has booked the next does not find booked.
    """
    kinds = list(kinds)
    return [
        iter(
            [
                (number, bulk_body(town, child, town.families[number].school, (client + step) % len(town.periods)))
                for step in range(len(town.periods))
                for kind in kinds
                for number in range(client, len(town.families), clients)
                for child in town.families[number].child_ids[kind::4]
            ]
        )
        for client in range(clients)
    ]


def hot_work(town: BenchTown, clients: int) -> list[Iterator[Entry]]:
    """As above, with everybody on the shared centre's first period."""
    return [
        iter(
            [
                (number, bulk_body(town, child, CENTRE, 1))
                for number in range(client, len(town.families), clients)
                for child in town.families[number].child_ids
            ]
        )
        for client in range(clients)
    ]


def ordinary_work(town: BenchTown) -> list[Iterator[Entry]]:
    """One client: every second child of an ordinary family books one period, as a September is booked."""
    bodies = [
        (number, bulk_body(town, child, family.school, 0))
        for number, family in enumerate(town.families)
        for child in family.child_ids[: 1 + number % 2]
    ]
    return [iter(bodies[client::8]) for client in range(8)]


def saving(tokens: list[str], work: list[Iterator[Entry]]) -> Step:
    async def step(connection: Connection, client: int) -> str:
        following = next(work[client], None)
        if following is None:
            return DONE
        number, body = following
        answer = await connection.request("POST", "/api/v1/bulk-entries", body, tokens[number])
        if answer.status != 200:
            return f"{answer.status} {answer.body[:120]!r}"
        created = answer.json()["created"]
        return "" if created == ROWS else f"created {created}"

    return step


def reading(tokens: list[str], path: str, *, is_page: bool) -> Step:
    turns = itertools.count()

    async def step(connection: Connection, _client: int) -> str:
        token = tokens[next(turns) % len(tokens)]
        cookie = {"Cookie": f"preau_session={token}"} if is_page else {}
        answer = await connection.request("GET", path, None, "" if is_page else token, cookie)
        return "" if answer.status == 200 else str(answer.status)

    return step


def paying(tokens: list[str]) -> Step:
    """The whole of what is owed: the basket's total is read, then invoiced, and the payment is opened at the provider."""
    families = iter(tokens)

    async def step(connection: Connection, _client: int) -> str:
        token = next(families, None)
        if token is None:
            return DONE
        basket = (await connection.request("GET", "/api/v1/basket?page_size=1", None, token)).json()
        answer = await connection.request("POST", "/api/v1/invoices", {"expected_total": basket["total"]}, token)
        return "" if answer.status == 201 and answer.json()["payment_url"] else f"{answer.status} {answer.body[:120]!r}"

    return step
