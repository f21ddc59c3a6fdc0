"""Create a household with its people and their accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from preau_kernel.clock import Clock
from preau_kernel.context import GUARDIAN_ROLE, Context
from preau_kernel.errors import ConflictError, InvalidError
from preau_kernel.ids import IdFactory

from identity_svc.application.access import require_import
from identity_svc.application.ports import PasswordHasher, UnitOfWork, UnitOfWorkFactory
from identity_svc.domain.errors import UsernameTakenError
from identity_svc.domain.events import HouseholdChanged
from identity_svc.domain.passwords import check_password, normalise_password
from identity_svc.domain.people import Account, Household, check_household, check_username, username_key


@dataclass(frozen=True, slots=True)
class NewAccount:
    guardian_index: int
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class ImportHousehold:
    """Ids in ``household`` are not looked at: they are given here."""

    household: Household
    accounts: tuple[NewAccount, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    household: Household
    was_created: bool


async def import_household(
    command: ImportHousehold,
    context: Context,
    uow_factory: UnitOfWorkFactory,
    hasher: PasswordHasher,
    clock: Clock,
    ids: IdFactory,
) -> Imported:
    """The same reference twice creates nothing new and changes nothing."""
    require_import(context)
    household = _with_new_ids(check_household(command.household), ids)
    _check_accounts(command)
    async with uow_factory(context) as uow:
        known = await uow.households.by_external_ref(household.external_ref)
    if known is not None:
        return Imported(known, was_created=False)
    # Hashed before the transaction: it takes longer than all the rest.
    hashes = [await hasher.hash(normalise_password(account.password)) for account in command.accounts]
    async with uow_factory(context) as uow:
        if not await uow.households.insert(household):
            raise ConflictError
        for index, (account, password_hash) in enumerate(zip(command.accounts, hashes, strict=True)):
            await _open_account(uow, index, account, password_hash, household, clock, ids.new())
        uow.publish(
            HouseholdChanged(
                household.id,
                tuple(child.id for child in household.children),
                household.is_resident,
                household.version,
            )
        )
        await uow.commit()
    return Imported(household, was_created=True)


def _with_new_ids(household: Household, ids: IdFactory) -> Household:
    return replace(
        household,
        id=ids.new(),
        guardians=tuple(replace(guardian, id=ids.new()) for guardian in household.guardians),
        children=tuple(replace(child, id=ids.new()) for child in household.children),
    )


def _check_accounts(command: ImportHousehold) -> None:
    for index, account in enumerate(command.accounts):
        path = f"accounts[{index}]"
        if not 0 <= account.guardian_index < len(command.household.guardians):
            raise InvalidError("GUARDIAN_INDEX_INVALID", f"{path}.guardian_index", "no such guardian in the request")
        username = check_username(account.username, f"{path}.username")
        check_password(account.password, username, f"{path}.password")


async def _open_account(
    uow: UnitOfWork,
    index: int,
    new: NewAccount,
    password_hash: str,
    household: Household,
    clock: Clock,
    account_id: UUID,
) -> None:
    guardian = household.guardians[new.guardian_index]
    account = Account(
        id=account_id,
        username=check_username(new.username),
        first_name=guardian.first_name,
        last_name=guardian.last_name,
        email=guardian.email,
        language="",
        household_id=household.id,
        roles=frozenset({GUARDIAN_ROLE}),
    )
    if not await uow.accounts.insert(account, username_key(new.username), password_hash, clock.now()):
        raise UsernameTakenError(index)
