"""The platform under load: started by its own command on a folder of its own, asked for its databases."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import asyncpg
from bench_town import HOST, PASSWORD, BenchTown
from preau_stack.data_folder import DataFolder
from wire import Connection

NOW = "2025-08-20T09:00:00-04:00"


class Platform:
    """The stack, run by its own command on a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.folder = DataFolder(data)
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, trace_ratio: str | None, now: str = NOW, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        environment = {**os.environ, "PREAU_NOW": now, "PREAU_LOG_LEVEL": "warning"}
        environment.pop("PREAU_TRACE_RATIO", None)
        if trace_ratio is not None:
            environment["PREAU_TRACE_RATIO"] = trace_ratio
        environment |= settings
        command = [
            str(Path(sys.executable).parent / "preau"),
            "up",
            "--data",
            str(self.folder.path),
            "--port",
            "0",
            "--no-demo",
        ]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while self.folder.state().get("phase") != "ready" or self.folder.state().get("pid") != self._process.pid:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the platform did not start; see {self.folder.logs}")
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    @property
    def ports(self) -> dict[str, int]:
        return dict(self.folder.state()["ports"])

    def pids(self) -> dict[str, int]:
        return {name: pid for name, pid in self.folder.state()["processes"].items() if pid}

    def database_url(self, service: str) -> str:
        """The superuser's address of a service's database: sees every town."""
        password = self.folder.secrets()["postgres"]
        return f"postgresql://postgres:{password}@127.0.0.1:{self.ports['postgres']}/{service}"

    def agenda_url(self) -> str:
        return self.database_url("agenda")

    def billing_url(self) -> str:
        return self.database_url("billing")


async def sign_in(platform: Platform, town: BenchTown) -> list[str]:
    gate = asyncio.Semaphore(4)

    async def one(username: str) -> str:
        async with gate:
            connection = Connection(platform.ports["gateway"], HOST)
            body = {"username": username, "password": PASSWORD}
            answer = await connection.request("POST", "/api/v1/sessions", body)
            connection.close()
            assert answer.status == 201, answer
            return str(answer.json()["token"])

    return list(await asyncio.gather(*(one(family.username) for family in town.families)))


async def wait_until_billed(platform: Platform) -> float:
    """Seconds until billing has taken in every event of the agenda."""
    start = time.perf_counter()
    agenda = await asyncpg.connect(platform.agenda_url())
    billing = await asyncpg.connect(platform.billing_url())
    try:
        while time.perf_counter() - start < 120:
            wanted = await agenda.fetchval("SELECT coalesce(sum(revision), 0) FROM household")
            done = await billing.fetchval("SELECT coalesce(sum(revision), 0) FROM household")
            if wanted == done:
                return time.perf_counter() - start
            await asyncio.sleep(0.25)
    finally:
        await agenda.close()
        await billing.close()
    raise SystemExit("billing did not catch up within two minutes")


async def check_counters(platform: Platform, tenant: int) -> None:
    """No session holds more or less than its counter says, and none is over its capacity."""
    connection = await asyncpg.connect(platform.agenda_url())
    try:
        wrong = await connection.fetchval(
            """
            SELECT count(*) FROM session s LEFT JOIN (
              SELECT session_key, count(*) AS live FROM reservation
              WHERE tenant_id = $1 AND status IN (1, 2) GROUP BY session_key) r USING (session_key)
            WHERE s.tenant_id = $1 AND (s.booked > s.capacity OR s.booked <> coalesce(r.live, 0))
            """,
            tenant,
            timeout=120,
        )
    finally:
        await connection.close()
    if wrong:
        raise SystemExit(f"{wrong} sessions disagree with their reservations")
