import asyncio
from typing import cast

import pytest
from preau.identity.v1 import identity_events_pb2 as events
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.identity.world import PASSWORD, Town, World, household_request


async def household_of(world: World, token: str, household_id: str = "") -> pb.Household:
    answer: pb.GetHouseholdResponse = await world.call("GetHousehold", pb.GetHouseholdRequest(id=household_id), token)
    return answer.household


async def test_a_parent_reads_the_whole_household(world: World, family: Town) -> None:
    token = (await family.sign_in()).access_token
    household = await household_of(world, token)
    assert household == family.households["parent.demo"]
    assert [(child.first_name, child.born_on, child.school_class) for child in household.children] == [
        ("Chloé", "2017-03-02", ""),
        ("David", "", "CM1"),
    ]
    assert [(guardian.first_name, guardian.is_payer) for guardian in household.guardians] == [
        ("Ada", True),
        ("Bo", False),
    ]
    assert household.address.city == "Case-Pilote"
    assert await household_of(world, token, household.id.upper()) == household


async def test_another_household_is_not_found_for_a_parent_and_found_for_a_service(world: World, family: Town) -> None:
    neighbour = await family.add_household("voisin.demo")
    token = (await family.sign_in()).access_token
    with pytest.raises(DomainError) as refusal:
        await household_of(world, token, neighbour.id)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "HOUSEHOLD_NOT_FOUND")
    for service in ("billing", "operator"):
        assert await household_of(world, await family.token(service), neighbour.id) == neighbour


async def test_another_town_s_household_is_not_found_even_for_a_service(world: World, family: Town) -> None:
    other = await world.make_town()
    household = family.households["parent.demo"]
    for household_id in (household.id, "not-an-id", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(DomainError) as refusal:
            await household_of(world, await other.token("billing"), household_id)
        assert refusal.value.reason == "HOUSEHOLD_NOT_FOUND"


async def test_a_service_has_no_household_of_its_own(world: World, family: Town) -> None:
    with pytest.raises(DomainError) as refusal:
        await household_of(world, await family.token("billing"))
    assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_the_same_reference_twice_creates_one_household_and_one_event(world: World, town: Town) -> None:
    token = await town.token("operator")
    first = await world.call("ImportHousehold", household_request(), token)
    again = await world.call("ImportHousehold", household_request(password="Autre-Secret-99"), token)
    assert (first.was_created, again.was_created) == (True, False)
    assert first.household == again.household
    assert (await town.sign_in()).account.household_id == first.household.id
    async with world.connect(town.number) as connection:
        rows = await connection.fetch("SELECT body, subject FROM outbox WHERE type LIKE '%HouseholdChanged'")
    (row,) = rows
    event = events.HouseholdChanged.FromString(row["body"])
    assert event.household_id == first.household.id
    assert list(event.child_ids) == [child.id for child in first.household.children]
    assert (event.is_resident, event.version) == (True, 1)
    assert row["subject"] == f"evt.{town.slug}.identity.household.changed.v1"
    for personal in (b"Martin", "Chloé".encode(), b"example.org", b"parent.demo"):
        assert personal not in row["body"]


async def test_parallel_imports_of_one_reference_create_one_household(world: World, town: Town) -> None:
    token = await town.token("operator")

    conflicts: list[ErrorKind] = []

    async def attempt() -> pb.ImportHouseholdResponse | None:
        try:
            return cast("pb.ImportHouseholdResponse", await world.call("ImportHousehold", household_request(), token))
        except DomainError as error:
            conflicts.append(error.kind)
            return None

    answers = [answer for answer in await asyncio.gather(*(attempt() for _ in range(5))) if answer]
    assert [answer.was_created for answer in answers].count(True) == 1
    assert set(conflicts) <= {ErrorKind.CONFLICT}
    async with world.connect(town.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM household") == 1


async def test_a_taken_user_name_is_refused_and_leaves_nothing(world: World, family: Town) -> None:
    request = household_request("Parent.Demo", ref="another")
    with pytest.raises(DomainError) as refusal:
        await world.call("ImportHousehold", request, await family.token("operator"))
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.EXISTS, "USERNAME_TAKEN")
    assert refusal.value.metadata == {"index": "0"}
    async with world.connect(family.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM household") == 1


@pytest.mark.parametrize(
    ("account", "reason", "field"),
    [
        (
            pb.NewAccount(guardian_index=2, username="x.yz", password=PASSWORD),
            "GUARDIAN_INDEX_INVALID",
            "guardian_index",
        ),
        (pb.NewAccount(guardian_index=0, username="x", password=PASSWORD), "USERNAME_INVALID", "username"),
        (pb.NewAccount(guardian_index=0, username="x.yz", password="court"), "PASSWORD_TOO_WEAK", "password"),
    ],
)
async def test_a_wrong_account_is_refused_by_field(
    world: World, town: Town, account: pb.NewAccount, reason: str, field: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        await world.call("ImportHousehold", household_request(accounts=[account]), await town.token("operator"))
    assert (refusal.value.reason, refusal.value.metadata["field"]) == (reason, f"accounts[0].{field}")


async def test_a_wrong_birthday_is_refused_by_field(world: World, town: Town) -> None:
    request = household_request()
    request.household.children[1].born_on = "2017-02-30"
    with pytest.raises(DomainError) as refusal:
        await world.call("ImportHousehold", request, await town.token("operator"))
    assert refusal.value.kind is ErrorKind.INVALID
    assert refusal.value.metadata["field"] == "household.children[1].born_on"


async def test_parents_services_and_the_platform_import_nothing(world: World, family: Town) -> None:
    parent = (await family.sign_in()).access_token
    for token in (parent, await world.operator(), await family.token("gateway")):
        with pytest.raises(DomainError) as refusal:
            await world.call("ImportHousehold", household_request(ref="another"), token)
        assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_an_account_is_read_and_changed_by_its_owner(world: World, family: Town) -> None:
    token = (await family.sign_in()).access_token
    before = (await world.call("GetAccount", pb.GetAccountRequest(), token)).account
    changed = (await world.call("UpdateAccount", pb.UpdateAccountRequest(language="en-GB"), token)).account
    assert (changed.language, changed.email) == ("en-GB", before.email)
    moved = (await world.call("UpdateAccount", pb.UpdateAccountRequest(email="ada@new.example"), token)).account
    assert (moved.language, moved.email) == ("en-GB", "ada@new.example")
    assert (await world.call("GetAccount", pb.GetAccountRequest(), token)).account == moved
    cleared = (await world.call("UpdateAccount", pb.UpdateAccountRequest(email="", language=""), token)).account
    assert (cleared.language, cleared.email) == ("", "")


async def test_an_address_and_a_language_changed_at_once_are_both_kept(world: World, family: Town) -> None:
    token = (await family.sign_in()).access_token
    async with world.connect(family.number) as connection:
        await connection.execute("SELECT FROM account FOR UPDATE")
        changes = [
            asyncio.create_task(world.call("UpdateAccount", change, token))
            for change in (pb.UpdateAccountRequest(email="ada@new.example"), pb.UpdateAccountRequest(language="en"))
        ]
        await asyncio.sleep(0.3)
    await asyncio.gather(*changes)
    account = (await world.call("GetAccount", pb.GetAccountRequest(), token)).account
    assert (account.email, account.language) == ("ada@new.example", "en")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pb.UpdateAccountRequest(email="nowhere"), "EMAIL_INVALID"),
        (pb.UpdateAccountRequest(language="Français"), "LANGUAGE_INVALID"),
    ],
)
async def test_a_wrong_address_or_language_changes_nothing(
    world: World, family: Town, request_: pb.UpdateAccountRequest, reason: str
) -> None:
    token = (await family.sign_in()).access_token
    with pytest.raises(DomainError) as refusal:
        await world.call("UpdateAccount", request_, token)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.INVALID, reason)
    account = (await world.call("GetAccount", pb.GetAccountRequest(), token)).account
    assert (account.email, account.language) == ("ada@example.org", "")


async def test_a_service_has_no_account(world: World, family: Town) -> None:
    for method, request in (
        ("GetAccount", pb.GetAccountRequest()),
        ("UpdateAccount", pb.UpdateAccountRequest(language="en")),
        ("ChangePassword", pb.ChangePasswordRequest(current_password="x", new_password="y")),
    ):
        with pytest.raises(DomainError) as refusal:
            await world.call(method, request, await family.token())
        assert refusal.value.kind is ErrorKind.FORBIDDEN
