"""Code that came before its schema waits for it; code that an upgrade left behind runs on."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from grpc_health.v1 import health_pb2_grpc
from preau_chassis.client import close_channel, open_channel
from preau_chassis.database import Database
from preau_chassis.migrations import run_migrations
from preau_chassis.schema_check import older_revisions, wait_for_schema
from preau_stack.databases import SERVICES
from preau_stack.environment import MODULES, service_command
from preau_stack.ports import free_ports
from preau_stack.postgres import PostgresServer, psql
from preau_stack.testing import TestParts

from tests.integration.chassis.conftest import MIGRATIONS, Urls
from tests.integration.chassis.test_health import is_alive, status
from tests.integration.chassis.test_process import NOT_YET, SERVING, eventually, has_status

_VERSION = '"""One."""\n\nrevision: str = "{name}"\ndown_revision = {before}\n\n\ndef upgrade() -> None:\n    pass\n'


def elsewhere(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    for name, before in (("0001", None), ("0002", "0001"), ("0003", "0002")):
        text = _VERSION.format(name=name, before=f'"{before}"' if before else "None")
        (tmp_path / "versions" / f"{name}_one.py").write_text(text)
    return tmp_path


def test_what_is_older_is_what_comes_before(versions: Path) -> None:
    assert older_revisions(versions, "0003") == {"0001", "0002"}
    assert older_revisions(versions, "0001") == frozenset()
    with pytest.raises(ValueError, match="0009"):
        older_revisions(versions, "0009")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_names_a_revision_that_there_is(service: str) -> None:
    definition = __import__(f"{MODULES[service]}.bootstrap", fromlist=["DEFINITION"]).DEFINITION
    # It raises for a revision that is not there.
    assert definition.needs_revision not in older_revisions(definition.migrations, definition.needs_revision)


async def test_a_process_waits_for_the_revision_it_needs_and_minds_no_newer_one(
    urls: Urls, postgres: PostgresServer, versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    psql(postgres.url(), "CREATE DATABASE chassis_waiting OWNER billing_owner;")
    owner, app = elsewhere(urls.owner, "chassis_waiting"), elsewhere(urls.app, "chassis_waiting")
    database = Database(app, pool_size=1)
    connection = await asyncpg.connect(owner)

    async def waits(needed: str = "0002") -> bool:
        try:
            await asyncio.wait_for(wait_for_schema(database, versions, needed, "migrate"), 0.5)
        except TimeoutError:
            return True
        return False

    try:
        assert await waits(), "there is no schema"
        assert "SCHEMA_MISSING" in capsys.readouterr().out
        await run_migrations(owner, MIGRATIONS)
        assert not await waits("0001")
        assert await waits(), "0001 is too old"
        assert "SCHEMA_OLD" in capsys.readouterr().out
        # As the first release left it: nobody but the owner may look.
        await connection.execute("REVOKE SELECT ON alembic_version FROM PUBLIC")
        assert await waits()
        assert not await waits("0001")
        await connection.execute("GRANT SELECT ON alembic_version TO PUBLIC")
        for newer in ("0002", "0003", "from_the_next_release"):
            await connection.execute("UPDATE alembic_version SET version_num = $1", newer)
            assert not await waits()
    finally:
        await connection.close()
        await database.close()


async def test_every_service_waits_on_an_empty_database_and_begins_when_it_is_migrated(
    parts: TestParts, postgres: PostgresServer, tmp_path: Path
) -> None:
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    databases = {}
    for service, known in parts.databases.items():
        name = f"{service}_not_yet"
        psql(postgres.url(), f"CREATE DATABASE {name} OWNER {service}_owner;")
        databases[service] = replace(
            known,
            owner_url=elsewhere(known.owner_url, name),
            app_url=elsewhere(known.app_url, name),
            work_url=elsewhere(known.work_url, name),
        )
    platform = replace(parts.platform, databases=databases, ports={**parts.platform.ports, **ports}, data_dir=tmp_path)
    waiting = replace(parts, platform=platform)
    async with AsyncExitStack() as stack:
        running, healths = {}, {}
        for service in SERVICES:
            running[service] = await asyncio.create_subprocess_exec(
                *service_command(service, "all"),
                env=waiting.environment(service),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            channel = open_channel(platform.address(service))
            stack.push_async_callback(close_channel, channel)
            healths[service] = health_pb2_grpc.HealthStub(channel)
        try:
            for service in SERVICES:
                await eventually(partial(is_alive, healths[service]))
                line = json.loads(await said(running[service], "schema.waiting"))
                assert line["run"] == f"python -m {MODULES[service]} migrate"
                assert await status(healths[service], "") == NOT_YET
            await asyncio.to_thread(waiting.migrate, "identity")
            await eventually(lambda: has_status(healths["identity"], SERVING))
            assert await status(healths["agenda"], "") == NOT_YET
        finally:
            for process in running.values():
                if process.returncode is None:
                    process.terminate()
            ends = await asyncio.gather(*(process.communicate() for process in running.values()))
            sys.stdout.write(b"".join(output + errors for output, errors in ends).decode())  # shown when the test fails
    assert [process.returncode for process in running.values()] == [0] * len(SERVICES)
    assert [errors for _, errors in ends] == [b""] * len(SERVICES)


async def said(process: asyncio.subprocess.Process, event: str) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        async for line in process.stdout:
            if event.encode() in line:
                return line
    raise AssertionError(event)
