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

from gateway.formatting import Formatter
from gateway.lexicon import Lexicon, lexicon, mark

if TYPE_CHECKING:
    from gateway.town import Town

_PARIS = ZoneInfo("Europe/Paris")

SENTENCES: dict[str, tuple[str, ...]] = {
    "SESSION_FULL": (
        mark("Complet : il ne reste plus de place pour {activity} le {day}."),
        mark("Complet : il ne reste plus de place."),
    ),
    "BOOKING_CUTOFF_PASSED": (
        mark(
            "Les réservations pour le {day} sont closes depuis {cutoff}. "
            "Le service scolaire peut encore vous aider : {phone}."
        ),
        mark("Les réservations pour le {day} sont closes depuis {cutoff}."),
        mark("Les réservations sont closes pour ce jour. Le service scolaire peut encore vous aider : {phone}."),
        mark("Les réservations sont closes pour ce jour."),
    ),
    "CANCELLATION_CUTOFF_PASSED": (
        mark("Cette réservation ne peut plus être annulée en ligne depuis {cutoff}."),
        mark("Cette réservation ne peut plus être annulée en ligne."),
    ),
    "SITE_CLOSED": (
        mark("Fermé le {day} : {label}."),
        mark("Fermé le {day}."),
        mark("Fermé ce jour."),
    ),
    "NOT_THAT_WEEKDAY": (
        mark("Pas de « {activity} » le {weekday}."),
        mark("Cette activité n'a pas lieu ce jour de la semaine."),
    ),
    "NOT_ENROLLED": (
        mark("{child} n'est pas encore inscrit(e) à {activity}. Inscription auprès du service scolaire."),
        mark("Votre enfant n'est pas encore inscrit(e) à cette activité. Inscription auprès du service scolaire."),
    ),
    "REQUIRES_ACTIVITY": (
        mark("{activity} demande aussi {related}."),
        mark("Cette activité demande aussi {related}."),
        mark("Cette activité en demande une autre le même jour."),
    ),
    "EXCLUDES_ACTIVITY": (
        mark("{activity} ne va pas avec {related} le même jour."),
        mark("Cette activité ne va pas avec une autre du même jour."),
    ),
    "ALREADY_RESERVED": (mark("Déjà réservé."),),
    "NOT_RESERVED": (mark("Rien n'était réservé."),),
    "NOT_OPEN_YET": (
        mark("Les réservations ne sont pas encore ouvertes pour le {day}."),
        mark("Les réservations ne sont pas encore ouvertes pour ce jour."),
    ),
    "DAY_PAST": (mark("Ce jour est passé."),),
    "HOLD_EXPIRED": (
        mark(
            "Vos places n'étaient plus gardées depuis {expired_at}. "
            "{free_count} sur {expired_count} sont encore libres : les reprendre ?"
        ),
        mark("Vos places n'étaient plus gardées. Vous pouvez reprendre celles qui sont encore libres."),
    ),
    "BASKET_CHANGED": (
        mark("Votre panier a changé depuis l'affichage : {expected} → {actual}. Vérifiez puis confirmez."),
        mark("Votre panier a changé depuis l'affichage. Vérifiez puis confirmez."),
    ),
    "BASKET_EMPTY": (mark("Rien à payer : il n'y a plus de réservation en attente de paiement."),),
    "BASKET_NOT_READY": (
        mark("Vos réservations sont enregistrées ; le montant se calcule encore. Rechargez la page dans un instant."),
    ),
    "PROVIDER_UNAVAILABLE": (
        mark(
            "Le service de paiement ne répond pas. Rien n'a été demandé à votre carte. "
            "Vos places sont gardées jusqu'à {held_until}."
        ),
        mark("Le service de paiement ne répond pas. Rien n'a été demandé à votre carte."),
    ),
    "INVOICE_NOT_PAYABLE": (
        mark("Cette facture ne peut plus être payée en ligne : elle est déjà réglée, ou vos places ont été libérées."),
    ),
    "PAYMENT_IN_PROGRESS": (
        mark("Un paiement est en cours de vérification pour cette facture. Attendez sa réponse avant de continuer."),
    ),
    "NOT_PAID": (mark("La quittance existe une fois la facture payée."),),
    "UNDO_TOO_LATE": (
        mark(
            "Cette saisie ne peut plus être annulée d'un coup : dix minutes sont passées, ou une facture a été créée. "
            "Vous pouvez supprimer les réservations une à une."
        ),
    ),
    "TOO_MANY_ATTEMPTS": (
        mark("Trop d'essais. Réessayez à {retry_at}, ou choisissez un nouveau mot de passe."),
        mark("Trop d'essais. Réessayez plus tard, ou choisissez un nouveau mot de passe."),
    ),
    "SIGN_IN_FAILED": (mark("Nom d'utilisateur ou mot de passe incorrect."),),
    "SESSION_EXPIRED": (
        mark("Vous avez été déconnecté(e) après {idle} sans activité. Reconnectez-vous : votre saisie est conservée."),
        mark("Vous avez été déconnecté(e). Reconnectez-vous : votre saisie est conservée."),
    ),
    "PASSWORD_TOO_WEAK": (
        mark("Ce mot de passe est trop facile à deviner. Choisissez au moins 12 caractères, sans votre nom."),
    ),
    "RESET_LINK_INVALID": (mark("Ce lien a déjà servi, ou il est trop ancien. Demandez-en un nouveau."),),
    "CSRF_INVALID": (
        mark(
            "Par sécurité, ce formulaire n'a pas été envoyé : il était resté ouvert trop longtemps. "
            "Rien n'a changé : revenez en arrière et envoyez-le de nouveau."
        ),
    ),
    "UNKNOWN_TOWN": (mark("Aucune ville ne correspond à cette adresse."),),
    "NOT_FOUND": (mark("Cette page n'existe pas, ou n'existe plus."),),
    "FORBIDDEN": (mark("Cette page n'est pas ouverte à votre compte."),),
    "CONFLICT": (mark("Quelqu'un d'autre de votre foyer vient de changer la même chose. Vérifiez, puis réessayez."),),
    "IDEMPOTENCY_KEY_REUSED": (mark("Ce formulaire a déjà été envoyé. Rechargez la page pour voir le résultat."),),
    "PERIOD_REVERSED": (mark("La fin de la période est avant son début."),),
    "PERIOD_TOO_LONG": (mark("La période dépasse 13 mois."),),
    "SIGN_IN_REQUIRED": (mark("Connectez-vous pour continuer."),),
    "NO_HOUSEHOLD": (
        mark("Votre compte n'est rattaché à aucun foyer. Le service scolaire peut y remédier : {phone}."),
        mark("Votre compte n'est rattaché à aucun foyer. Le service scolaire peut y remédier."),
    ),
    "METHOD_NOT_ALLOWED": (mark("Cette adresse ne s'ouvre pas ainsi. Revenez à la page précédente."),),
    "PAYLOAD_TOO_LARGE": (mark("Votre envoi est trop volumineux."),),
    "FORM_TOO_LARGE": (mark("Votre envoi est trop volumineux."),),
    "UNAVAILABLE": (
        mark("Une partie du service ne répond pas pour le moment. Rien n'est perdu : réessayez dans un instant."),
    ),
    "TIMEOUT": (mark("La réponse tarde trop. Rien n'est perdu : rechargez la page pour voir où vous en êtes."),),
    "INTERNAL": (
        mark(
            "Un problème de notre côté (référence {trace_id}). "
            "Ce qui était déjà enregistré le reste. Réessayez dans un instant."
        ),
        mark("Un problème de notre côté. Ce qui était déjà enregistré le reste. Réessayez dans un instant."),
    ),
}

_BY_KIND: dict[str, str] = {
    "invalid": mark("Quelque chose manque ou n'est pas lisible dans votre demande."),
    "unauthenticated": mark("Connectez-vous pour continuer."),
    "forbidden": SENTENCES["FORBIDDEN"][0],
    "not_found": SENTENCES["NOT_FOUND"][0],
    "exists": SENTENCES["IDEMPOTENCY_KEY_REUSED"][0],
    "precondition": mark("Ce n'est plus possible : la situation a changé depuis l'affichage. Rechargez la page."),
    "conflict": SENTENCES["CONFLICT"][0],
    "quota": mark("Trop de demandes à la fois. Réessayez dans un instant."),
    "unavailable": SENTENCES["UNAVAILABLE"][0],
    "timeout": SENTENCES["TIMEOUT"][0],
    "bug": SENTENCES["INTERNAL"][1],
}

TITLES: dict[str, str] = {
    "invalid": mark("À corriger"),
    "unauthenticated": mark("Connexion nécessaire"),
    "forbidden": mark("Accès refusé"),
    "not_found": mark("Page introuvable"),
    "exists": mark("Déjà fait"),
    "precondition": mark("Ce n'est plus possible"),
    "conflict": mark("Modifié entre-temps"),
    "quota": mark("Trop de demandes"),
    "unavailable": mark("Service momentanément indisponible"),
    "timeout": mark("Réponse trop longue"),
    "bug": mark("Un problème de notre côté"),
}

_INSTANTS = ("expired_at", "retry_at")
_PLAIN = ("label", "activity", "related", "child", "expired_count", "free_count", "trace_id", "idle")
_ALIASES = {"activity_name": "activity", "related_activity": "related", "child_name": "child"}


def sentence_for(reason: str, metadata: Mapping[str, str], town: Town | None, language: str) -> str:
    """The sentence for a refusal, with as many of its facts as ``metadata`` and the town give."""
    lex = lexicon(language)
    formatter = Formatter(lex.language, town.zone if town else _PARIS)
    phone = town.contact.phone if town else ""
    return say_reason(reason, facts_of(metadata, formatter, phone), lex)


def say_reason(reason: str, facts: Mapping[str, str], lex: Lexicon, kind: str = "precondition") -> str:
    """The first wording of ``reason`` whose facts are all known."""
    for wording in SENTENCES.get(reason, ()):
        if all(facts.get(name) for name in _fields(wording)):
            return lex.say(wording).format(**facts)
    if reason.startswith(("INVALID_", "MALFORMED_")) or reason.endswith(("_INVALID", "_REQUIRED")):
        kind = "invalid"
    return lex.say(_BY_KIND.get(kind, _BY_KIND["precondition"]))


def title_for(kind: str, language: str) -> str:
    """A few words for an error kind (``ErrorKind`` value)."""
    return lexicon(language).say(TITLES.get(kind, TITLES["bug"]))


def facts_of(metadata: Mapping[str, str], formatter: Formatter, phone: str = "") -> dict[str, str]:
    """Read the services' machine-readable facts and write them as people read them; unreadable ones are left out."""
    facts = {"phone": phone} if phone else {}
    for key, value in metadata.items():
        name = _ALIASES.get(key, key)
        if name in _PLAIN:
            facts[name] = value
    day = _day(metadata.get("day", ""))
    if day:
        facts["day"] = formatter.day_month(day)
        facts["weekday"] = formatter.weekday(day.isoweekday())
    for name in _INSTANTS:
        if moment := _instant(metadata.get(name, "")):
            facts[name] = formatter.clock(moment)
    if moment := _instant(metadata.get("cutoff_at", "")):
        facts["cutoff"] = formatter.instant(moment)
    if moment := _instant(metadata.get("hold_expires_at", "") or metadata.get("payable_until", "")):
        facts["held_until"] = formatter.clock(moment)
    for key, name in (("expected_minor", "expected"), ("actual_minor", "actual")):
        if metadata.get(key, "").lstrip("-").isdigit():
            facts[name] = formatter.money(Money(int(metadata[key])))
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
