"""Names that no single service knows: children (identity), activities (agenda), joined for display."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.identity.v1 import identity_service_pb2 as identity

from gateway.citizen.desk import Desk
from gateway.directory import Directory
from gateway.lexicon import Lexicon

_TOO_SHORT = 4
_LINKS = frozenset({"du", "de", "des", "la", "le", "les"})
_WEEKDAYS = frozenset({"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"})
_KINDS = {agenda.ACTIVITY_KIND_MEAL: "meal", agenda.ACTIVITY_KIND_CHILDCARE: "childcare"}


@dataclass(frozen=True, slots=True)
class Child:
    """A child of the visitor's household."""

    id: str
    first_name: str
    last_name: str
    school: str = ""
    school_class: str = ""
    born_on: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


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


@dataclass(frozen=True, slots=True)
class Names:
    """The household's children and the town's activities, in the order pages show them."""

    children: dict[str, Child]
    activities: dict[str, ActivityName]

    def child(self, child_id: str) -> str:
        child = self.children.get(child_id)
        return child.first_name if child else "—"

    def activity(self, activity_id: str) -> str:
        activity = self.activities.get(activity_id)
        return activity.name if activity else "—"

    def short(self, activity_id: str) -> str:
        activity = self.activities.get(activity_id)
        return activity.short if activity else "—"

    def position(self, activity_id: str) -> int:
        activity = self.activities.get(activity_id)
        return activity.position if activity else 999

    def rank_of_child(self, child_id: str) -> int:
        return list(self.children).index(child_id) if child_id in self.children else 999


async def load_names(desk: Desk) -> Names:
    """The children of the visitor's household and the town's activities."""
    directory: Directory = desk.request.app.state.directory
    children, catalogue = await asyncio.gather(
        directory.children(desk.town, desk.visitor), directory.catalogue(desk.town, desk.visitor)
    )
    activities = name_activities(list(catalogue.activities))
    return Names({child.id: child_of(child) for child in children.values()}, {item.id: item for item in activities})


def offers_of(names: Names, lex: Lexicon) -> dict[str, str]:
    """What to offer, once, beside an activity that cannot stand alone."""
    return {
        item.id: offer_sentence(
            item, [names.activities[need] for need in item.requires if need in names.activities], lex
        )
        for item in names.activities.values()
        if item.requires
    }


def offer_sentence(activity: ActivityName, needed: list[ActivityName], lex: Lexicon) -> str:
    """« Ajouter l'accueil périscolaire du midi (obligatoire avec la restauration) »; other pairs by their names."""
    if activity.name == "Restauration scolaire" and [item.name for item in needed] == ["Accueil périscolaire midi"]:
        return lex.say("Ajouter l'accueil périscolaire du midi (obligatoire avec la restauration)")
    return lex.say(
        "Ajouter « %(needed)s » (obligatoire avec « %(activity)s »)",
        needed=", ".join(item.name for item in needed),
        activity=activity.name,
    )


def child_of(child: identity.Child) -> Child:
    return Child(child.id, child.first_name, child.last_name, child.school, child.school_class, child.born_on)


def name_activities(activities: list[agenda.Activity]) -> tuple[ActivityName, ...]:
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


def short_name(name: str, names: list[str]) -> str:
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


def _common(words: list[str], others: list[str]) -> int:
    count = 0
    for mine, theirs in zip(words, others, strict=False):
        if mine.casefold() != theirs.casefold():
            break
        count += 1
    return count
