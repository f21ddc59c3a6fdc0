"""The platform's databases and bus as its superuser sees them: what must hold at rest, whatever came before."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
from preau_stack.databases import SERVICES
from preau_stack.running import RunningPlatform

_HELD, _CONFIRMED = 1, 2
_PENDING, _INVOICED, _SETTLED = 1, 2, 3
_BILLED_AS = {_HELD: {_PENDING, _INVOICED}, _CONFIRMED: {_SETTLED}}

_WRONG_COUNTERS = """
SELECT s.tenant_id, s.session_key, s.booked, s.capacity, coalesce(r.live, 0) AS live
  FROM session s
  LEFT JOIN (SELECT tenant_id, session_key, count(*) AS live FROM reservation WHERE status IN (1, 2) GROUP BY 1, 2) r
    USING (tenant_id, session_key)
 WHERE s.booked <> coalesce(r.live, 0) OR s.booked > s.capacity"""

_WRONG_TRANSACTIONS = """
SELECT tenant_id, transaction_id FROM ledger_entry GROUP BY 1, 2 HAVING sum(debit_minor) <> sum(credit_minor)"""

# What families owe by the ledger is what is on their unpaid invoices.
_WRONG_RECEIVABLES = """
SELECT tenant_id, coalesce(due, 0) AS due, coalesce(booked, 0) AS booked
  FROM (SELECT tenant_id, sum(total_minor) AS due FROM invoice_state s JOIN document d USING (tenant_id)
         WHERE d.id = s.invoice_id AND s.status = 1 GROUP BY 1) a
  FULL JOIN (SELECT tenant_id, sum(debit_minor - credit_minor) AS booked FROM ledger_entry
              WHERE account = 'receivable' GROUP BY 1) b USING (tenant_id)
 WHERE coalesce(due, 0) <> coalesce(booked, 0)"""

_GAPS = """
SELECT tenant_id, prefix FROM (
  SELECT tenant_id, regexp_replace(number, '[0-9]+$', '') AS prefix, regexp_replace(number, '^.*-', '')::int AS rank FROM document) d
 GROUP BY 1, 2 HAVING max(rank) <> count(*) OR min(rank) <> 1"""

_FAMILY_CREDIT = """
SELECT coalesce(sum(credit_minor - debit_minor), 0) FROM ledger_entry e
  JOIN household h ON h.tenant_id = e.tenant_id AND h.key = e.household_key
 WHERE e.account = 'family_credit' AND h.household_id = $1::uuid"""

_PAYMENTS = """
SELECT count(*) FROM payment p JOIN household h ON h.tenant_id = p.tenant_id AND h.key = p.household_key
 WHERE h.household_id = $1::uuid"""


class Books:
    """SQL as superuser, which row security does not hide anything from, and the broker's own account of itself."""

    def __init__(self, platform: RunningPlatform) -> None:
        self._platform = platform
        self._monitor = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{platform.ports['nats_monitor']}", timeout=5, trust_env=False
        )

    async def close(self) -> None:
        await self._monitor.aclose()

    async def fetch(self, service: str, sql: str, *values: Any) -> list[Any]:
        password = self._platform.folder.secrets()["postgres"]
        url = f"postgresql://postgres:{password}@127.0.0.1:{self._platform.ports['postgres']}/{service}"
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def value(self, service: str, sql: str, *values: Any) -> Any:
        return (await self.fetch(service, sql, *values))[0][0]

    async def streams(self) -> dict[str, dict[str, Any]]:
        """JetStream's streams by name, with their consumers."""
        answer = await self._monitor.get("/jsz", params={"consumers": "true", "config": "true"})
        accounts = answer.json().get("account_details", [])
        return {stream["name"]: stream for account in accounts for stream in account.get("stream_detail", [])}

    async def is_quiet(self) -> bool:
        """Every event is published and taken in."""
        for service in SERVICES:
            if await self.value(service, "SELECT count(*) FROM outbox WHERE published_at IS NULL"):
                return False
        consumers = [each for stream in (await self.streams()).values() for each in stream.get("consumer_detail", [])]
        return bool(consumers) and not any(each["num_pending"] or each["num_ack_pending"] for each in consumers)

    async def check(self) -> None:
        """Counters, prices, ledger, numbers, and nothing put aside."""
        assert not await self.fetch("agenda", _WRONG_COUNTERS)
        assert not await self.fetch("billing", _WRONG_TRANSACTIONS)
        assert not await self.fetch("billing", _WRONG_RECEIVABLES)
        assert not await self.fetch("billing", _GAPS)
        await self._check_lines()
        dead = (await self.streams()).get("DLQ", {"state": {"messages": 0}})
        assert dead["state"]["messages"] == 0, "there are dead letters"

    async def _check_lines(self) -> None:
        """Every live reservation is billed once, as what it is; nothing else is billed."""
        reserved = {
            (row["tenant_id"], row["reservation_id"]): row["status"]
            for row in await self.fetch("agenda", "SELECT tenant_id, reservation_id, status FROM reservation WHERE status IN (1, 2)")
        }  # fmt: skip
        lines = await self.fetch(
            "billing", "SELECT tenant_id, reservation_id, status FROM charge_line WHERE status <= 3"
        )
        billed = {(row["tenant_id"], row["reservation_id"]): row["status"] for row in lines}
        assert len(billed) == len(lines), "a reservation is billed twice"
        assert reserved.keys() == billed.keys(), reserved.keys() ^ billed.keys()
        assert not [key for key, status in reserved.items() if billed[key] not in _BILLED_AS[status]]

    async def family_credit(self, household_id: str) -> int:
        return int(await self.value("billing", _FAMILY_CREDIT, household_id))

    async def payments_of(self, household_id: str) -> int:
        """How often money of the household was booked."""
        return int(await self.value("billing", _PAYMENTS, household_id))

    async def statuses(self, household_id: str) -> dict[int, int]:
        """How many of the household's reservations are held (1), confirmed (2), cancelled (3), expired (4)."""
        sql = """SELECT status, count(*) AS n FROM reservation r JOIN household h USING (tenant_id, household_key)
                  WHERE h.household_id = $1::uuid GROUP BY 1"""
        return {row["status"]: row["n"] for row in await self.fetch("agenda", sql, household_id)}

    async def confirmations(self, household_id: str) -> int:
        """How many times the agenda said of the household that something is confirmed."""
        sql = """SELECT count(*) FROM outbox WHERE type = 'preau.agenda.v1.ReservationsConfirmed'
                    AND position(convert_to($1, 'UTF8') in body) > 0"""
        return int(await self.value("agenda", sql, household_id))
