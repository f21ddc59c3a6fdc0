"""A running platform as tests and benchmarks hold it: `preau up` in a process of its own, on a temporary folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from preau_stack.data_folder import DataFolder
from preau_stack.demo_towns import TOWNS
from preau_stack.ports import LOOPBACK
from preau_stack.status import gather

SEPTEMBER_2025 = "2025-08-20T09:00:00-04:00"
"""The demo clock at which the source document's month can be booked."""
_READY_SECONDS = 120.0
_STOP_SECONDS = 30.0


class RunningPlatform:
    """What a test may ask of the platform it runs against."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder

    @property
    def ports(self) -> dict[str, int]:
        return dict(self.folder.state()["ports"])

    def town_url(self, slug: str = "casepilote") -> str:
        """A town's address for a browser, without a slash at the end. Programs use `client`: not every machine resolves `*.localhost`."""
        return f"http://{slug}.localhost:{self.ports['gateway']}"

    @property
    def simulator_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['simulator']}"

    @property
    def traces_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['trace_page']}"

    def client(self, slug: str = "casepilote", **options: Any) -> httpx.Client:
        """An HTTP client of one town; the caller closes it."""
        headers = {"Host": f"{slug}.localhost:{self.ports['gateway']}", **options.pop("headers", {})}
        return httpx.Client(
            base_url=f"http://{LOOPBACK}:{self.ports['gateway']}", headers=headers, timeout=20, **options
        )

    def account(self, slug: str = "casepilote", guardian: int = 0) -> tuple[str, str]:
        """User name and password of a demo guardian."""
        town = next(each for each in TOWNS if each.slug == slug)
        return town.guardians[guardian].username, town.password

    def pid(self, process: str) -> int:
        """The process id of "identity", "agenda", "billing", "payment", "gateway", "simulator", "traces", "nats" or "postgres"."""
        return int(self.folder.state()["processes"][process])

    def kill(self, process: str) -> None:
        """End a process as a crash would; the platform starts it again."""
        os.kill(self.pid(process), signal.SIGKILL)

    def is_back(self, process: str, before: int) -> bool:
        """Whether another one runs in the place of the process whose id was ``before``."""
        return bool(self.folder.state()["processes"].get(process, before) != before)

    def logs(self) -> dict[str, str]:
        """All that each process has logged, by name."""
        return {path.stem: path.read_text() for path in self.folder.logs.glob("*.log")}

    def status(self) -> dict[str, Any]:
        """What `preau status --json` says."""
        return gather(self.folder)

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        """Wait until every process answers; ``TimeoutError`` otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            processes = self.status()["processes"]
            silent = [name for name, each in processes.items() if not each["healthy"]]
            if processes and not silent:
                return
            if time.monotonic() > deadline:
                message = f"no answer from {', '.join(silent) or 'anything'}"
                raise TimeoutError(message)
            time.sleep(0.1)


@contextmanager
def running_platform(
    folder: Path, environment: Mapping[str, str] | None = None, *, with_demo: bool = True
) -> Iterator[RunningPlatform]:
    """Start the platform on ``folder`` and stop it at the end; its data stay."""
    data = DataFolder(folder)
    data.prepare()
    command = [sys.executable, "-m", "preau_stack.cli", "up", "--data", str(folder), "--port", "0"]
    log = data.log("up")
    with log.open("ab") as output:
        process = subprocess.Popen(
            command + ([] if with_demo else ["--no-demo"]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait_until_ready(data, process, log)
        yield RunningPlatform(data)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(data: DataFolder, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        state = data.state()
        if state.get("pid") == process.pid and state.get("phase") == "ready":
            return
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"the platform did not start:\n{log.read_text()}"
            raise RuntimeError(message)
        time.sleep(0.1)
