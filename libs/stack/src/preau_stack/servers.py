"""The two servers of a data folder for work between runs: those of the running platform, or started for as long as it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from preau_stack.broker import Broker
from preau_stack.data_folder import DataFolder
from preau_stack.ports import LOOPBACK, free_ports
from preau_stack.postgres import PostgresServer


class NotHereError(Exception):
    """The folder has no servers to work with, and why, as one sentence."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of a superuser in PostgreSQL and of the broker."""

    postgres_port: int
    postgres_url: str
    nats_url: str


@contextmanager
def servers_of(folder: DataFolder) -> Iterator[Servers]:
    """Those of the platform that runs on ``folder``; else its servers are started, and stopped at the end.

    ``NotHereError`` when there is no platform, it is not ready, or its data are in servers of somebody else.
    """
    refuse_own_servers()
    if not (folder.path / "secrets.json").exists():
        raise NotHereError(f"There is no platform in {folder.path}; name its folder with --data.")
    if folder.is_locked():
        yield _running(folder)
        return
    if not (folder.path / "postgres" / "PG_VERSION").exists():
        raise NotHereError(_OWN_SERVERS)
    folder.lock()
    try:
        with (
            started_postgres(folder.path, folder.secrets()["postgres"]) as postgres,
            started_broker(folder.path) as nats,
        ):
            yield Servers(postgres.port, postgres.url(), nats.url)
    finally:
        folder.unlock()


def refuse_own_servers() -> None:
    """``NotHereError`` when the environment says that the data are in servers of somebody else."""
    if any(os.environ.get(f"PREAU_{name}_URL") for name in ("POSTGRES", "NATS")):
        raise NotHereError(_OWN_SERVERS)


@contextmanager
def started_postgres(path: Path, password: str) -> Iterator[PostgresServer]:
    """The PostgreSQL server of the folder ``path``, on a free port."""
    (port,) = free_ports(1)
    (path / "logs").mkdir(exist_ok=True, mode=0o700)
    server = PostgresServer(path / "postgres", port, password, path / "logs" / "postgres.log")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def started_broker(path: Path) -> Iterator[Broker]:
    """The NATS server of the folder ``path``, on a free port."""
    port, monitor_port = free_ports(2)
    (path / "logs").mkdir(exist_ok=True, mode=0o700)
    broker = Broker(path / "nats", port, monitor_port, path / "logs" / "nats.log")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


_OWN_SERVERS = (
    "The data are in servers of your own (PREAU_POSTGRES_URL, PREAU_NATS_URL), which this command does not reach into: "
    "back PostgreSQL up with its own tools (pg_basebackup, CloudNativePG); see Backups in docs/operations.md."
)


def _running(folder: DataFolder) -> Servers:
    state = folder.state()
    if not folder.is_running():
        raise NotHereError(
            f"Another command (process {folder.holder()}) works on {folder.path}; try again when it has ended."
        )
    if state.get("phase") != "ready":
        raise NotHereError(f"Préau is {state.get('phase', 'starting')}; try again when `preau status` says ready.")
    if not {"postgres", "nats"} <= set(state["expected"]):
        raise NotHereError(_OWN_SERVERS)
    port = state["ports"]["postgres"]
    password = folder.secrets()["postgres"]
    return Servers(
        port,
        f"postgresql://postgres:{password}@{LOOPBACK}:{port}/postgres",
        f"nats://{LOOPBACK}:{state['ports']['nats']}",
    )
