"""What a bulk entry would do or did, in a headline and groups a parent can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_service_pb2 as billing
from preau_chassis.wire import date_from_wire, money_from_wire, timestamp_from_wire
from preau_kernel.money import Money

from gateway.citizen.desk import Desk
from gateway.citizen.names import Names
from gateway.citizen.states import CLOSED, CONFIRMED, FULL, LATE, NOT_ENROLLED, State
from gateway.lexicon import mark, mark_count
from gateway.reference import trace_of

_LOOKS: dict[str, State] = {
    "SESSION_FULL": FULL,
    "BOOKING_CUTOFF_PASSED": LATE,
    "CANCELLATION_CUTOFF_PASSED": LATE,
    "DAY_PAST": LATE,
    "NOT_ENROLLED": NOT_ENROLLED,
    "ALREADY_RESERVED": CONFIRMED,
}
_MOST_DAYS_NAMED = 12
_IMPOSSIBLE = mark_count("%(num)s jour impossible", "%(num)s jours impossibles")
_TITLES = {
    "NOT_THAT_WEEKDAY": mark_count(
        "%(num)s %(weekday)s : pas d'accueil ce jour", "%(num)s %(weekday)ss : pas d'accueil ce jour"
    ),
    "SESSION_FULL": mark_count("%(num)s jour complet", "%(num)s jours complets"),
    "SITE_CLOSED_FOR": mark_count("%(num)s jour fermé : %(label)s", "%(num)s jours fermés : %(label)s"),
    "SITE_CLOSED": mark_count("%(num)s jour fermé", "%(num)s jours fermés"),
    "ALREADY_RESERVED": mark_count("%(num)s jour déjà réservé", "%(num)s jours déjà réservés"),
    "NOT_RESERVED": mark_count("%(num)s jour où rien n'était réservé", "%(num)s jours où rien n'était réservé"),
    "DAY_PAST": mark_count("%(num)s jour déjà passé", "%(num)s jours déjà passés"),
    "BOOKING_CUTOFF_PASSED": mark_count(
        "%(num)s jour dont les réservations sont closes", "%(num)s jours dont les réservations sont closes"
    ),
    "CANCELLATION_CUTOFF_PASSED": mark_count(
        "%(num)s jour qui ne peut plus être annulé en ligne", "%(num)s jours qui ne peuvent plus être annulés en ligne"
    ),
    "NOT_OPEN_YET": mark_count(
        "%(num)s jour pas encore ouvert à la réservation", "%(num)s jours pas encore ouverts à la réservation"
    ),
}
_PAIRS = {
    "REQUIRES_ACTIVITY": mark("« %(activity)s » demande aussi « %(related)s »"),
    "EXCLUDES_ACTIVITY": mark("« %(activity)s » ne va pas avec « %(related)s » le même jour"),
}


class Skipped(msgspec.Struct, frozen=True, array_like=True):
    """Rows that are not done for one reason."""

    key: str
    icon: str
    title: str
    days: str
    who: str


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """The outcome in a few words; small enough to travel in an address."""

    created: int
    removed: int
    children: str
    headline: str
    amount_minor: int
    skipped: tuple[Skipped, ...]
    skipped_count: int
    entry_id: str = ""
    undo_until: float = 0
    held_until: float = 0
    reference: str = ""

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor)


async def quote(desk: Desk, rows: Iterable[pb.BulkRows]) -> Money:
    """What the rows cost together."""
    wanted = [billing.QuoteRow(activity_id=row.activity_id, days=row.days) for row in rows if row.days]
    if not wanted:
        return Money.zero()
    answer = await desk.clients.billing.quote_reservations(desk.token, billing.QuoteReservationsRequest(rows=wanted))
    return money_from_wire(answer.total)


async def preview_summary(desk: Desk, names: Names, preview: pb.PreviewBulkEntryResponse) -> Summary:
    """« 72 réservations seront créées pour Maëlle, 54,00 € »."""
    amount = await quote(desk, preview.created)
    created = sum(len(row.days) for row in preview.created)
    removed = sum(len(row.days) for row in preview.removed)
    who = _who(desk, names, preview.removed if removed else preview.created)
    if removed:
        headline = desk.lex.count(
            "%(num)s réservation sera supprimée pour %(who)s",
            "%(num)s réservations seront supprimées pour %(who)s",
            removed,
            who=who,
        )
    elif created:
        headline = desk.lex.count(
            "%(num)s réservation sera créée pour %(who)s, %(amount)s",
            "%(num)s réservations seront créées pour %(who)s, %(amount)s",
            created,
            who=who,
            amount=desk.fmt.money(amount),
        )
    else:
        headline = desk.lex.say("Rien ne changera : aucune réservation n'est possible avec ces choix")
    return Summary(
        created,
        removed,
        who,
        headline,
        amount.minor_units,
        skipped_groups(desk, names, preview.skipped),
        len(preview.skipped),
    )


async def result_summary(desk: Desk, names: Names, answer: pb.ApplyBulkEntryResponse) -> Summary:
    """The same headline in the past tense."""
    amount = await quote(desk, answer.created)
    who = _who(desk, names, answer.removed if answer.removed_count else answer.created)
    if answer.removed_count:
        headline = desk.lex.count(
            "%(num)s réservation a été supprimée pour %(who)s",
            "%(num)s réservations ont été supprimées pour %(who)s",
            answer.removed_count,
            who=who,
        )
    elif answer.created_count:
        headline = desk.lex.count(
            "%(num)s réservation a été créée pour %(who)s, %(amount)s",
            "%(num)s réservations ont été créées pour %(who)s, %(amount)s",
            answer.created_count,
            who=who,
            amount=desk.fmt.money(amount),
        )
    else:
        headline = desk.lex.say("Rien n'a changé : aucune réservation n'était possible avec ces choix")
    return Summary(
        answer.created_count,
        answer.removed_count,
        who,
        headline,
        amount.minor_units,
        skipped_groups(desk, names, answer.skipped),
        len(answer.skipped),
        answer.entry_id,
        timestamp_from_wire(answer.undo_until).timestamp() if answer.HasField("undo_until") else 0,
        timestamp_from_wire(answer.hold_expires_at).timestamp() if answer.HasField("hold_expires_at") else 0,
        trace_of(desk.request),
    )


def _who(desk: Desk, names: Names, rows: Iterable[pb.BulkRows]) -> str:
    found = {row.child_id for row in rows if row.days}
    return desk.fmt.names([names.child(child_id) for child_id in names.children if child_id in found])


def skipped_groups(desk: Desk, names: Names, skipped: Iterable[pb.SkippedRow]) -> tuple[Skipped, ...]:
    """Rows that are not done, by reason: « 4 mercredis : pas d'accueil ce jour »."""
    groups: dict[tuple[Any, ...], list[pb.SkippedRow]] = defaultdict(list)
    for row in skipped:
        day = date_from_wire(row.day)
        detail: object = row.refusal.label
        if row.refusal.reason == "NOT_THAT_WEEKDAY":
            detail = day.isoweekday()
        elif row.refusal.reason == "REQUIRES_ACTIVITY":
            detail = (row.activity_id, row.refusal.related_activity_id)
        groups[row.refusal.reason, detail].append(row)
    made = [_group(desk, names, key[0], rows) for key, rows in groups.items()]
    return tuple(sorted(made, key=lambda group: group.key))


def _group(desk: Desk, names: Names, reason: str, rows: list[pb.SkippedRow]) -> Skipped:
    days = sorted({date_from_wire(row.day) for row in rows})
    activities = sorted({row.activity_id for row in rows}, key=names.position)
    children = {row.child_id for row in rows}
    look = _LOOKS.get(reason, CLOSED)
    what = [names.activity(item) for item in activities]
    who = [names.child(item) for item in names.children if item in children]
    named = ", ".join(what)
    if len(names.children) > 1:
        named = f"{named} – {desk.fmt.names(who)}"
    return Skipped(look.key, look.icon, _title(desk, names, reason, rows, days), _days(desk, days), named)


def _days(desk: Desk, days: list[date]) -> str:
    text = desk.fmt.days(days[:_MOST_DAYS_NAMED])
    more = len(days) - _MOST_DAYS_NAMED
    if more > 0:
        text += " " + desk.lex.count("et %(num)s autre jour", "et %(num)s autres jours", more)
    return text


def _title(desk: Desk, names: Names, reason: str, rows: list[pb.SkippedRow], days: list[date]) -> str:
    refusal, lex = rows[0].refusal, desk.lex
    if reason in _PAIRS:
        return lex.say(
            _PAIRS[reason],
            activity=names.activity(rows[0].activity_id),
            related=names.activity(refusal.related_activity_id),
        )
    if reason == "NOT_ENROLLED":
        return lex.say("Pas encore d'inscription à cette activité : voyez le service scolaire")
    key = "SITE_CLOSED_FOR" if reason == "SITE_CLOSED" and refusal.label else reason
    singular, plural = _TITLES.get(key, _IMPOSSIBLE)
    weekday = desk.fmt.weekday(days[0].isoweekday())
    title = lex.count(singular, plural, len(days), weekday=weekday, label=refusal.label)
    if reason == "BOOKING_CUTOFF_PASSED" and desk.town.contact.phone:
        title += " " + lex.say("(service scolaire : %(phone)s)", phone=desk.town.contact.phone)
    return title
