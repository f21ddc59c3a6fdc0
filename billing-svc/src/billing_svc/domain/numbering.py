"""Numbers that people read: one unbroken series per till, kind and year."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from billing_svc.domain.errors import InvalidTillError

_TILL_CODE = re.compile(r"[A-Z0-9]{1,8}")
_SIRET = re.compile(r"[0-9]{14}")
_WIDTH = 6


class Series(Enum):
    """The infix of a series; invoices have none."""

    INVOICE = ""
    CREDIT_NOTE = "AV"
    RECEIPT = "QT"


def format_number(till_code: str, series: Series, year: int, rank: int) -> str:
    """``CP-2025-000001``, ``CP-AV-2025-000001``, ``CP-QT-2025-000001``."""
    parts = [till_code, *([series.value] if series.value else []), str(year), f"{rank:0{_WIDTH}d}"]
    return "-".join(parts)


def debt_reference(number: str, attempt_rank: int) -> str:
    """What the provider shows for one attempt: letters and digits only, ``CP2025000123A01``."""
    return f"{number.replace('-', '')}A{attempt_rank:02d}"


def year_on(instant: datetime, time_zone: str) -> int:
    """The year of ``instant`` on the town's clock."""
    return instant.astimezone(ZoneInfo(time_zone)).year


def check_till(code: str, siret: str) -> None:
    """``INVALID/TILL_INVALID`` unless the code and the SIRET can be printed."""
    if not _TILL_CODE.fullmatch(code):
        raise InvalidTillError("code")
    if siret and not _SIRET.fullmatch(siret):
        raise InvalidTillError("siret")
