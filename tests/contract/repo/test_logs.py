"""docs/telemetry/logs.yaml and the code name the same log events, with the same fields and levels."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from preau_chassis import logs

from tests.contract.repo.sources import ROOT, Source, called, sources, text_of

LEVELS = {"debug", "info", "warning", "error", "exception"}
PERSONAL = re.compile(
    r"name|mail|phone|address|password|secret|token|born|birth|child|guardian|iban|card|body|words|text|url|ip$"
)


@dataclass(slots=True)
class Written:
    """What the code says of one event."""

    by: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


@cache
def schema() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs/telemetry/logs.yaml").read_text())
    return document


@cache
def written() -> dict[str, Written]:
    found: dict[str, Written] = defaultdict(Written)
    for source in sources():
        for call in (node for node in ast.walk(source.tree) if isinstance(node, ast.Call)):
            for level, event in lines_of(call, source):
                found[event].by.add(source.service or "chassis")
                found[event].levels.add("error" if level == "exception" else level)
                found[event].fields |= fields_of(call, level)
    return found


def lines_of(call: ast.Call, source: Source) -> Iterator[tuple[str, str]]:
    """Level and event of each line that this call may write; nothing when it writes none."""
    levels = levels_of(call, source)
    if not levels:
        return
    where = f"{source.path}:{call.lineno}"
    assert len(call.args) == 1, f"{where}: an event has a name and fields, nothing else"
    events = branches(call.args[0])
    for condition, level in levels.items():
        # ``_log.info if it_is_well else _log.error`` and ``"well" if it_is_well else "ill"`` go together.
        for choice in [events[condition]] if condition in events else events.values():
            event = text_of(choice)
            assert event is not None, f"{where}: an event's name is written out where it is logged"
            yield level, event


def levels_of(call: ast.Call, source: Source) -> dict[str, str]:
    if isinstance(call.func, ast.Attribute):
        owner = called(ast.Call(func=call.func.value, args=[], keywords=[]))
        return {"": call.func.attr} if call.func.attr in LEVELS and owner.strip("_").lower() == "log" else {}
    if called(call) != "log":
        return {}
    return {
        condition: part.attr
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "log"
        for condition, part in branches(node.value).items()
        if isinstance(part, ast.Attribute) and part.attr in LEVELS
    }


def branches(value: ast.expr) -> dict[str, ast.expr]:
    """The two values of ``a if condition else b`` by what must hold, or the one value there is."""
    if not isinstance(value, ast.IfExp):
        return {"": value}
    condition = ast.unparse(value.test)
    return {condition: value.body, f"not {condition}": value.orelse}


def fields_of(call: ast.Call, level: str) -> set[str]:
    named = {keyword.arg or "**" for keyword in call.keywords} | ({"exc_info"} if level == "exception" else set())
    return {"exception" if name == "exc_info" else name for name in named}


def declared() -> dict[str, dict[str, Any]]:
    return {each["event"]: each for each in schema()["events"]}


def test_every_event_in_the_code_is_in_the_schema_and_the_other_way_round() -> None:
    assert sorted(set(written()) ^ set(declared())) == []
    assert len(schema()["events"]) == len(declared())


def test_an_event_has_the_fields_levels_and_writers_of_the_schema() -> None:
    for event, said in written().items():
        expected = declared()[event]
        assert (event, said.fields) == (event, set(expected["fields"]))
        assert (event, said.levels) == (event, set(expected["levels"]))
        assert (event, said.by) == (event, set(expected["by"]))
        assert expected["brief"], event


def test_every_field_is_let_through_and_could_hold_nobodys_data() -> None:
    fields = {name for each in declared().values() for name in each["fields"]}
    fields |= {name for names in schema()["common"].values() for name in names}
    # The gateway adds the one that only it has: the route's template.
    assert sorted(fields - logs._ALLOWED - {"path"}) == []
    assert [name for name in sorted(logs._ALLOWED | fields) if PERSONAL.search(name)] == []
