"""Where a form that met an ended session is shown again, with what was typed."""

from __future__ import annotations

import re
from urllib.parse import urlencode

_LONGEST = 6_000
_PREFIX = "garde."
_FORM_PAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"/agenda/jour", "/agenda/jour", ("jour", "enfant", "activites")),
    (r"/agenda/saisie-groupee/annulation", "/agenda", ()),
    (
        r"/agenda/saisie-groupee(/.*)?",
        "/agenda/saisie-groupee/apercu",
        ("usagers", "action", "du", "au", "activites", "periodicite", "jours"),
    ),
    (r"/reservations/suppression", "/paiement", ()),
    (r"/paiement(/.*)?", "/paiement", ()),
    (r"/factures(/.*)?", "/factures", ()),
    (r"/compte(/.*)?", "/compte", ("email",)),
    (r"/connexion", "/connexion", ("suite",)),
    (r"/mot-de-passe-oublie", "/mot-de-passe-oublie", ()),
    (r"/nouveau-mot-de-passe", "/nouveau-mot-de-passe", ("token",)),
)


def is_inside(path: str) -> bool:
    """Whether ``path`` leads to a page of this site."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


def way_back(path: str, fields: list[tuple[str, str]]) -> str:
    """The page to open after sign-in: the form's own page, filled as it was. Nothing is sent again by itself."""
    if not is_inside(path) or path.startswith(("/connexion", "/deconnexion")):
        return "/"
    return form_page(path, fields) if fields else path


def form_page(path: str, fields: list[tuple[str, str]]) -> str:
    """The page whose form is sent to ``path``, filled with ``fields``; home when there is none."""
    for pattern, page, kept in _FORM_PAGES:
        if re.fullmatch(pattern, path):
            pairs = [(name, value) for name, value in fields if name in kept]
            address = f"{page}?{urlencode(pairs)}" if pairs else page
            return address if len(address) <= _LONGEST else page
    return "/"


def keep(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fields of a form, renamed so that they can travel inside the sign-in form."""
    return [(_PREFIX + name, value) for name, value in fields]


def kept(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that ``keep`` put aside."""
    return [(name.removeprefix(_PREFIX), value) for name, value in fields if name.startswith(_PREFIX)]
