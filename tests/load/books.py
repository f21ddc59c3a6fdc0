"""Do the four services' books agree once all is quiet? Asked of the databases themselves, for every town."""

from __future__ import annotations

import asyncio
import time

import asyncpg
from bench_platform import Platform

_COUNTS = {
    "agenda": {
        "sessions over their capacity": "SELECT count(*) FROM session WHERE booked > capacity",
        "sessions whose counter is not their reservations": """
            SELECT count(*) FROM session s LEFT JOIN (
              SELECT tenant_id, session_key, count(*) AS live FROM reservation WHERE status IN (1, 2) GROUP BY 1, 2) r
            USING (tenant_id, session_key) WHERE s.booked <> coalesce(r.live, 0)""",
        "reservations without a session": """
            SELECT count(*) FROM reservation r LEFT JOIN session s USING (tenant_id, session_key)
            WHERE r.status IN (1, 2) AND s.session_key IS NULL""",
    },
    "billing": {
        "ledger transactions out of balance": """
            SELECT count(*) FROM (SELECT 1 FROM ledger_entry GROUP BY tenant_id, transaction_id
              HAVING sum(debit_minor) <> sum(credit_minor)) x""",
        "towns whose receivable is not what unpaid invoices say": """
            SELECT count(*) FROM (
              SELECT tenant_id, sum(debit_minor - credit_minor) AS owed FROM ledger_entry WHERE account = 'receivable' GROUP BY 1) l
            FULL JOIN (
              SELECT d.tenant_id, sum(d.total_minor) AS owed FROM document d
              JOIN invoice_state s ON s.tenant_id = d.tenant_id AND s.invoice_id = d.id AND s.status = 1 GROUP BY 1) i USING (tenant_id)
            WHERE coalesce(l.owed, 0) <> coalesce(i.owed, 0)""",
        "towns whose bank is not their card payments": """
            SELECT count(*) FROM (
              SELECT tenant_id, sum(debit_minor - credit_minor) AS paid FROM ledger_entry WHERE account = 'bank:payfip' GROUP BY 1) l
            FULL JOIN (
              SELECT tenant_id, sum(amount_minor) AS paid FROM payment WHERE means = 'payfip' GROUP BY 1) p USING (tenant_id)
            WHERE coalesce(l.paid, 0) <> coalesce(p.paid, 0)""",
        "invoices whose total or count is not their lines": """
            SELECT count(*) FROM document d LEFT JOIN (
              SELECT tenant_id, document_key, sum(price_minor) AS total, count(*) AS lines FROM document_line GROUP BY 1, 2) l
            ON l.tenant_id = d.tenant_id AND l.document_key = d.key
            WHERE d.kind = 1 AND (d.total_minor <> coalesce(l.total, 0) OR d.line_count <> coalesce(l.lines, 0))""",
        "invoice numbers with gaps": """
            SELECT count(*) FROM counter c JOIN (
              SELECT tenant_id, count(*) AS issued FROM document WHERE kind = 1 GROUP BY 1) d USING (tenant_id)
            WHERE c.last_rank <> d.issued AND c.series = (SELECT min(series) FROM counter WHERE tenant_id = c.tenant_id)""",
        "paid invoices without their money": """
            SELECT count(*) FROM invoice_state s JOIN document d ON d.tenant_id = s.tenant_id AND d.id = s.invoice_id
            LEFT JOIN (SELECT tenant_id, invoice_id, sum(amount_minor) AS paid FROM allocation GROUP BY 1, 2) a
            ON a.tenant_id = s.tenant_id AND a.invoice_id = s.invoice_id
            WHERE s.status = 2 AND coalesce(a.paid, 0) <> d.total_minor""",
        "paid invoices the agenda has not confirmed": """
            SELECT count(*) FROM invoice_state WHERE status = 2 AND NOT is_confirmed""",
        "lines priced otherwise than their tariff": """
            SELECT count(*) FROM charge_line l JOIN tariff t ON t.tenant_id = l.tenant_id AND t.key = l.tariff_key
            WHERE l.price_minor <> CASE WHEN l.is_resident THEN t.resident_minor ELSE t.non_resident_minor END
              OR t.activity_key <> l.activity_key""",
    },
}
_OUTBOX = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
# Every live reservation of a household, by what it means for money; the exclusive or of the ids stands for the set.
_HELD_AND_CONFIRMED = """
SELECT h.household_id::text, r.status = 2 AS is_paid, count(*), bit_xor(r.reservation_id), max(h.revision)
FROM reservation r JOIN household h USING (tenant_id, household_key) WHERE r.status IN (1, 2) GROUP BY 1, 2
"""
_BASKETS_AND_INVOICES = """
SELECT h.household_id::text, l.status = 3 AS is_paid, count(*), bit_xor(l.reservation_id), max(h.revision)
FROM charge_line l JOIN household h ON h.tenant_id = l.tenant_id AND h.key = l.household_key
WHERE l.status IN (1, 2, 3) GROUP BY 1, 2
"""


async def disagreements(platform: Platform) -> list[str]:
    """What is wrong now, one line each; empty when everything agrees and nothing is under way."""
    found = []
    rows: dict[str, set[tuple[object, ...]]] = {}
    for service in ("identity", "agenda", "billing", "payment"):
        connection = await asyncpg.connect(platform.database_url(service))
        try:
            # Not through row-level security: a town left out here would pass.
            checks = {f"{service}: events not published": _OUTBOX, **_COUNTS.get(service, {})}
            for label, query in checks.items():
                if count := await connection.fetchval(query, timeout=120):
                    found.append(f"{count} {label}")
            if service in {"agenda", "billing"}:
                query = _HELD_AND_CONFIRMED if service == "agenda" else _BASKETS_AND_INVOICES
                rows[service] = {tuple(row) for row in await connection.fetch(query, timeout=120)}
        finally:
            await connection.close()
    if different := rows["agenda"] ^ rows["billing"]:
        households = {row[0] for row in different}
        found.append(f"{len(households)} households whose basket or invoices are not their reservations")
    return found


async def settled_books(platform: Platform, within: float) -> tuple[float, list[str]]:
    """Wait until all agrees, at most ``within`` seconds: how long it took, and what is wrong still."""
    start = time.perf_counter()
    while (found := await disagreements(platform)) and time.perf_counter() - start < within:  # noqa: ASYNC110 - another process's work
        await asyncio.sleep(1)
    return time.perf_counter() - start, found
