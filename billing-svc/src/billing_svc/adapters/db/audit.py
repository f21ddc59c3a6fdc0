"""The comparisons of the ledger check (``application/check_ledger.py``): two statements a town, under its own security."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from billing_svc.application.check_ledger import DocumentSlice
from billing_svc.domain.documents import DocumentKind
from billing_svc.domain.ledger import FAMILY_CREDIT, MEANS_ACCOUNTS, RECEIVABLE, REVENUE
from billing_svc.domain.states import InvoiceState

_MEANS = {means: account for means, account in MEANS_ACCOUNTS.items() if account != FAMILY_CREDIT}
# One statement, so one snapshot: a movement and its paper are committed together.
_BOOKS = f"""
WITH booked AS (
  SELECT e.account, sum(e.debit_minor - e.credit_minor) AS balance FROM ledger_entry e WHERE e.tenant_id = $1 GROUP BY e.account
), expected AS (
  SELECT '{REVENUE}' AS account, -COALESCE(sum(d.total_minor), 0) AS balance FROM document d WHERE d.tenant_id = $1
  UNION ALL
  SELECT '{RECEIVABLE}', COALESCE(sum(d.total_minor), 0)
    FROM invoice_state s JOIN document d ON d.tenant_id = s.tenant_id AND d.id = s.invoice_id
   WHERE s.tenant_id = $1 AND s.status = {InvoiceState.ISSUED:d}
  UNION ALL
  SELECT m.account, COALESCE(sum(p.amount_minor), 0)
    FROM unnest($2::text[], $3::text[]) AS m (means, account)
    LEFT JOIN payment p ON p.tenant_id = $1 AND p.means = m.means GROUP BY m.account
), allocated AS (
  SELECT a.invoice_id, sum(a.amount_minor) AS amount FROM allocation a WHERE a.tenant_id = $1 GROUP BY a.invoice_id
), spent AS (
  SELECT a.payment_id, sum(a.amount_minor) AS amount FROM allocation a WHERE a.tenant_id = $1 GROUP BY a.payment_id
)
SELECT (SELECT count(*) FROM booked b FULL JOIN expected x USING (account)
         WHERE account <> '{FAMILY_CREDIT}' AND COALESCE(b.balance, 0) <> COALESCE(x.balance, 0))
       + (SELECT count(*) FROM (SELECT FROM booked HAVING sum(balance) <> 0) z) AS account,
       (SELECT count(*) FROM (
          SELECT FROM ledger_entry e WHERE e.tenant_id = $1 AND e.account = '{FAMILY_CREDIT}'
           GROUP BY e.household_key HAVING sum(e.credit_minor - e.debit_minor) < 0) h) AS credit,
       (SELECT count(*) FROM document d
          LEFT JOIN invoice_state s ON s.tenant_id = d.tenant_id AND s.invoice_id = d.id
          LEFT JOIN allocated a ON a.invoice_id = d.id
         WHERE d.tenant_id = $1 AND d.kind = {DocumentKind.INVOICE:d}
           AND (s.status IS NULL OR COALESCE(a.amount, 0) <> CASE s.status WHEN {InvoiceState.PAID:d} THEN d.total_minor ELSE 0 END)
       ) AS invoice,
       (SELECT count(*) FROM spent a LEFT JOIN payment p ON p.tenant_id = $1 AND p.id = a.payment_id
         WHERE p.id IS NULL OR a.amount > p.amount_minor) AS payment"""
_DOCUMENTS = """
SELECT count(*) AS seen, COALESCE(max(d.key), 0) AS last_key,
       count(*) FILTER (WHERE l.total <> d.total_minor OR l.lines <> d.line_count) AS wrong
FROM (SELECT o.key, o.total_minor, o.line_count FROM document o
       WHERE o.tenant_id = $1 AND o.key > $2 ORDER BY o.key LIMIT $3) d
CROSS JOIN LATERAL (SELECT COALESCE(sum(x.price_minor), 0) AS total, count(*) AS lines FROM document_line x
                     WHERE x.tenant_id = $1 AND x.document_key = d.key) l"""


class SqlLedgerAudit:
    """``LedgerAudit`` on PostgreSQL."""

    def __init__(self, database: Database, work_database: Database) -> None:
        self._database = database
        self._work_database = work_database

    async def towns(self) -> Sequence[Context]:
        rows = await self._work_database.fetch("SELECT tenant_id, slug FROM town")
        return [Context.system(TenantId(row["tenant_id"]), TenantSlug(row["slug"])) for row in rows]

    async def books(self, context: Context) -> Mapping[str, int]:
        async with self._database.unit_of_work(context) as uow:
            (row,) = await uow.fetch(_BOOKS, context.tenant_id, list(_MEANS), list(_MEANS.values()))
        return dict(row)

    async def documents(self, context: Context, after_key: int, limit: int) -> DocumentSlice:
        async with self._database.unit_of_work(context) as uow:
            (row,) = await uow.fetch(_DOCUMENTS, context.tenant_id, after_key, limit)
        return DocumentSlice(row["wrong"], row["last_key"], is_last=row["seen"] < limit)
