"""« Saisie groupée »: the form as it was typed, and the entry it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import date_to_wire

from gateway.citizen.dates import read_day
from gateway.citizen.desk import Fields
from gateway.citizen.names import Names
from gateway.formatting import month_bounds
from gateway.lexicon import Lexicon, mark

EVERY_CHILD = "tous"
_MONTHS_AT_MOST = 13

ACTIONS = {"creer": (mark("Créer"), pb.BULK_ACTION_CREATE), "supprimer": (mark("Supprimer"), pb.BULK_ACTION_DELETE)}
PERIODICITIES = {
    "aucune": (mark("Aucune"), pb.PERIODICITY_NONE),
    "semaines": (mark("Toutes les semaines"), pb.PERIODICITY_WEEKLY),
    "une-sur-deux": (mark("Une semaine sur deux"), pb.PERIODICITY_BIWEEKLY),
    "paires": (mark("Semaines paires"), pb.PERIODICITY_EVEN_WEEKS),
    "impaires": (mark("Semaines impaires"), pb.PERIODICITY_ODD_WEEKS),
}


@dataclass(frozen=True, slots=True)
class BulkForm:
    """Everything as typed, so that nothing is lost when something is wrong."""

    children: tuple[str, ...] = ()
    action: str = ""
    first: str = ""
    last: str = ""
    activities: tuple[str, ...] = ()
    periodicity: str = "aucune"
    weekdays: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Fields) -> BulkForm:
        return cls(
            tuple(fields.list("usagers")),
            fields.text("action"),
            fields.text("du")[:20],
            fields.text("au")[:20],
            tuple(fields.list("activites")),
            fields.text("periodicite") or "aucune",
            tuple(fields.list("jours")),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """As parameters and hidden fields."""
        pairs = [("usagers", item) for item in self.children]
        pairs += [("action", self.action), ("du", self.first), ("au", self.last)]
        pairs += [("activites", item) for item in self.activities]
        pairs += [("periodicite", self.periodicity)]
        return pairs + [("jours", item) for item in self.weekdays]

    def with_activities(self, more: list[str]) -> BulkForm:
        return replace(self, activities=tuple(dict.fromkeys([*self.activities, *more])))

    def child_ids(self, names: Names) -> list[str]:
        if EVERY_CHILD in self.children:
            return list(names.children)
        return [child_id for child_id in names.children if child_id in self.children]

    @property
    def first_day(self) -> date | None:
        return read_day(self.first)

    @property
    def last_day(self) -> date | None:
        return read_day(self.last)

    @property
    def is_creation(self) -> bool:
        return self.action == "creer"

    def errors(self, names: Names, lex: Lexicon) -> dict[str, str]:
        """What to correct, by field, in the form's order."""
        errors = {}
        if not self.child_ids(names):
            errors["usagers"] = lex.say("Choisissez au moins un usager.")
        if self.action not in ACTIONS:
            errors["action"] = lex.say("Choisissez une action dans la liste.")
        first, last = self.first_day, self.last_day
        if first is None:
            errors["du"] = lex.say("Saisissez le début de la période : jour, mois, année.")
        if last is None:
            errors["au"] = lex.say("Saisissez la fin de la période : jour, mois, année.")
        if first and last and last < first:
            errors["au"] = lex.say("La fin de la période est avant son début.")
        elif first and last and _is_too_long(first, last):
            errors["au"] = lex.say("La période dépasse 13 mois.")
        if not [item for item in self.activities if item in names.activities]:
            errors["activites"] = lex.say("Choisissez au moins une activité.")
        if self.periodicity not in PERIODICITIES:
            errors["periodicite"] = lex.say("Choisissez une périodicité dans la liste.")
        return errors

    def entry(self, names: Names) -> pb.BulkEntry:
        """The entry, of a form without errors."""
        first, last = self.first_day, self.last_day
        if first is None or last is None:
            message = "the form has errors"
            raise ValueError(message)
        fields: dict[str, Any] = {"from": date_to_wire(first), "to": date_to_wire(last)}
        return pb.BulkEntry(
            child_ids=self.child_ids(names),
            action=ACTIONS[self.action][1],
            activity_ids=[item for item in self.activities if item in names.activities],
            periodicity=PERIODICITIES[self.periodicity][1],
            weekdays=sorted(int(item) for item in self.weekdays if item in set("1234567")),
            **fields,
        )


def _is_too_long(first: date, last: date) -> bool:
    # Counted, not added: what is typed may lie at the end of the calendar.
    months = (last.year - first.year) * 12 + last.month - first.month
    if months != _MONTHS_AT_MOST:
        return months > _MONTHS_AT_MOST
    return last.day >= min(first.day, month_bounds(last)[1].day)
