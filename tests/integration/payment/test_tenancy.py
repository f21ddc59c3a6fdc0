"""Every table, tried by a town that does not own the rows; and the settings, read by somebody who holds the disk."""

from __future__ import annotations

import base64
import os
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from payment_gateway_svc.adapters.db.resealing import Resealing
from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.application.handle_notification import HandleNotification
from payment_gateway_svc.application.ports import Notification, ProviderSettings
from payment_gateway_svc.settings import PaymentSettings
from preau_kernel.errors import DomainError, ErrorKind
from pydantic import SecretStr

from tests.integration.payment.world import KEY, SETTINGS, Town, World
from tests.unit.payment.fakes import make_answer

TABLES = ("payment_attempt", "provider_settings", "notification", "town", "outbox", "inbox", "idempotency")


async def fill(world: World, town: Town) -> None:
    """At least one row of the town in every table."""
    attempt = await town.create()
    world.provider.answer = make_answer()
    await world.use_cases.notify(
        HandleNotification("payfip", Notification(attempt.provider_ref, b"", "")), town.context
    )
    async with world.connect(town.number) as connection:
        await connection.execute("INSERT INTO town VALUES ($1, 1, false)", town.number)
        await connection.execute("INSERT INTO inbox VALUES ($1, 'test', gen_random_uuid())", town.number)
        await connection.execute("INSERT INTO idempotency VALUES ($1, 'test', gen_random_uuid(), '\\x00')", town.number)


def make_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


async def sealed(town: Town) -> tuple[str, datetime]:
    """Under which key, and when the settings were set."""
    async with town.world.connect(town.number) as connection:
        return tuple(await connection.fetchrow("SELECT key_id, updated_at FROM provider_settings"))


async def test_no_table_is_forgotten_here(world: World) -> None:
    async with world.connect(url=world.urls.owner_url) as connection:
        rows = await connection.fetch(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
        )

    assert sorted(row["relname"] for row in rows) == sorted(TABLES)
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in rows)


@pytest.mark.parametrize("table", TABLES)
async def test_a_town_neither_sees_nor_changes_nor_forges_anothers_rows(world: World, town: Town, table: str) -> None:
    await fill(world, town)
    stranger = await world.make_town()

    async with world.connect(town.number) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") > 0
    async with world.connect(stranger.number) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = {town.number}") == 0
        assert await connection.execute(f"DELETE FROM {table} WHERE tenant_id = {town.number}") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.connect(town.number) as connection:
            await connection.execute(f"UPDATE {table} SET tenant_id = {stranger.number}")


@pytest.mark.parametrize("table", ["provider_settings", "notification", "town"])
async def test_the_workers_role_sees_no_settings(world: World, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.connect(url=world.urls.work_url) as connection:
            await connection.fetch(f"SELECT * FROM {table}")


async def test_the_workers_role_sees_under_which_key_settings_are_but_not_the_settings(
    world: World, town: Town
) -> None:
    async with world.connect(url=world.urls.work_url) as connection:
        rows = await connection.fetch("SELECT tenant_id, key_id FROM provider_settings")
    assert town.number in {row["tenant_id"] for row in rows}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.connect(url=world.urls.work_url) as connection:
            await connection.fetch("SELECT sealed FROM provider_settings")


async def test_the_workers_role_changes_no_attempt(world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.connect(url=world.urls.work_url) as connection:
            await connection.execute("UPDATE payment_attempt SET state = 'paid'")


async def test_another_towns_attempt_is_not_found(world: World, town: Town) -> None:
    attempt = await town.create()
    stranger = await world.make_town()

    for call in (
        world.use_cases.get(attempt.id, stranger.context),
        world.use_cases.look_up.refresh(stranger.context, attempt.id),
    ):
        with pytest.raises(DomainError) as caught:
            await call
        assert (caught.value.kind, caught.value.reason) == (ErrorKind.NOT_FOUND, "PAYMENT_NOT_FOUND")


async def test_settings_are_unreadable_at_rest(world: World, town: Town) -> None:
    async with world.connect(town.number) as connection:
        row = await connection.fetchrow("SELECT sealed, to_jsonb(s)::text AS text FROM provider_settings s")

    assert b"090909" not in bytes(row["sealed"])
    assert "090909" not in row["text"]


async def test_settings_copied_from_another_town_do_not_open(world: World, town: Town) -> None:
    stranger = await world.make_town()
    async with world.connect(town.number) as connection:
        row = await connection.fetchrow("SELECT key_id, sealed FROM provider_settings")
    async with world.connect(stranger.number) as connection:
        await connection.execute("UPDATE provider_settings SET key_id = $1, sealed = $2", row["key_id"], row["sealed"])

    with pytest.raises(DomainError) as caught:
        await stranger.create()

    assert caught.value.reason == "PROVIDER_SETTINGS_UNREADABLE"


async def test_settings_changed_by_hand_do_not_open(world: World, town: Town) -> None:
    async with world.connect(town.number) as connection:
        await connection.execute("UPDATE provider_settings SET sealed = sealed || '\\x00'")

    with pytest.raises(DomainError) as caught:
        await town.create()

    assert caught.value.reason == "PROVIDER_SETTINGS_UNREADABLE"


async def test_settings_survive_a_change_of_key(world: World, town: Town) -> None:
    new = make_key()
    world.settings = PaymentSettings(encryption_key=SecretStr(new), encryption_old_keys=SecretStr(KEY))

    assert (await town.create()).payment_url


def make_resealing(world: World, *keys: str, grace: timedelta = timedelta(0)) -> Resealing:
    return Resealing(world.app, world.work, SecretBox.from_base64(*keys), grace)


async def test_after_a_change_of_key_every_towns_settings_are_sealed_again_and_the_old_key_can_go(
    world: World, town: Town
) -> None:
    towns = [town, await world.make_town()]
    before = [await sealed(each) for each in towns]
    new = make_key()

    await make_resealing(world, new, KEY).run()

    world.settings = PaymentSettings(encryption_key=SecretStr(new))
    for each, (key_id, updated_at) in zip(towns, before, strict=True):
        assert (await each.create()).payment_url
        assert (await sealed(each))[0] != key_id
        assert (await sealed(each))[1] == updated_at
    await make_resealing(world, KEY, new).run()


async def test_a_town_whose_key_is_lost_keeps_no_other_from_being_sealed_again(world: World, town: Town) -> None:
    other = await world.make_town()
    async with world.connect(town.number) as connection:
        await connection.execute("UPDATE provider_settings SET key_id = 'lost'")
    new = make_key()

    await make_resealing(world, new, KEY).run()

    assert (await sealed(town))[0] == "lost"
    world.settings = PaymentSettings(encryption_key=SecretStr(new))
    assert (await other.create()).payment_url
    await make_resealing(world, KEY, new).run()


async def test_nothing_is_sealed_again_while_processes_are_replaced_by_some_that_know_the_new_key(
    world: World, town: Town
) -> None:
    before = await sealed(town)

    await make_resealing(world, make_key(), KEY, grace=timedelta(minutes=1)).run()

    assert await sealed(town) == before


async def test_settings_set_again_replace_the_old_ones(world: World, town: Town) -> None:
    await world.use_cases.configure(ProviderSettings("payfip", SETTINGS | {"client_number": "123456"}), town.operator)

    async with world.connect(town.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM provider_settings") == 1


async def test_a_town_that_set_no_provider_cannot_ask_for_money(world: World, town: Town) -> None:
    async with world.connect(town.number) as connection:
        await connection.execute("DELETE FROM provider_settings")

    with pytest.raises(DomainError) as caught:
        await town.create(uuid4())

    assert caught.value.reason == "PROVIDER_NOT_CONFIGURED"
