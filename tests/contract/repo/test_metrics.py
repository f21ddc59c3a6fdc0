"""docs/telemetry/metrics.yaml and the code name the same metrics, with the same kind, unit and attributes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.contract.repo.sources import ROOT, Source, called, sources, text_of

KINDS = ("counter", "histogram", "gauge")
DEFINITION = "libs/chassis/src/preau_chassis/metrics.py"
ATTRIBUTE = re.compile(r"(?:preau|rpc|http|messaging|db)(?:\.[a-z_]+)+")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One call that makes an instrument."""

    name: str
    kind: str
    unit: str
    source: Source
    variable: str
    """What it is bound to at module level; empty otherwise."""


@cache
def schema() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs/telemetry/metrics.yaml").read_text())
    return document


def declared() -> dict[str, dict[str, Any]]:
    return {metric["name"]: metric for metric in schema()["metrics"]}


@cache
def instruments() -> tuple[Instrument, ...]:
    return tuple(found for source in sources() if source.path != DEFINITION for found in instruments_of(source))


def instruments_of(source: Source) -> Iterator[Instrument]:
    bound = {
        id(node.value): target.id
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called(node) in KINDS and node.args:
            name, unit = text_of(node.args[0]), text_of(node.args[1]) if len(node.args) > 1 else None
            assert name is not None, f"{source.path}:{node.lineno}: a metric's name is written out where it is made"
            assert unit is not None, f"{source.path}:{node.lineno}: so is its unit"
            yield Instrument(name, called(node), unit, source, bound.get(id(node), ""))


def recorded(instrument: Instrument) -> Iterator[frozenset[str]]:
    """The attributes of each ``add`` or ``record`` on the instrument's variable that can be read off the code."""
    for function in ast.walk(instrument.source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        local = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and called(node) in {"add", "record"}):
                continue
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if not (isinstance(owner, ast.Name) and owner.id == instrument.variable):
                continue
            attributes = node.args[1] if len(node.args) > 1 else None
            if isinstance(attributes, ast.Name):
                attributes = local.get(attributes.id)
            if attributes is None:
                yield frozenset()
            elif isinstance(attributes, ast.Dict):
                yield frozenset(text_of(key) or "?" for key in attributes.keys)


def test_every_metric_in_the_code_is_in_the_schema_with_its_kind_and_unit() -> None:
    known = {(name, metric["kind"], metric["unit"]) for name, metric in declared().items()}
    assert sorted({(one.name, one.kind, one.unit) for one in instruments()} - known) == []


def test_every_metric_in_the_schema_is_in_the_code() -> None:
    assert sorted(set(declared()) - {one.name for one in instruments()}) == []


def test_a_metric_is_written_by_the_services_that_the_schema_says() -> None:
    for one in instruments():
        # What the libraries write, every service that lives on them writes.
        if one.source.service:
            assert declared()[one.name]["by"] == [one.source.service], one.name


def test_what_is_recorded_carries_the_attributes_of_the_schema() -> None:
    checked = {
        (one.name, attributes, frozenset(declared()[one.name]["attributes"]))
        for one in instruments()
        for attributes in recorded(one)
    }
    assert len(checked) >= 5
    assert [(name, sorted(said), sorted(asked)) for name, said, asked in checked if said != asked] == []


def test_the_attributes_of_a_metric_are_named_where_it_is_made() -> None:
    for one in instruments():
        named = {
            text for node in ast.walk(one.source.tree) if isinstance(node, ast.Constant) and (text := text_of(node))
        }
        assert set(declared()[one.name]["attributes"]) <= named, (one.name, one.source.path)


def test_every_attribute_is_described_and_used() -> None:
    described = {each["name"] for each in schema()["attributes"] if each["brief"]}
    assert described == {name for metric in declared().values() for name in metric["attributes"]}
    assert all(ATTRIBUTE.fullmatch(name) for name in described)


def test_every_metric_is_named_once_and_described() -> None:
    names = [metric["name"] for metric in schema()["metrics"]]
    series = [metric["prometheus"] for metric in (*schema()["metrics"], *schema()["external"])]
    assert len(set(names)) == len(names)
    assert len(set(series)) == len(series)
    for metric in schema()["metrics"]:
        assert metric["brief"], metric["name"]
        assert metric["kind"] in KINDS
        assert metric["by"]
        assert metric["kind"] != "histogram" or metric["unit"] == "s"
