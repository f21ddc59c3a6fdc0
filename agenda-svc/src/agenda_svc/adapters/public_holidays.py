"""Public holidays of France and its territories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import holidays
from preau_kernel.errors import InvalidError


class FrenchPublicHolidays:
    """A default proposal: customs of a town (carnival, Good Friday overseas) are closures of its own."""

    def between(self, first: date, last: date, subdivision: str) -> Mapping[date, str]:
        years = range(first.year, last.year + 1)
        try:
            found = holidays.country_holidays("FR", subdiv=subdivision or None, years=years, language="fr")
        except NotImplementedError:
            raise InvalidError("UNKNOWN_SUBDIVISION", "public_holiday_subdivision") from None
        return {day: name for day, name in sorted(found.items()) if first <= day <= last}
