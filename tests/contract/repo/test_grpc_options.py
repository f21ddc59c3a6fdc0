"""gRPC ignores options it does not know: a misspelt one is a protection that is not there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from preau_chassis.constants import CLIENT_OPTIONS, SERVER_OPTIONS

OPTIONS = sorted({name for name, _ in (*SERVER_OPTIONS, *CLIENT_OPTIONS)})


@pytest.fixture(scope="module")
def core() -> bytes:
    spec = importlib.util.find_spec("grpc._cython.cygrpc")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_bytes()


@pytest.mark.parametrize("name", OPTIONS)
def test_the_core_knows_the_option(core: bytes, name: str) -> None:
    is_known = name.encode() + b"\0" in core
    assert is_known
