"""A child process that never outlives its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_LAUNCHER = Path(__file__).with_name("launch.py")
_GRACE_SECONDS = 8.0


class ManagedProcess:
    """Starts a command in its own process group, with its output in a log file, and stops it for good.

    ``orphan_signal`` is what it gets from the kernel when this process ends without stopping it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: tuple[int, int] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals = signal.SIGKILL,
        directory: Path | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._command = list(command)
        self._environment = dict(environment) if environment is not None else None
        self._user = user
        self._stop_signal = stop_signal
        self._orphan_signal = orphan_signal
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start, or start anew after an end."""
        user = "{}:{}".format(*self._user) if self._user else "-"
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(self._orphan_signal)), user]
        with self.log_path.open("ab") as log:
            self._process = self._spawn([*launcher, *self._command], log)

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment,
            cwd=self._directory,
            process_group=0,
        )

    def exit_code(self) -> int | None:
        """The exit code of the last run, ``None`` while it runs."""
        return self._process.poll() if self._process else 0

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal and do not wait."""
        if self.is_running():
            os.kill(self.pid, self._stop_signal)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within ``seconds``."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, grace_seconds: float = _GRACE_SECONDS) -> None:
        """Ask, wait, then insist."""
        self.ask_to_stop()
        if not self.wait(grace_seconds):
            self.kill()

    def log_tail(self, lines: int = 20) -> str:
        """The end of the log, for a message that explains a failure."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


class StartFailedError(Exception):
    """A process did not come up."""


def wait_until_ready(process: ManagedProcess, is_ready: Callable[[], bool], seconds: float) -> None:
    """Poll ``is_ready`` until it says yes; ``StartFailedError`` with the log's end when the process dies or time is up."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if not process.is_running():
            message = f"{process.name} ended with code {process.exit_code()}:\n{process.log_tail()}"
            raise StartFailedError(message)
        if time.monotonic() > deadline:
            message = f"{process.name} was not ready after {seconds:.0f} s:\n{process.log_tail()}"
            raise StartFailedError(message)
        time.sleep(0.05)
