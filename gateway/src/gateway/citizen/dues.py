"""Invoices that wait for their payment: what is still owed after « Générer la facture et payer » and a closed tab."""

from __future__ import annotations

from preau.billing.v1 import billing_service_pb2 as billing

from gateway.citizen.desk import Desk
from gateway.citizen.invoices import Document, documents_of

_RECENT = 25


async def unpaid_invoices(desk: Desk, held_count: int, basket_count: int) -> list[Document]:
    """Issued invoices that can still be paid, oldest first.

    The agenda counts what is invoiced and unpaid as held, the basket no longer does: when both agree there is none,
    and billing is not asked.
    """
    if held_count <= basket_count:
        return []
    answer = await desk.clients.billing.list_invoices(desk.token, billing.ListInvoicesRequest(page_size=_RECENT))
    documents = await documents_of(answer.invoices, desk)
    return [item for item in reversed(documents) if item.is_payable]
