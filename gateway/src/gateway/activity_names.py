"""What a town's activities are called, and the short names that tell them apart in a calendar's cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preau.agenda.v1 import agenda_service_pb2 as agenda

_TOO_SHORT = 4
_LINKS = frozenset({"du", "de", "des", "la", "le", "les"})
_WEEKDAYS = frozenset({"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"})
_KINDS = {agenda.ACTIVITY_KIND_MEAL: "meal", agenda.ACTIVITY_KIND_CHILDCARE: "childcare"}


@dataclass(frozen=True, slots=True)
class ActivityName:
    """An activity, as lists show it; ``short`` fits a calendar's cell."""

    id: str
    name: str
    short: str
    kind: str
    position: int
    weekdays: tuple[int, ...]
    requires: tuple[str, ...]


def name_activities(activities: Iterable[agenda.Activity]) -> tuple[ActivityName, ...]:
    """Activities in their order, each with a short name that still tells it from the others."""
    ordered = sorted(activities, key=lambda item: (item.position, item.name))
    names = [item.name for item in ordered]
    return tuple(
        ActivityName(
            item.id,
            item.name,
            short_name(item.name, names),
            _KINDS.get(item.kind, "other"),
            item.position,
            tuple(item.weekdays),
            tuple(item.requires),
        )
        for item in ordered
    )


def short_name(name: str, names: Sequence[str]) -> str:
    """The words that tell ``name`` from the others: « Accueil périscolaire matin » is « Matin »."""
    words = name.split()
    others = [other.split() for other in names if other != name]
    if words and all(not other or other[0].casefold() != words[0].casefold() for other in others):
        return words[0] if len(words[0]) > _TOO_SHORT else name
    shared = max((_common(words, other) for other in others), default=0)
    rest = [word for word in words[shared:] if word not in {"-", "–"}]
    while rest and rest[0].casefold() in _LINKS:
        rest = rest[1:]
    if not rest or (len(rest) == 1 and rest[0].casefold() in _WEEKDAYS):
        rest = words[:shared]
    text = " ".join(rest)
    return text[:1].upper() + text[1:]


def _common(words: Sequence[str], others: Sequence[str]) -> int:
    count = 0
    for mine, theirs in zip(words, others, strict=False):
        if mine.casefold() != theirs.casefold():
            break
        count += 1
    return count
