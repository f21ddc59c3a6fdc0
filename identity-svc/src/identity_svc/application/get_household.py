"""A household with its people."""

from __future__ import annotations

from uuid import UUID

from preau_kernel.context import Context

from identity_svc.application.access import is_wider_than_household
from identity_svc.application.ports import UnitOfWorkFactory
from identity_svc.domain.errors import HouseholdNotFoundError
from identity_svc.domain.people import Household


async def get_household(household_id: str, context: Context, uow_factory: UnitOfWorkFactory) -> Household:
    """The caller's own; services, staff and operators may name one of their town. Any other is not found."""
    wanted = household_id or context.require_household()
    if wanted.lower() != context.household_id and not is_wider_than_household(context):
        raise HouseholdNotFoundError
    try:
        identifier = UUID(wanted)
    except ValueError as error:
        raise HouseholdNotFoundError from error
    async with uow_factory(context) as uow:
        household = await uow.households.by_id(identifier)
    if household is None:
        raise HouseholdNotFoundError
    return household
