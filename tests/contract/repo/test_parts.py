"""`images/sbom.py`: the list of parts of an image has Python's and the base's, and says so when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIBC = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\nDescription: C\n"
CRYPT = "Package: libcrypt1\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1:4.4.33-2\n"


def parts(base: Path) -> subprocess.CompletedProcess[str]:
    (base / "etc").mkdir()
    (base / "etc/os-release").write_text('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    lock = base / "requirements.lock"
    # An image has no pip; this environment has.
    lock.write_text(f"{(ROOT / 'requirements.lock').read_text()}pip=={version('pip')}\n")
    command = [sys.executable, str(ROOT / "images/sbom.py"), str(lock), str(base)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("is_slim", [False, True], ids=["with dpkg", "without dpkg"])
def test_the_bases_own_packages_are_among_the_parts(tmp_path: Path, *, is_slim: bool) -> None:
    records = tmp_path / "var/lib/dpkg"
    if is_slim:
        (records / "status.d").mkdir(parents=True)
        (records / "status.d/libc6").write_text(LIBC)
        (records / "status.d/libcrypt1").write_text(CRYPT)
    else:
        records.mkdir(parents=True)
        (records / "status").write_text(f"{LIBC}\n{CRYPT}")
    done = parts(tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {"name": "base", "value": "Debian GNU/Linux 12 (bookworm)"} in document["metadata"]["properties"]
    packages = [one["purl"] for one in document["components"] if one["purl"].startswith("pkg:deb/")]
    assert packages == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64",
        "pkg:deb/debian/libcrypt1@1%3A4.4.33-2?arch=amd64",
    ]
    assert any(one["purl"].startswith("pkg:pypi/grpcio@") for one in document["components"])
    assert len({one["bom-ref"] for one in document["components"]}) == len(document["components"])


def test_a_base_that_does_not_say_what_is_in_it_is_refused(tmp_path: Path) -> None:
    done = parts(tmp_path)
    assert done.returncode == 1
    assert "no record of Debian packages" in done.stderr
