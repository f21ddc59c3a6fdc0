"""Names that no single service knows: children (identity), activities (agenda), joined for display."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from preau.identity.v1 import identity_service_pb2 as identity

from gateway.activity_names import ActivityName
from gateway.citizen.desk import Desk
from gateway.directory import Directory
from gateway.lexicon import Lexicon


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
class Names:
    """The household's children and the town's activities, in the order pages show them."""

    children: Mapping[str, Child]
    activities: Mapping[str, ActivityName]

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
    return Names({child.id: child_of(child) for child in children.values()}, catalogue.names)


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
