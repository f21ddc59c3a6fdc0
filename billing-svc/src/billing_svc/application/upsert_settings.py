"""A town's tariffs and till."""

from __future__ import annotations

from preau_kernel.context import SERVICE_ROLE, Context
from preau_kernel.ids import IdFactory

from billing_svc.application.ports import BooksFactory
from billing_svc.domain.numbering import check_till
from billing_svc.domain.tariffs import Tariff, plan_tariff

STAFF_ROLES = ("staff", "operator", SERVICE_ROLE)


async def upsert_tariff(activity_id: str, tariff: Tariff, context: Context, open_books: BooksFactory) -> str:
    """A dated tariff; the open-ended one before it ends the day before. Its id."""
    context.require_role(*STAFF_ROLES)
    async with open_books(context) as books:
        plan = plan_tariff(await books.lock_tariffs(activity_id), tariff)
        await books.apply_tariffs(activity_id, plan)
        await books.commit()
    return plan.id


async def upsert_till(
    code: str, name: str, siret: str, vat_mention: str, context: Context, open_books: BooksFactory, ids: IdFactory
) -> str:
    """A till, found by its code. Its id."""
    context.require_role(*STAFF_ROLES)
    check_till(code, siret)
    async with open_books(context) as books:
        till_id = await books.put_till(str(ids.new()), code, name, siret, vat_mention)
        await books.commit()
    return till_id
