"""Where a process's code comes from: the installed packages, or another checkout of this repository.

``PREAU_SOURCES="agenda=/srv/preau-0.1.0,migrate=/srv/preau-0.1.0"`` runs agenda's process and all migrations from there,
so that two versions can be tried as one platform. Third-party packages stay those of this installation.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from preau_stack.databases import SERVICES

MIGRATIONS = "migrate"
NAMES = (*SERVICES, "gateway", "simulator", MIGRATIONS)
_FOLDERS = (
    "proto/gen",
    "libs/kernel/src",
    "libs/chassis/src",
    "identity-svc/src",
    "agenda-svc/src",
    "billing-svc/src",
    "payment-gateway-svc/src",
    "payment-gateway-svc/simulator/src",
    "gateway/src",
)


class SourcesError(Exception):
    """PREAU_SOURCES cannot be followed, and why."""


def parse_sources(text: str) -> dict[str, Path]:
    """The checkout of each name in ``text``; ``SourcesError`` when a name or a folder is not one."""
    sources: dict[str, Path] = {}
    for entry in filter(None, text.split(",")):
        name, _, folder = entry.partition("=")
        if name not in NAMES:
            raise SourcesError(f"PREAU_SOURCES names {name!r}; known are {', '.join(NAMES)}.")
        if missing := [each for each in _FOLDERS if not Path(folder, each).is_dir()]:
            raise SourcesError(f"PREAU_SOURCES: {folder!r} is no checkout of Préau; it lacks {missing[0]}.")
        sources[name] = Path(folder).absolute()
    return sources


def environment_from(sources: Mapping[str, Path], name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with the packages of the checkout for ``name`` before all others."""
    if name not in sources:
        return dict(environment)
    folders = [str(sources[name] / each) for each in _FOLDERS]
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join([*folders, environment.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
