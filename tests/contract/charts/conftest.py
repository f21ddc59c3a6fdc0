"""The charts put together once a session, and each variant rendered once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.contract.charts.rendering import ROOT, VARIANTS, Rendered, helm

Render = Callable[..., Rendered]


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    subprocess.run([ROOT / "scripts/charts.sh", folder / "out"], check=True, capture_output=True, timeout=60)
    return folder / "out"


@pytest.fixture(scope="session")
def render(charts: Path) -> Render:
    """`render("production", "--set=…")`: a variant, with more said on top."""

    @cache
    def run(variant: str = "default", *more: str) -> Rendered:
        done = helm("template", "preau", str(charts / "preau"), "--namespace", "preau", *VARIANTS[variant], *more)
        assert done.returncode == 0, done.stderr
        return Rendered(done.stdout)

    return run


@pytest.fixture(params=sorted(VARIANTS))
def rendered(request: pytest.FixtureRequest, render: Render) -> Rendered:
    """Each variant in turn."""
    return render(request.param)
