"""podman, as far as these tests speak to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
_PROGRAM = shutil.which("podman") or "podman"


def missing() -> str:
    """Why containers cannot run here; empty when they can."""
    if os.environ.get("PREAU_CHART_E2E") != "1":
        return "runs by: make chart-e2e"
    if os.geteuid() != 0:
        return "containers with addresses of their own need root here"
    lacking = [name for name in ("podman", "runc", "conmon", "iptables") if shutil.which(name) is None]
    if lacking == ["runc"] and shutil.which("crun"):
        lacking = []
    if lacking:
        return f"missing: {', '.join(lacking)}. apt-get install -y podman runc conmon netavark aardvark-dns catatonit iptables"
    return ""


def podman(*arguments: str, check: bool = True, seconds: float = 120) -> str:
    """Run podman; its output."""
    done = subprocess.run([_PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=seconds)
    if check and done.returncode:
        message = f"podman {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def address(container: str, network: str) -> str:
    """A container's or pod's address in the network."""
    kind = json.loads(podman("inspect", container))[0]
    return str(kind["NetworkSettings"]["Networks"][network]["IPAddress"])


def play(documents: list[dict[str, Any]], network: str, *names: str) -> None:
    """Play Kubernetes objects; their pod is known in the network by these names, beside others of the same."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(documents, file)
        file.flush()
        podman(
            "kube",
            "play",
            "--quiet",
            "--network",
            f"{network}:{','.join(f'alias={name}' for name in names)}",
            file.name,
        )
