"""Prints what the named members need from elsewhere: their declared dependencies that are no members themselves."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def main() -> None:
    projects = [tomllib.loads((Path(member) / "pyproject.toml").read_text())["project"] for member in sys.argv[1:]]
    members = {project["name"] for project in projects}
    needed = {need for project in projects for need in project["dependencies"]}
    for need in sorted(needed):
        if re.split(r"[\[<>=!~; ]", need, maxsplit=1)[0] not in members:
            sys.stdout.write(f"{need}\n")


if __name__ == "__main__":
    main()
