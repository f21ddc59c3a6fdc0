"""Why something could not be, in a sentence that says so and until when (docs/problems lists the reasons).

Each reason has one or more wordings, the richest first; the first whose facts are all known is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from string import Formatter as FieldParser
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from preau_kernel.money import Money

from gateway.formatting import NBSP, Formatter
from gateway.lexicon import Lexicon, lexicon
from gateway.sentences import BY_KIND, INVALID_FIELD, REFINED, SENTENCES, TITLE_OF_REASON, TITLES

if TYPE_CHECKING:
    from gateway.town import Town

__all__ = ["SENTENCES", "facts_of", "say_reason", "sentence_for", "title_for"]

_PARIS = ZoneInfo("Europe/Paris")

_PLAIN = (
    "label",
    "activity",
    "related",
    "child",
    "expired_count",
    "free_count",
    "trace_id",
    "problem",
    "status",
    "max_count",
)
_AMOUNTS = (
    ("expected_minor", "expected"),
    ("actual_minor", "actual"),
    ("minimum_minor", "minimum"),
    ("total_minor", "amount"),
)
_ALIASES = {"activity_name": "activity", "related_activity": "related", "child_name": "child"}


def sentence_for(
    reason: str, metadata: Mapping[str, str], town: Town | None, language: str, now: datetime | None = None
) -> str:
    """The sentence for a refusal, with as many of its facts as ``metadata`` and the town give."""
    lex = lexicon(language)
    formatter = Formatter(lex.language, town.zone if town else _PARIS)
    phone = town.contact.phone if town else ""
    return say_reason(reason, facts_of(metadata, formatter, phone, now), lex)


def say_reason(reason: str, facts: Mapping[str, str], lex: Lexicon, kind: str = "precondition") -> str:
    """The first wording of ``reason`` whose facts are all known."""
    if reason in REFINED:
        fact, sentences = REFINED[reason]
        if refined := sentences.get(facts.get(fact, "")):
            return lex.say(refined)
    for wording in SENTENCES.get(reason, ()):
        if all(facts.get(name) for name in _fields(wording)):
            return lex.say(wording).format(**facts)
    if reason.startswith(("INVALID_", "MALFORMED_")) or reason.endswith(("_INVALID", "_REQUIRED")):
        kind = "invalid"
    if kind == "invalid" and facts.get("field"):
        return lex.say(INVALID_FIELD).format(**facts)
    return lex.say(BY_KIND.get(kind, BY_KIND["precondition"]))


def title_for(kind: str, language: str, reason: str = "") -> str:
    """A few words for a reason that has its own, else for an error kind (``ErrorKind`` value)."""
    return lexicon(language).say(TITLE_OF_REASON.get(reason) or TITLES.get(kind, TITLES["bug"]))


def facts_of(
    metadata: Mapping[str, str], formatter: Formatter, phone: str = "", now: datetime | None = None
) -> dict[str, str]:
    """Read the services' machine-readable facts and write them as people read them; unreadable ones are left out.

    With ``now`` an instant of another day says its day: a town may hold places for a week.
    """
    facts = {"phone": phone.replace(" ", NBSP)} if phone else {}
    for key, value in metadata.items():
        name = _ALIASES.get(key, key)
        if name in _PLAIN:
            facts[name] = value
    facts.update(_counts(metadata, formatter))
    day = _day(metadata.get("day", ""))
    if day:
        facts["day"] = formatter.day_month(day)
        facts["weekday"] = formatter.weekday(day.isoweekday())
    if moment := _instant(metadata.get("expired_at", "")):
        facts["expired_at"] = formatter.instant(moment, now or moment)
    if moment := _instant(metadata.get("retry_at", "")):
        facts["retry_at"] = formatter.clock(moment)
    if moment := _instant(metadata.get("cutoff_at", "")):
        facts["cutoff"] = formatter.instant(moment)
    if moment := _instant(metadata.get("hold_expires_at", "") or metadata.get("payable_until", "")):
        facts["held_until"] = formatter.instant(moment, now or moment)
    return facts


def _counts(metadata: Mapping[str, str], formatter: Formatter) -> dict[str, str]:
    facts = {}
    for key, name in _AMOUNTS:
        if metadata.get(key, "").lstrip("-").isdigit():
            facts[name] = formatter.money(Money(int(metadata[key])))
    if metadata.get("idle_minutes", "").isdigit():
        facts["idle"] = formatter.minutes(int(metadata["idle_minutes"]))
    return facts


def _fields(wording: str) -> list[str]:
    return [name for _, name, _, _ in FieldParser().parse(wording) if name]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
