"""`preau doctor`: what this machine lacks, and the line that gets it."""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preau_stack.ports import is_free
from preau_stack.process import StartFailedError

_LEAST_FREE_BYTES = 2 * 1024**3
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``packages`` are Debian's, ``advice`` is any other way out; a need for tests alone is not required to run."""

    what: str
    is_ok: bool
    said: str
    packages: tuple[str, ...] = ()
    advice: str = ""
    is_required: bool = True


def doctor(data: Path) -> int:
    """Print every finding and one apt line; 0 when the platform can run."""
    findings = [check(data) for check in _CHECKS]
    for each in findings:
        mark = "ok     " if each.is_ok else ("MISSING" if each.is_required else "absent ")
        print(f"{mark}  {each.what:<14} {each.said}")
        if not each.is_ok and each.advice:
            print(f"         {'':<14} {each.advice}")
    packages = sorted({name for each in findings if not each.is_ok for name in each.packages})
    if packages:
        print(f"\nAs root: {apt_line(packages)}")
    return 0 if all(each.is_ok for each in findings if each.is_required) else 1


def apt_line(packages: list[str]) -> str:
    """The line that installs Debian packages."""
    return f"apt-get update && apt-get install -y {' '.join(packages)}"


def find_chromium() -> str:
    """The path of Debian's browser, empty when there is none."""
    return next((path for name in _CHROMIUM if (path := shutil.which(name))), "")


def _python(_data: Path) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), version, ("python3", "python3-venv"))


def _postgres(_data: Path) -> Finding:
    try:
        from preau_stack.postgres import program_version

        return Finding("PostgreSQL", is_ok=True, said=program_version())
    except (StartFailedError, OSError, subprocess.CalledProcessError) as error:
        return Finding("PostgreSQL", is_ok=False, said=str(error), advice="make setup")


def _nats(_data: Path) -> Finding:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    return Finding("NATS", program.exists(), str(program), advice="make setup")


def _chromium(_data: Path) -> Finding:
    path = find_chromium()
    return Finding("Chromium", bool(path), path or "none: browser tests cannot run", ("chromium",), is_required=False)


def _fonts(_data: Path) -> Finding:
    lister = shutil.which("fc-list")
    listed = subprocess.run([lister], capture_output=True, text=True, check=False).stdout if lister else ""
    count = len(listed.splitlines())
    said = f"{count} faces" if count else "none: pages in the test browser would show no text"
    return Finding("Fonts", count > 0, said, ("fonts-dejavu-core", "fontconfig"), is_required=False)


def _prometheus(_data: Path) -> Finding:
    has_both = all(map(shutil.which, ("prometheus", "promtool")))
    said = "prometheus and promtool" if has_both else "none: tests of alerts and dashboards cannot run"
    return Finding("Prometheus", has_both, said, ("prometheus",), is_required=False)


def _disk(data: Path) -> Finding:
    place = data.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return Finding(
        "Disk",
        free > _LEAST_FREE_BYTES,
        f"{free / 1024**3:.1f} GiB free at {place}",
        advice="at least 2 GiB are needed",
    )


def _port(_data: Path) -> Finding:
    port = int(os.environ.get("PORT") or _DEFAULT_PORT)
    advice = "choose another (PORT=18080 make run), or `preau status` if it is this platform's own"
    return Finding(
        "Port", is_free(port), f"{port} is {'free' if is_free(port) else 'taken'}", advice=advice, is_required=False
    )


def _locale(_data: Path) -> Finding:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    return Finding("Locale", is_utf8, encoding, advice="export LC_ALL=C.UTF-8", is_required=False)


_CHECKS: tuple[Callable[[Path], Finding], ...] = (
    _python, _postgres, _nats, _disk, _port, _locale, _chromium, _fonts, _prometheus,
)  # fmt: skip
