"""Days as people type them."""

from __future__ import annotations

import re
from datetime import date

_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_TYPED = re.compile(r"([0-9]{1,2})[/. -]([0-9]{1,2})[/. -]([0-9]{4}|[0-9]{2})")
# A phone's number pad has no slash.
_BARE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4}|[0-9]{2})")
_CENTURY = 2000


def read_day(text: str) -> date | None:
    """« 01/09/2025 », « 1/9/25 », « 01092025 » or « 2025-09-01 »; ``None`` when it is no day."""
    text = text.strip()
    if match := _ISO.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _TYPED.fullmatch(text) or _BARE.fullmatch(text):
        day, month, year = (int(part) for part in match.groups())
        year += _CENTURY if year < 100 else 0  # noqa: PLR2004 - two digits
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
