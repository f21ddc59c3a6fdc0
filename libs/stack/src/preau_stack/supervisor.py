"""Keeps processes alive: what crashes is started again, a little later each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from preau_stack.process import ManagedProcess

_BACKOFF_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0)
_STEADY_SECONDS = 30.0
_ASKED_SECONDS = 1.0
_GRACE_SECONDS = 8.0


@dataclass(slots=True)
class _Watched:
    process: ManagedProcess
    started_at: float
    crashes: int = 0
    restart_at: float | None = None


class Supervisor:
    """Watches processes; ``tick`` is called by the owner's loop, so nothing here runs in a thread."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._now = now
        self._watched: dict[str, _Watched] = {}

    def watch(self, process: ManagedProcess) -> None:
        """Take over a process that has been started."""
        self._watched[process.name] = _Watched(process, self._now())

    def pids(self) -> dict[str, int]:
        return {name: each.process.pid for name, each in self._watched.items() if each.process.is_running()}

    def crashes(self, name: str) -> int:
        """How often it ended by itself without a steady run in between."""
        return self._watched[name].crashes

    def log_tail(self, name: str) -> str:
        return self._watched[name].process.log_tail()

    def names(self) -> list[str]:
        return list(self._watched)

    def tick(self) -> bool:
        """Notice ends, start again what is due; whether anything changed."""
        changed = False
        for watched in self._watched.values():
            changed |= self._tick(watched)
        return changed

    def _tick(self, watched: _Watched) -> bool:
        now = self._now()
        if watched.restart_at is not None:
            if now < watched.restart_at:
                return False
            watched.restart_at = None
            watched.started_at = now
            watched.process.start()
            self._say(f"{watched.process.name} started again")
            return True
        if watched.process.is_running():
            if watched.crashes and now - watched.started_at > _STEADY_SECONDS:
                watched.crashes = 0
            return False
        code = watched.process.exit_code()
        if code == 0 and now - watched.started_at > _ASKED_SECONDS:  # told to end by somebody who wants it anew
            watched.restart_at = now
            self._say(f"{watched.process.name} ended as it was told, starting again")
            return True
        delay = _BACKOFF_SECONDS[min(watched.crashes, len(_BACKOFF_SECONDS) - 1)]
        watched.crashes += 1
        watched.restart_at = now + delay
        self._say(f"{watched.process.name} ended unexpectedly (code {code}), starting again in {delay:.1f} s")
        return True

    def stop(self, order: Iterable[Iterable[str]]) -> None:
        """Stop group after group, the members of one together; what is in no group goes first."""
        groups = [list(group) for group in order]
        named = {name for group in groups for name in group}
        rest = [name for name in self._watched if name not in named]
        for group in [rest, *groups]:
            self._stop_group([self._watched.pop(name).process for name in group if name in self._watched])

    @staticmethod
    def _stop_group(processes: list[ManagedProcess]) -> None:
        for process in processes:
            process.ask_to_stop()
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in processes:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                process.kill()
