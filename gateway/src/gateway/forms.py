"""What a browser's form says, as text, lists and days."""

from __future__ import annotations

import builtins
import re
from datetime import date
from typing import Any

from litestar import Request
from preau_kernel.errors import InvalidError

CSRF_FIELD = "csrf_token"
_MOST_FIELDS = 2_000
_LONGEST_VALUE = 5_000
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_FRENCH = re.compile(r"([0-9]{1,2})[/. -]([0-9]{1,2})[/. -]([0-9]{4})")


class Form:
    """A submitted form. Control characters other than line ends are dropped, spaces at the ends too."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """The first value of ``name``, trimmed."""
        return next((value.strip() for key, value in self._fields if key == name), default)

    def secret(self, name: str) -> str:
        """The first value of ``name`` exactly as typed: passwords."""
        return next((value for key, value in self._fields if key == name), "")

    def list(self, name: str) -> builtins.list[str]:
        """Every value of ``name``, once each, in order."""
        return list(dict.fromkeys(value.strip() for key, value in self._fields if key == name and value.strip()))

    def numbers(self, name: str) -> builtins.list[int]:
        """Every value of ``name`` that is a small whole number."""
        return [int(value) for value in self.list(name) if re.fullmatch(r"[0-9]{1,6}", value)]

    def day(self, name: str) -> date | None:
        """A day typed as 2025-09-01 or 01/09/2025; ``None`` when there is none or it does not exist."""
        text = self.text(name)
        if match := _ISO.fullmatch(text):
            year, month, day = match.groups()
        elif match := _FRENCH.fullmatch(text):
            day, month, year = match.groups()
        else:
            return None
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            return None

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self._fields)

    def items(self) -> builtins.list[tuple[str, str]]:
        """Every field but the form token and passwords, to show the form again."""
        return [(key, value) for key, value in self._fields if is_kept(key)]


def is_kept(name: str) -> bool:
    """Whether a field may be shown again: neither form tokens nor anything secret."""
    return name != CSRF_FIELD and "password" not in name.lower()


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The request's form. Files are not read; a form of thousands of fields is refused."""
    data = await request.form()
    fields: list[tuple[str, str]] = []
    for key, value in data.multi_items():
        if not isinstance(value, str):
            continue
        if len(fields) >= _MOST_FIELDS or len(value) > _LONGEST_VALUE:
            raise InvalidError("FORM_TOO_LARGE", key[:60])
        fields.append((key, _clean(value)))
    return Form(fields)


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char in "\r\n\t" or char in "\u00a0\u202f")
