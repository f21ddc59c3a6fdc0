"""Every table is one town's own, whatever a statement asks for."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from preau_stack.databases import ServiceDatabase

from tests.integration.agenda.world import World

TABLES = [
    "town",
    "site",
    "activity",
    "calendar_period",
    "closure",
    "household",
    "child",
    "household_child",
    "enrolment",
    "session",
    "reservation",
    "outbox",
    "inbox",
    "idempotency",
]


async def test_the_list_of_tables_is_complete_and_each_forces_row_security(world: World) -> None:
    rows = await world.rows(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS is_forced FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
    )

    assert {row["relname"]: row["is_forced"] for row in rows} == dict.fromkeys(TABLES, True)


@pytest.mark.parametrize("table", TABLES)
async def test_another_town_s_rows_can_neither_be_seen_nor_changed_nor_made(
    world: World, new_world: Any, table: str
) -> None:
    household = await world.household()
    await world.apply(household, "matin")
    await world.rows(
        "INSERT INTO inbox (tenant_id, consumer, event_id) VALUES ($1, 'test', gen_random_uuid())", world.number
    )
    stranger: World = await new_world()
    mine = f"tenant_id = {world.number}"

    seen = await stranger.rows(f"SELECT 1 FROM {table} WHERE {mine}")
    assert seen == []
    async with stranger.database.unit_of_work(stranger.staff) as uow:
        assert await uow.execute(f"UPDATE {table} SET tenant_id = {stranger.number} WHERE {mine}") == "UPDATE 0"
        assert await uow.execute(f"DELETE FROM {table} WHERE {mine}") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _insert(stranger, table, world.number)


async def _insert(stranger: World, table: str, tenant_id: int) -> None:
    """A whole row of the other town; the policy speaks before any constraint."""
    columns = await stranger.rows(
        "SELECT attname, format_type(atttypid, atttypmod) AS kind FROM pg_attribute"
        " WHERE attrelid = $1::text::regclass AND attnum > 0 AND attidentity <> 'a'",
        table,
    )
    samples = {"uuid": "gen_random_uuid()", "text": "'x'", "date": "'2025-01-01'", "bytea": "''", "boolean": "true"}
    values = []
    for column in columns:
        kind = column["kind"]
        if column["attname"] == "tenant_id":
            values.append(str(tenant_id))
        elif kind.startswith("timestamp"):
            values.append("now()")
        elif kind.endswith("[]"):
            values.append("NULL" if "cutoff" in column["attname"] else "'{}'")
        else:
            values.append(samples.get(kind, "1"))
    names = ", ".join(column["attname"] for column in columns)
    async with stranger.database.unit_of_work(stranger.staff) as uow:
        await uow.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values)})")


async def test_the_worker_may_find_due_households_but_not_read_reservations(
    world: World, agenda_urls: ServiceDatabase
) -> None:
    household = await world.household()
    await world.apply(household, "matin")
    raw = await asyncpg.connect(agenda_urls.work_url)
    try:
        found = "SELECT count(*) FROM household WHERE tenant_id = $1 AND household_id = $2::uuid"
        assert await raw.fetchval(found, world.number, household.id) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw.fetchval("SELECT count(*) FROM reservation")
    finally:
        await raw.close()


async def test_a_tenant_set_by_a_hot_function_does_not_outlive_its_statement(
    world: World, agenda_urls: ServiceDatabase
) -> None:
    raw = await asyncpg.connect(agenda_urls.app_url)
    try:
        await raw.fetchrow(
            "SELECT * FROM agenda_read_offer($1, NULL, NULL, gen_random_uuid(), NULL, NULL, 0, 0, false)", world.number
        )
        assert await raw.fetchval("SELECT current_setting('app.tenant_id', true)") in {None, ""}
        with pytest.raises(asyncpg.PostgresError):
            await raw.fetchval("SELECT count(*) FROM session")
    finally:
        await raw.close()


async def test_ids_of_another_town_are_not_found(world: World, new_world: Any) -> None:
    from preau.agenda.v1 import agenda_service_pb2 as pb
    from preau_kernel.errors import DomainError

    household = await world.household()
    await world.apply(household, "matin")
    row = (await world.reservations(household))[0]
    other: World = await (await new_world()).with_activities()
    stranger = await other.household()
    request = pb.CancelReservationsRequest(request_id="0190b8a8-0000-7000-8000-000000000001", ids=[row.id])

    with pytest.raises(DomainError) as reservation:
        await other.as_family(stranger, "CancelReservations", request)
    with pytest.raises(DomainError) as activity:
        await other.apply(stranger, world.activities["matin"])
    with pytest.raises(DomainError) as child:
        await other.apply(stranger, "matin", child_ids=household.children)

    assert [each.value.reason for each in (reservation, activity, child)] == [
        "RESERVATION_NOT_FOUND",
        "ACTIVITY_NOT_FOUND",
        "CHILD_NOT_FOUND",
    ]
