"""CPU time of the platform's processes, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()


def _children() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                tree.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return tree


def cpu_seconds(pids: dict[str, int]) -> dict[str, float]:
    """Seconds of CPU each named process and its children (dead and reaped ones included) have used since they started."""
    tree = _children()
    used = {}
    for name, pid in pids.items():
        waiting, ticks = [pid], 0
        while waiting:
            current = waiting.pop()
            waiting.extend(tree.get(current, ()))
            try:
                fields = _stat(current)
            except (FileNotFoundError, ProcessLookupError):
                continue
            ticks += int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
        used[name] = ticks / _TICKS
    return used
