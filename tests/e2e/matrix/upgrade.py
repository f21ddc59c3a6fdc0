"""A platform whose processes run from two checkouts: the release before this one, and this one."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from preau_stack.databases import SERVICES
from preau_stack.environment import MODULES, service_command
from preau_stack.running import RunningPlatform
from preau_stack.sources import MIGRATIONS, environment_from

ROOT = Path(__file__).parents[3]
PROCESSES = ("gateway", *SERVICES)
_BACK_SECONDS = 60.0
_GIT = shutil.which("git")
_WHERE = """
import importlib.util, json, os, sys
print(json.dumps([os.path.realpath(importlib.util.find_spec(name).origin) for name in sys.argv[1:]]))"""


@dataclass(frozen=True, slots=True)
class Release:
    """A version and its commit."""

    version: str
    commit: str


def last_release() -> Release:
    """The one that is replaced by this code."""
    lines = (ROOT / "docs" / "releases.txt").read_text().splitlines()
    version, commit = [line for line in lines if line and not line.startswith("#")][-1].split()
    return Release(version, commit)


def check_out(release: Release, folder: Path) -> bool:
    """Put the release's files into ``folder``; whether this clone has them."""
    if _GIT is None:
        return False
    known = subprocess.run([_GIT, "cat-file", "-e", release.commit], cwd=ROOT, capture_output=True, check=False)
    if known.returncode:
        return False
    done = subprocess.run([_GIT, "archive", "--format=tar", release.commit], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return True


class Upgrade:
    """Links, one a process, which point to one of the two checkouts; what is restarted follows its link."""

    def __init__(self, links: Path, old: Path, new: Path = ROOT) -> None:
        self.old, self.new = old, new
        self._links = links
        links.mkdir()
        self._is_new = dict.fromkeys(PROCESSES, False)
        for name in (*PROCESSES, MIGRATIONS):
            (links / name).symlink_to(old)

    def variables(self) -> dict[str, str]:
        """What `preau up` is given."""
        return {"PREAU_SOURCES": ",".join(f"{name}={self._links / name}" for name in (*PROCESSES, MIGRATIONS))}

    async def become(self, platform: RunningPlatform, new: Iterable[str]) -> None:
        """Have exactly the processes ``new`` run the new code: those that change are asked to end, and start again."""
        wanted = set(new)
        changing = [name for name in PROCESSES if self._is_new[name] is not (name in wanted)]
        before = {name: platform.pid(name) for name in changing}
        for name in changing:
            self._is_new[name] = name in wanted
            self._point(name, is_new=name in wanted)
            os.kill(before[name], signal.SIGTERM)
        await asyncio.to_thread(_wait, platform, before)
        await asyncio.gather(*(self._check(platform, name) for name in changing))

    async def check(self, platform: RunningPlatform) -> None:
        """Every process runs from the checkout that its link names."""
        await asyncio.gather(*(self._check(platform, name) for name in PROCESSES))

    async def _check(self, platform: RunningPlatform, name: str) -> None:
        places = await asyncio.to_thread(origins, platform.pid(name), name)
        tree = self.new if self._is_new[name] else self.old
        assert all(place.is_relative_to(tree) for place in places), (name, places)

    async def migrate(self, platform: RunningPlatform) -> None:
        """Bring the schemas to the new code's, beside whatever runs."""
        self._point(MIGRATIONS, is_new=True)
        for service in SERVICES:
            environment = environment_from(
                {MIGRATIONS: self._links / MIGRATIONS}, MIGRATIONS, _environ(platform.pid(service))
            )
            process = await asyncio.create_subprocess_exec(
                *service_command(service, "migrate"), env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            said, _ = await process.communicate()
            assert process.returncode == 0, said.decode()

    def _point(self, name: str, *, is_new: bool) -> None:
        fresh = self._links / f"{name}.new"
        fresh.symlink_to(self.new if is_new else self.old)
        fresh.replace(self._links / name)


def origins(pid: int, process: str) -> list[Path]:
    """Where a Python with the environment of this process finds the process's own code, the chassis and the protos."""
    modules = [MODULES.get(process, process), "preau_chassis", "preau_kernel", "preau.agenda.v1.agenda_service_pb2"]
    done = subprocess.run(
        [sys.executable, "-c", _WHERE, *modules], env=_environ(pid), capture_output=True, check=True, text=True, cwd="/"
    )
    return [Path(each) for each in json.loads(done.stdout)]


def _environ(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def _wait(platform: RunningPlatform, before: Mapping[str, int]) -> None:
    deadline = time.monotonic() + _BACK_SECONDS
    while not all(platform.is_back(name, pid) for name, pid in before.items()):
        assert time.monotonic() < deadline, f"{', '.join(before)}: not all came back"
        time.sleep(0.02)
    platform.wait_until_healthy()
