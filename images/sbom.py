"""sbom.py LOCK BASE: prints what is in an image as CycloneDX JSON: this environment, and the Debian packages below BASE.

Refuses a distribution that the lock does not name. The same image gives the same text: no clock, no random serial number.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

_LONGEST_NAME = 100
"""Some packages put their whole licence where its name belongs."""
_FIELD = re.compile(r"^(Package|Version|Architecture): (.+)$", re.MULTILINE)
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_ours(distribution: Distribution) -> bool:
    """Whether it was installed from a folder of this repository."""
    return '"editable": true' in (distribution.read_text("direct_url.json") or "").replace('":true', '": true')


def component(distribution: Distribution) -> dict[str, Any]:
    said: Any = distribution.metadata
    name, version = normal(said["Name"]), distribution.version
    licence = said.get("License-Expression") or (said.get("License") or "").strip().splitlines()[:1]
    text = licence if isinstance(licence, str) else "".join(licence)
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
    }
    if 0 < len(text) < _LONGEST_NAME:
        entry["licenses"] = [{"license": {"name": text}}]
    return entry


def debian(base: Path) -> list[dict[str, Any]]:
    """The packages of the base image, as dpkg or (where there is no dpkg) a folder of its records says."""
    dpkg = base / "var/lib/dpkg"
    records = [path for path in [dpkg / "status", *sorted(dpkg.glob("status.d/*"))] if path.is_file()]
    found = []
    for paragraph in "\n\n".join(path.read_text() for path in records).split("\n\n"):
        said = dict(_FIELD.findall(paragraph))
        if "Package" in said:
            name, version = said["Package"], said["Version"]
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={said['Architecture']}"
            found.append({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    return sorted(found, key=lambda one: one["bom-ref"])


def main() -> int:
    pins = {normal(found["name"]): found["version"] for found in _PIN.finditer(Path(sys.argv[1]).read_text())}
    here = sorted(distributions(), key=lambda one: normal(one.metadata["Name"]))
    strangers = [
        f"{one.metadata['Name']} {one.version}"
        for one in here
        if not is_ours(one) and pins.get(normal(one.metadata["Name"])) != one.version
    ]
    if strangers:
        sys.stderr.write(f"not in the lock: {', '.join(strangers)}\n")
        return 1
    base = Path(sys.argv[2])
    packages = debian(base)
    if not packages:
        sys.stderr.write(f"{base}: no record of Debian packages (make the base image anew: scripts/base-image.sh)\n")
        return 1
    system = (base / "etc/os-release").read_text().split('PRETTY_NAME="')[1].split('"')[0]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "properties": [{"name": "base", "value": system}, {"name": "python", "value": sys.version.split()[0]}]
        },
        "components": [*(component(one) for one in here), *packages],
    }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
