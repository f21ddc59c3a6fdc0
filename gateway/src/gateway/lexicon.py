"""The sentences' languages. French is written in the code and the templates; the other catalogues are gettext files."""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
LOCALE_DIRECTORY = Path(__file__).parent / "web" / "locale"


def mark(message: str) -> str:
    """Mark a sentence for the catalogues where it is not yet said."""
    return message


def mark_count(singular: str, plural: str) -> tuple[str, str]:
    """Mark a sentence that depends on a number."""
    return singular, plural


_PARTED = re.compile(r" (?=[:;?!»])|(?<=«) ")
_GLUE = re.compile("\u00a0(?=[:;?!»])|(?<=«)\u00a0")


@cache
def glued(message: str) -> str:
    """French signs never part from the word before them, nor quotation marks from what they hold."""
    return _PARTED.sub("\u00a0", message)


def unglued(text: str) -> str:
    """The sentence for programs, which compare it with what they know: ordinary spaces around its signs."""
    return _GLUE.sub(" ", text)


class FrenchTranslations(NullTranslations):
    """The source language: zero is singular in French, and high signs follow a space that does not break."""

    def gettext(self, message: str) -> str:
        return glued(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return glued(msgid1 if abs(n) < 2 else msgid2)  # noqa: PLR2004 - the language's own rule


class Lexicon:
    """Says the source sentences in one language."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.translations = translations

    def say(self, message: str, **values: object) -> str:
        """One sentence."""
        text = self.translations.gettext(message)
        return text % values if values else text

    def count(self, singular: str, plural: str, num: int, **values: object) -> str:
        """One sentence that depends on a number, which it can show as ``%(num)s``."""
        return self.translations.ngettext(singular, plural, num) % {"num": num, **values}


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of ``language``; French for one we do not speak."""
    path = LOCALE_DIRECTORY / language / "LC_MESSAGES" / "gateway.po"
    if language not in LANGUAGES or not path.exists():
        return Lexicon("fr", FrenchTranslations())
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Lexicon(language, GNUTranslations(compiled))
