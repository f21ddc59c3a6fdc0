"""One platform's folder: data, secrets, logs, and the state other commands read while it runs."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from preau_stack import secrets_file

DEFAULT = ".preau"


class AlreadyRunningError(Exception):
    """Another `preau up` holds this folder."""


class DataFolder:
    """``.preau/``, private to its owner."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def prepare(self) -> None:
        """Make the folder and its parts."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True, mode=0o700)

    def lock(self) -> None:
        """Hold the folder until this process ends; the kernel lets go of it whatever the end."""
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyRunningError(str(self.path)) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_locked(self) -> bool:
        """Whether somebody works on this folder: a platform, or a command while none runs."""
        if not (self.path / "lock").exists():
            return False
        try:
            self.lock()
        except AlreadyRunningError:
            return True
        self.unlock()
        return False

    def holder(self) -> int:
        """The process that holds the folder, or did last. Préau 0.1.0 wrote it in the state only."""
        return int((self.path / "lock").read_text() or self.state().get("pid", 0))

    def is_running(self) -> bool:
        """Whether a platform runs on this folder and has said so: the state of one that crashed does not count."""
        return self.is_locked() and self.state().get("pid") == self.holder()

    def secrets(self) -> dict[str, str]:
        return secrets_file.load_or_create(self.path / "secrets.json")

    def state(self) -> dict[str, Any]:
        """What the running platform last wrote; empty when it never ran."""
        path = self.path / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state in one step: a reader never sees half of it."""
        fresh = self.path / "state.new"
        fresh.write_text(json.dumps(state, indent=1))
        fresh.chmod(0o600)
        fresh.replace(self.path / "state.json")
