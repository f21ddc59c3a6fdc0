"""Fixtures every kind of test may use; they start nothing unless asked for. libs/stack/README.md describes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from preau_stack.broker import Broker
from preau_stack.databases import ServiceDatabase
from preau_stack.postgres import PostgresServer
from preau_stack.testing import TestParts, make_parts, running_broker, running_postgres, temporary_folder


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(stack_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test session."""
    with running_postgres(stack_folder) as server:
        yield server


@pytest.fixture(scope="session")
def broker(stack_folder: Path) -> Iterator[Broker]:
    """A NATS server of this test session."""
    with running_broker(stack_folder) as server:
        yield server


@pytest.fixture(scope="session")
def parts(stack_folder: Path, postgres: PostgresServer, broker: Broker) -> TestParts:
    """Both servers with the four databases; `parts.environment("agenda")` gives a service's variables."""
    return make_parts(stack_folder, postgres, broker)


@pytest.fixture(scope="session")
def databases(parts: TestParts) -> dict[str, ServiceDatabase]:
    """The four databases by service, empty until migrated."""
    return parts.databases


@pytest.fixture(scope="session")
def migrated(parts: TestParts) -> Callable[[str], ServiceDatabase]:
    """`migrated("agenda")` runs that service's migrate verb once a session and answers its database."""
    done: dict[str, ServiceDatabase] = {}

    def migrate(service: str) -> ServiceDatabase:
        if service not in done:
            done[service] = parts.migrate(service)
        return done[service]

    return migrate
