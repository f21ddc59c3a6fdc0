"""Generates the Python code of every proto of this repository into gen/. Run by `make proto`; needs no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import grpc_tools

ROOT = Path(__file__).parent
GENERATED = ROOT / "gen"


def main() -> None:
    """Regenerate from scratch: a removed proto leaves nothing behind."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir()
    protos = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "preau").rglob("*.proto"))
    services = [proto for proto in protos if proto.endswith("_service.proto")]
    includes = [f"-I{ROOT}", f"-I{files(grpc_tools) / '_proto'}", f"-I{_google_apis()}"]
    _protoc(*includes, f"--python_out={GENERATED}", f"--mypy_out=quiet:{GENERATED}", *protos)
    _protoc(*includes, f"--grpc_python_out={GENERATED}", f"--mypy_grpc_out=quiet:{GENERATED}", *services)


def _google_apis() -> Path:
    import google.type  # noqa: PLC0415 - a namespace package: found at run time

    return Path(next(iter(google.type.__path__))).parent.parent


def _protoc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
