from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from preau_stack.ports import free_ports, is_free, is_open, stable_ports
from preau_stack.process import ManagedProcess
from preau_stack.supervisor import Supervisor

_SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
_STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def _eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def test_a_child_dies_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    parent_code = f"""
import time
from pathlib import Path
from preau_stack.process import ManagedProcess
child = ManagedProcess("child", {_SLEEPER!r}, Path({str(tmp_path / "child.log")!r}))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _is_alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _eventually(lambda: not _is_alive(child))


def test_what_does_not_stop_when_asked_is_ended(tmp_path: Path) -> None:
    process = ManagedProcess("stubborn", _STUBBORN, tmp_path / "log")
    process.start()
    assert _eventually(lambda: "up" in process.log_tail())
    process.stop(grace_seconds=0.3)
    assert process.exit_code() == -signal.SIGKILL


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    process = ManagedProcess("agenda", _SLEEPER, tmp_path / "log")
    process.start()
    supervisor.watch(process)
    first = process.pid
    os.kill(first, signal.SIGKILL)
    assert _eventually(lambda: supervisor.tick() and process.is_running() and process.pid != first)
    assert said == ["agenda ended unexpectedly (code -9), starting again in 0.2 s", "agenda started again"]
    assert supervisor.crashes("agenda") == 1
    supervisor.stop([])
    assert not process.is_running()


def test_a_process_that_keeps_crashing_is_tried_less_and_less_often(tmp_path: Path) -> None:
    said: list[str] = []
    now = 0.0
    supervisor = Supervisor(said.append, lambda: now)
    process = ManagedProcess("broken", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
    process.start()
    supervisor.watch(process)
    for wanted in ("0.2", "1.0", "2.0"):
        assert _eventually(lambda: not process.is_running())
        supervisor.tick()
        assert said[-1] == f"broken ended unexpectedly (code 3), starting again in {wanted} s"
        now += float(wanted)
        supervisor.tick()
    supervisor.stop([])


def test_a_process_that_is_told_to_end_starts_again_at_once_and_has_not_crashed(tmp_path: Path) -> None:
    said: list[str] = []
    now = 0.0
    supervisor = Supervisor(said.append, lambda: now)
    process = ManagedProcess("agenda", [sys.executable, "-c", "pass"], tmp_path / "log")
    process.start()
    supervisor.watch(process)
    assert _eventually(lambda: not process.is_running())
    now = 5.0
    supervisor.tick()
    supervisor.tick()
    assert said == ["agenda ended as it was told, starting again", "agenda started again"]
    assert supervisor.crashes("agenda") == 0
    assert _eventually(lambda: not process.is_running())
    supervisor.tick()
    assert (
        said[-1] == "agenda ended unexpectedly (code 0), starting again in 0.2 s"
    )  # as soon as it began: nobody asked
    supervisor.stop([])


def test_a_port_stays_the_same_while_it_is_free() -> None:
    wanted = dict(zip(("gateway", "agenda"), free_ports(2), strict=True))
    assert stable_ports(wanted, ["gateway", "agenda"]) == wanted
    command = [sys.executable, "-m", "http.server", str(wanted["agenda"]), "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        assert _eventually(lambda: is_open(wanted["agenda"]))
        again = stable_ports(wanted, ["gateway", "agenda", "billing"])
        assert again["gateway"] == wanted["gateway"]
        assert again["agenda"] != wanted["agenda"]
        assert is_free(again["billing"])
    finally:
        server.kill()
        server.wait()
