"""Which processes make the platform, and what each is given."""

from __future__ import annotations

import sys

from preau_stack.broker import Broker
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.environment import (
    Platform,
    gateway_environment,
    service_command,
    service_environment,
    simulator_environment,
    trace_receiver_environment,
)
from preau_stack.postgres import PostgresServer
from preau_stack.process import ManagedProcess
from preau_stack.sources import MIGRATIONS, environment_from

PORT_NAMES = ["gateway", *SERVICES, "simulator", "trace_page", "otlp", "postgres", "nats", "nats_monitor"]
STOP_ORDER = (("gateway",), (*SERVICES, "simulator"), ("traces",), ("nats",), ("postgres",))
"""Callers before those they call, data last."""


def make_postgres(folder: DataFolder, ports: dict[str, int], secrets: dict[str, str]) -> PostgresServer:
    return PostgresServer(folder.path / "postgres", ports["postgres"], secrets["postgres"], folder.log("postgres"))


def make_broker(folder: DataFolder, ports: dict[str, int]) -> Broker:
    return Broker(folder.path / "nats", ports["nats"], ports["nats_monitor"], folder.log("nats"))


def make_trace_receiver(folder: DataFolder, platform: Platform) -> ManagedProcess:
    return _python("traces", "preau_stack.trace_receiver", folder, trace_receiver_environment(platform))


def make_simulator(folder: DataFolder, platform: Platform) -> ManagedProcess:
    environment = environment_from(platform.sources, "simulator", simulator_environment(platform))
    return _python("simulator", "payfip_simulator", folder, environment)


def make_migration(folder: DataFolder, platform: Platform, service: str) -> ManagedProcess:
    name = f"migrate-{service}"
    environment = environment_from(platform.sources, MIGRATIONS, service_environment(platform, service))
    return ManagedProcess(name, service_command(service, "migrate"), folder.log(name), environment=environment)


def make_service(folder: DataFolder, platform: Platform, service: str) -> ManagedProcess:
    environment = environment_from(platform.sources, service, service_environment(platform, service))
    return ManagedProcess(service, service_command(service, "all"), folder.log(service), environment=environment)


def make_gateway(folder: DataFolder, platform: Platform) -> ManagedProcess:
    environment = environment_from(platform.sources, "gateway", gateway_environment(platform))
    return _python("gateway", "gateway", folder, environment)


def _python(name: str, module: str, folder: DataFolder, environment: dict[str, str]) -> ManagedProcess:
    return ManagedProcess(name, [sys.executable, "-m", module], folder.log(name), environment=environment)
