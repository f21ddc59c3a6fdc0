"""Reads towns' files: each is right, or the lines say what is not and where."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from preau_stack.town_file import TownFile
from preau_stack.town_plan import TownPlan, plan_of
from preau_stack.town_rules import problems_of

_WORDS = {"missing": "is missing", "extra_forbidden": "is no field of this table"}


class TownFileError(Exception):
    """Files that cannot be applied; ``problems`` are whole lines."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class ReadTown:
    """A file that is right."""

    file: Path
    town: TownFile
    plan: TownPlan


def read_towns(files: Sequence[Path]) -> list[ReadTown]:
    """All the files, or ``TownFileError`` with every problem of all of them."""
    towns: list[ReadTown] = []
    problems: list[str] = []
    for file in files:
        try:
            towns.append(_read(file))
        except TownFileError as error:
            problems += [f"{file}: {problem}" for problem in error.problems]
    problems += _clashes(towns)
    if problems:
        raise TownFileError(problems)
    return towns


def _read(file: Path) -> ReadTown:
    try:
        town = TownFile.model_validate(tomllib.loads(_text(file)))
    except tomllib.TOMLDecodeError as error:
        raise TownFileError([str(error)]) from None
    except ValidationError as error:
        raise TownFileError([_line(each) for each in error.errors(include_input=False)]) from None
    plan = _plan(town, file.parent)
    if problems := problems_of(town, plan):
        raise TownFileError(problems)
    return ReadTown(file, town, plan)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise TownFileError([error.strerror or type(error).__name__]) from None
    except UnicodeDecodeError:
        raise TownFileError(["not a text in UTF-8"]) from None


def _plan(town: TownFile, folder: Path) -> TownPlan:
    own = town.school_calendar.file
    try:
        return plan_of(town, _text(folder / own) if own else "")
    except (TownFileError, ValueError) as error:
        raise TownFileError([f"school_calendar: {error}"]) from None


def _line(error: Mapping[str, Any]) -> str:
    place = ".".join(map(str, error["loc"]))
    words = _WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{place}: {words}"


def _clashes(towns: Sequence[ReadTown]) -> list[str]:
    owners: dict[str, Path] = {}
    problems = []
    for each in towns:
        names = [("slug", each.town.slug), *((f"hosts.{at}", host) for at, host in enumerate(each.town.hosts))]
        for place, name in names:
            if owners.setdefault(name.lower(), each.file) != each.file:
                problems.append(f"{each.file}: {place}: {name!r} is already in {owners[name.lower()]}")
    return problems
