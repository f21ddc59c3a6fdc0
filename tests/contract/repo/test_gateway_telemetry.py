"""docs/telemetry/gateway.yaml and the gateway's code name the same attributes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
SOURCES = [path.read_text() for path in (ROOT / "gateway/src/gateway").rglob("*.py")]


def declared() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs/telemetry/gateway.yaml").read_text())
    return document


def test_every_attribute_of_the_root_span_is_declared_and_set() -> None:
    text = "\n".join(SOURCES)
    used = set(re.findall(r'hop\.set\(\s*"([a-z_.]+)"', text)) | set(re.findall(r'attributes=\{"([a-z_.]+)"', text))
    assert used == set(declared()["spans"][0]["attributes"])
