"""What can be asked of a running platform from another terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time

from preau_stack.data_folder import DataFolder

_STOP_SECONDS = 40.0
_READY_SECONDS = 120.0


def down(folder: DataFolder) -> int:
    """Stop the platform and wait for its end."""
    if not folder.is_locked():
        print("Préau is not running.")
        return 0
    pid = folder.holder()
    if not folder.is_running():
        print(
            f"Préau is not running; another command (process {pid}) works on {folder.path}. Try again when it has ended.",
            file=sys.stderr,
        )
        return 1
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while folder.is_locked():
        if time.monotonic() > deadline:
            print(f"Préau (process {pid}) does not stop.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Stopped.")
    return 0


def detach(folder: DataFolder, port: int, *, with_demo: bool) -> int:
    """Start the platform in the background; answer when it is ready, with its words."""
    folder.prepare()
    if folder.is_locked():
        print(f"Préau already runs on {folder.path}.", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "preau_stack.cli", "up", "--data", str(folder.path), "--port", str(port)]
    log = folder.log("up")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command + ([] if with_demo else ["--no-demo"]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        state = folder.state()
        if state.get("pid") == process.pid and state.get("phase") == "ready":
            print(log.read_text().replace("Ctrl-C stops everything.", "`preau down` stops everything."))
            return 0
        time.sleep(0.1)
    print(log.read_text(), file=sys.stderr)
    return 1


def demo(folder: DataFolder) -> int:
    """Load the demo towns into the running platform."""
    if not _is_running(folder):
        return 1
    from preau_stack.demo import load_demo

    asyncio.run(load_demo(folder))
    print("Demo towns are there.")
    return 0


def poll(folder: DataFolder) -> int:
    """Look up the open payments now."""
    if not _is_running(folder):
        return 1
    from preau_stack.demo import poll_payments

    checked, settled = asyncio.run(poll_payments(folder))
    print(f"{checked} looked up, {settled} settled.")
    return 0


def address(folder: DataFolder, name: str) -> int:
    """Where something is shown: "traces" or "metrics"."""
    if not _is_running(folder):
        return 1
    print(folder.state()["addresses"][name])
    return 0


def reset(folder: DataFolder, *, is_sure: bool) -> int:
    """Delete the folder, unless it is in use or not a platform's."""
    if not folder.path.exists():
        print(f"{folder.path} does not exist.")
        return 0
    if folder.is_locked():
        print("Préau is running; stop it first with `preau down`.", file=sys.stderr)
        return 1
    if not (folder.path / "state.json").exists():
        print(f"{folder.path} is not a platform's folder; nothing is deleted.", file=sys.stderr)
        return 1
    if not is_sure and not _confirms(f"Delete {folder.path} and everything in it? [y/N] "):
        print("Nothing is deleted.")
        return 1
    shutil.rmtree(folder.path)
    print(f"Deleted {folder.path}.")
    return 0


def _confirms(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes", "o", "oui"}
    except EOFError:
        return False


def _is_running(folder: DataFolder) -> bool:
    if folder.is_running() and folder.state().get("ports"):
        return True
    print(f"Préau is not running on {folder.path}; start it with `preau up`.", file=sys.stderr)
    return False
