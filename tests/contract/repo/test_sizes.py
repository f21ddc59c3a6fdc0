"""The sizes in docs/operations.md are those that today's figures give."""

from __future__ import annotations

import itertools

from scripts.sizes import FAMILY_MS, OPERATIONS, PROFILES, written


def test_the_tables_of_sizes_are_up_to_date() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    assert written(text) == text, "run: python -m scripts.sizes"


def test_the_figures_are_those_of_the_load_test() -> None:
    speed = (OPERATIONS.parent / "speed.md").read_text(encoding="utf-8")
    told = " ".join(speed.split())
    for process, ms in FAMILY_MS.items():
        assert f"{process} {ms:g}" in told, process


def test_more_families_never_need_less() -> None:
    for small, large in itertools.pairwise(PROFILES):
        assert all(small.replicas(name) <= large.replicas(name) for name in ("gateway", "agenda", "billing", "payment"))
        assert small.cores("identity") < large.cores("identity")
