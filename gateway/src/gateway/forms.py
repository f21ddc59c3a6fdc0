"""What a browser's form says, as text and lists."""

from __future__ import annotations

import builtins
from typing import Any

from litestar import Request
from preau_kernel.errors import InvalidError

CSRF_FIELD = "csrf_token"
_MOST_FIELDS = 2_000
_LONGEST_VALUE = 5_000


class Form:
    """A submitted form. Control characters other than line ends are dropped, but from passwords; so are spaces at the ends."""

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

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self._fields)

    def items(self) -> builtins.list[tuple[str, str]]:
        """Every field but the form token and passwords, to show the form again."""
        return [(key, value) for key, value in self._fields if is_kept(key)]


def is_kept(name: str) -> bool:
    """Whether a field may be shown again: neither form tokens nor anything secret."""
    return name != CSRF_FIELD and not _is_secret(name)


def _is_secret(name: str) -> bool:
    return "password" in name.lower()


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The request's form. Files are not read; a form of thousands of fields is refused."""
    data = await request.form()
    fields: list[tuple[str, str]] = []
    for key, value in data.multi_items():
        if not isinstance(value, str):
            continue
        if len(fields) >= _MOST_FIELDS or len(value) > _LONGEST_VALUE:
            raise InvalidError("FORM_TOO_LARGE", key[:60])
        fields.append((key, value if _is_secret(key) else _clean(value)))
    return Form(fields)


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char in "\r\n\t" or char in "\u00a0\u202f")
