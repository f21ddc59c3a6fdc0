"""PREAU_SOURCES: processes from another checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from preau_stack.sources import SourcesError, environment_from, parse_sources

ROOT = Path(__file__).parents[3]


def test_each_name_has_its_checkout() -> None:
    sources = parse_sources(f"agenda={ROOT},migrate={ROOT}")
    assert sources == {"agenda": ROOT, "migrate": ROOT}
    assert parse_sources("") == {}


def test_the_checkout_comes_before_what_is_installed_and_only_for_its_process() -> None:
    sources = parse_sources(f"agenda={ROOT}")
    path = environment_from(sources, "agenda", {"PYTHONPATH": "/mine", "A": "1"})["PYTHONPATH"].split(os.pathsep)
    assert path[-1] == "/mine"
    assert str(ROOT / "agenda-svc" / "src") in path
    assert str(ROOT / "proto" / "gen") in path
    assert environment_from(sources, "billing", {"A": "1"}) == {"A": "1"}


def test_what_is_no_process_or_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourcesError, match="names 'agneda'; known are identity, agenda"):
        parse_sources(f"agneda={ROOT}")
    with pytest.raises(SourcesError, match="is no checkout of Préau; it lacks proto/gen"):
        parse_sources(f"agenda={tmp_path}")
