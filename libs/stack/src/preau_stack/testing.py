"""The platform's parts for tests: real servers under a temporary folder. `tests/conftest.py` makes fixtures of them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from preau_stack.broker import Broker
from preau_stack.databases import SERVICES, ServiceDatabase, create_databases
from preau_stack.environment import Platform, service_command, service_environment
from preau_stack.ports import free_ports
from preau_stack.postgres import PostgresServer
from preau_stack.secrets_file import new_secrets


@dataclass(frozen=True, slots=True)
class TestParts:
    """What integration tests stand on. ``platform`` gives every service's variables."""

    __test__ = False
    postgres: PostgresServer
    broker: Broker
    platform: Platform

    @property
    def databases(self) -> dict[str, ServiceDatabase]:
        return dict(self.platform.databases)

    def environment(self, service: str) -> dict[str, str]:
        """The variables with which the stack starts ``service``."""
        return service_environment(self.platform, service)

    def migrate(self, service: str) -> ServiceDatabase:
        """Run the service's ``migrate`` verb, as an operator would."""
        done = subprocess.run(
            service_command(service, "migrate"),
            check=False,
            capture_output=True,
            text=True,
            env=self.environment(service),
        )
        if done.returncode:
            message = f"{service} migrate failed:\n{done.stdout}\n{done.stderr}"
            raise RuntimeError(message)
        return self.platform.databases[service]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A short path (sockets have a limit), gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="preau-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """A new, empty PostgreSQL server; quick rather than safe against a power cut."""
    (port,) = free_ports(1)
    server = PostgresServer(folder / "postgres", port, "test-only", folder / "postgres.log", is_durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """A new, empty NATS server."""
    port, monitor_port = free_ports(2)
    broker = Broker(folder / "nats", port, monitor_port, folder / "nats.log")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def make_parts(folder: Path, postgres: PostgresServer, broker: Broker) -> TestParts:
    """The four databases in ``postgres``, and a port and a secret for every service."""
    secrets = new_secrets()
    names = [*SERVICES, "gateway", "simulator"]
    platform = Platform(
        databases=create_databases(postgres.url(), secrets),
        nats_url=broker.url,
        ports=dict(zip(names, free_ports(len(names)), strict=True)),
        secrets=secrets,
        data_dir=folder / "data",
        settings={"ENV": "test"},
    )
    return TestParts(postgres, broker, platform)
