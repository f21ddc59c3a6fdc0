"""Which language a visitor reads: French first, English second."""

from __future__ import annotations

from gateway.security import Connection, read_cookie
from gateway.town import Town

LANGUAGES = ("fr", "en")
DEFAULT_LANGUAGE = "fr"
LANGUAGE_COOKIE = "preau_lang"
_YEAR = 365 * 24 * 3600


def chosen_language(connection: Connection) -> str | None:
    """The switch in the page: ``?lang=en``."""
    asked = connection.query_params.get("lang")
    return asked if asked in LANGUAGES else None


def language_of(connection: Connection, town: Town | None, account_language: str = "") -> str:
    """The switch, then the account's choice, then what the browser accepts, then the town's own."""
    for wish in (chosen_language(connection), read_cookie(connection, LANGUAGE_COOKIE), account_language[:2]):
        if wish in LANGUAGES:
            return wish
    accepted = _accepted(connection.headers.get("accept-language", ""))
    if accepted:
        return accepted
    return town.locale[:2] if town and town.locale[:2] in LANGUAGES else DEFAULT_LANGUAGE


def _accepted(header: str) -> str | None:
    best, best_weight = None, 0.0
    for part in header[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower()[:2]
        if language not in LANGUAGES:
            continue
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if weight > best_weight:
            best, best_weight = language, weight
    return best
