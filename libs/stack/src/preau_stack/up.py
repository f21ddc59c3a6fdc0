"""`preau up`: the platform from nothing to ready, then kept alive until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from preau_stack import announce, plan
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES, ServiceDatabase, create_databases
from preau_stack.environment import TELEMETRY, Platform
from preau_stack.ports import LOOPBACK, is_free, stable_ports
from preau_stack.process import ManagedProcess, StartFailedError
from preau_stack.sources import SourcesError, parse_sources
from preau_stack.supervisor import Supervisor

_TICK_SECONDS = 0.05
_START_SECONDS = 90.0
_CRASHES_WHILE_STARTING = 3
_SETTINGS = ("ENV", "LOG_LEVEL", "POOL_SIZE", "SMTP_URL", *TELEMETRY)


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line and the environment ask for. ``port`` 0 means any free one."""

    data: Path
    port: int
    with_demo: bool
    environment: Mapping[str, str]


class StoppedError(Exception):
    """A signal asked for the end."""


class PlatformRun:
    """One run of the platform on one data folder."""

    def __init__(self, options: UpOptions) -> None:
        self._options = options
        self._folder = DataFolder(options.data)
        self._supervisor = Supervisor(self._say)
        self._is_stopping = False
        self._phase = "starting"
        self._started = time.monotonic()
        self._ports: dict[str, int] = {}
        self._is_production = options.environment.get("PREAU_ENV") == "production"
        self._clock: dict[str, str] = {}
        if now := options.environment.get("PREAU_NOW"):
            self._clock = {"NOW": now, "NOW_ANCHOR": datetime.now(UTC).isoformat()}

    def run(self) -> int:
        """Start everything, watch it, stop everything; the command's exit code."""
        self._folder.prepare()
        self._folder.lock()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            self._watch_until(lambda: False)
        except StoppedError:
            pass
        except StartFailedError as error:
            self._say(str(error))
            return 1
        finally:
            self._stop()
            self._folder.unlock()
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _start(self) -> None:
        self._say(f"Starting Préau in {self._folder.path}")
        secrets = self._folder.secrets()
        self._choose_ports()
        platform = self._servers(Platform({}, "", self._ports, secrets, self._folder.path, sources=self._sources()))
        self._launch(plan.make_gateway(self._folder, platform))
        self._step("databases migrated", lambda: self._migrate(platform))
        for service in SERVICES:
            self._launch(plan.make_service(self._folder, platform, service))
        self._write_state()
        self._make_ready()
        self._phase = "ready"
        self._write_state()
        seconds = time.monotonic() - self._started
        clock_start = self._clock.get("NOW", "")
        self._say(
            announce.text(self._ports, self._folder.path, seconds, with_demo=self._with_demo, clock_start=clock_start)
        )

    def _sources(self) -> dict[str, Path]:
        try:
            return parse_sources(self._options.environment.get("PREAU_SOURCES", ""))
        except SourcesError as error:
            raise StartFailedError(str(error)) from None

    @property
    def _with_demo(self) -> bool:
        return self._options.with_demo and not self._is_production

    def _choose_ports(self) -> None:
        wanted: dict[str, int] = self._folder.state().get("ports", {})
        if self._options.port:
            if not is_free(self._options.port):
                message = (
                    f"Port {self._options.port} is taken. Choose another: PORT=18080 make run, or preau up --port 18080"
                )
                raise StartFailedError(message)
            wanted = wanted | {"gateway": self._options.port}
        self._ports = stable_ports(wanted, plan.PORT_NAMES)
        self._write_state()

    def _servers(self, platform: Platform) -> Platform:
        """Start what does not depend on the databases, and the databases."""
        given = self._options.environment
        settings = {name: given[f"PREAU_{name}"] for name in _SETTINGS if f"PREAU_{name}" in given}
        otlp = given.get("PREAU_OTLP_ENDPOINT", f"http://{LOOPBACK}:{self._ports['otlp']}")
        platform = replace(platform, clock=self._clock, settings=settings, otlp_endpoint=otlp)
        self._launch(plan.make_trace_receiver(self._folder, platform))
        if not self._is_production:
            self._launch(plan.make_simulator(self._folder, platform))
        nats_url = given.get("PREAU_NATS_URL") or self._start_broker()
        admin_url = given.get("PREAU_POSTGRES_URL") or self._start_postgres(platform)
        databases: dict[str, ServiceDatabase] = {}
        self._step("databases", lambda: databases.update(create_databases(admin_url, dict(platform.secrets))))
        return replace(platform, databases=databases, nats_url=nats_url)

    def _start_broker(self) -> str:
        broker = plan.make_broker(self._folder, self._ports)
        broker.begin_start()
        self._supervisor.watch(broker.process)
        return broker.url

    def _start_postgres(self, platform: Platform) -> str:
        server = plan.make_postgres(self._folder, self._ports, dict(platform.secrets))

        def start() -> None:
            server.begin_start()
            self._supervisor.watch(server.process)
            self._watch_until(server.is_ready)

        self._step("PostgreSQL", start)
        return server.url()

    def _migrate(self, platform: Platform) -> None:
        migrations = [plan.make_migration(self._folder, platform, service) for service in SERVICES]
        try:
            for migration in migrations:
                migration.start()
            self._watch_until(lambda: not any(migration.is_running() for migration in migrations))
        finally:
            for migration in migrations:
                migration.kill()
        for migration in migrations:
            if migration.exit_code():
                message = f"{migration.name} failed:\n{migration.log_tail()}"
                raise StartFailedError(message)

    def _make_ready(self) -> None:
        command = [sys.executable, "-u", "-m", "preau_stack.ready", "--data", str(self._folder.path)]
        log = self._folder.log("ready")
        log.unlink(missing_ok=True)
        ready = ManagedProcess(
            "ready", command + (["--demo"] if self._with_demo else []), log, environment=dict(os.environ)
        )
        ready.start()
        try:
            self._watch_until(lambda: not ready.is_running())
        finally:
            ready.kill()
        if ready.exit_code():
            tails = [f"--- {name}\n{self._supervisor.log_tail(name)}" for name in self._supervisor.names()]
            message = "\n".join([f"The platform did not become ready:\n{ready.log_tail()}", *tails])
            raise StartFailedError(message)
        self._say(log.read_text().rstrip())

    def _launch(self, process: ManagedProcess) -> None:
        process.start()
        self._supervisor.watch(process)

    def _watch_until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_done():
            if self._is_stopping:
                raise StoppedError
            if self._supervisor.tick():
                self._write_state()
            if self._phase == "starting":
                self._give_up_if_hopeless(deadline)
            time.sleep(_TICK_SECONDS)

    def _give_up_if_hopeless(self, deadline: float) -> None:
        for name in self._supervisor.names():
            if self._supervisor.crashes(name) >= _CRASHES_WHILE_STARTING:
                message = f"{name} does not start:\n{self._supervisor.log_tail(name)}"
                raise StartFailedError(message)
        if time.monotonic() > deadline:
            message = f"not ready after {_START_SECONDS:.0f} s; see {self._folder.logs}"
            raise StartFailedError(message)

    def _step(self, label: str, action: Callable[[], None]) -> None:
        started = time.monotonic()
        action()
        self._say(f"  {label:<27} {time.monotonic() - started:6.1f} s")

    def _stop(self) -> None:
        self._phase = "stopping"
        self._say("Stopping ...")
        self._write_state()
        self._supervisor.stop(plan.STOP_ORDER)
        self._phase = "stopped"
        self._write_state()
        self._say("Stopped.")

    def _write_state(self) -> None:
        self._folder.write_state(
            {
                "phase": self._phase,
                "pid": os.getpid(),
                "ports": self._ports,
                "expected": self._supervisor.names(),
                "processes": self._supervisor.pids(),
                "clock": self._clock,
                "has_simulator": not self._is_production,
                "addresses": announce.addresses(self._ports),
            }
        )

    @staticmethod
    def _say(line: str) -> None:
        with suppress(BrokenPipeError):
            print(line, flush=True)
