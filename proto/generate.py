"""Generates the Python code of every proto of this repository into gen/, or into the folder given. Run by `make proto`; needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

import grpc_tools

ROOT = Path(__file__).parent


def main() -> None:
    """Regenerate from scratch: a removed proto leaves nothing behind."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "gen"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    protos = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "preau").rglob("*.proto"))
    services = [proto for proto in protos if proto.endswith("_service.proto")]
    includes = [f"-I{ROOT}", f"-I{files(grpc_tools) / '_proto'}", f"-I{_google_apis()}"]
    _protoc(*includes, f"--python_out={target}", f"--mypy_out=quiet:{target}", *protos)
    _protoc(*includes, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", *services)


def _google_apis() -> Path:
    import google.type

    return Path(next(iter(google.type.__path__))).parent.parent


def _protoc(*arguments: str) -> None:
    plugins = sysconfig.get_path("scripts")  # protoc looks for its plugins on PATH
    environment = os.environ | {"PATH": f"{plugins}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
    subprocess.run(command, check=True, env=environment)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
