"""docs/telemetry/chassis.yaml and the code name the same attributes."""

from __future__ import annotations

import re
from pathlib import Path

import preau_chassis
import yaml

ROOT = Path(__file__).parents[3]
SOURCE = Path(preau_chassis.__file__).parent
ATTRIBUTE = re.compile(r'"((?:preau|rpc|messaging|db|exception)\.[a-z_.]+)"')
NOT_ATTRIBUTES = {"rpc.failed"}


def test_every_attribute_in_the_code_is_declared_and_the_other_way_round() -> None:
    schema = yaml.safe_load((ROOT / "docs/telemetry/chassis.yaml").read_text())
    declared = {attribute["name"] for attribute in schema["attributes"]}
    metrics = yaml.safe_load((ROOT / "docs/telemetry/metrics.yaml").read_text())["metrics"]
    others = NOT_ATTRIBUTES | {metric["name"] for metric in metrics}
    used = {name for file in SOURCE.rglob("*.py") for name in ATTRIBUTE.findall(file.read_text())} - others
    assert used == declared


def test_every_attribute_of_a_span_is_described() -> None:
    schema = yaml.safe_load((ROOT / "docs/telemetry/chassis.yaml").read_text())
    described = {attribute["name"] for attribute in schema["attributes"] if attribute["brief"]}
    for span in schema["spans"]:
        assert span["brief"]
        assert set(span["attributes"]) <= described, span["name"]
