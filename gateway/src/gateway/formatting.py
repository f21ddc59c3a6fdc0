"""Days, hours and amounts as people read them, on the town's clock."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from preau_kernel.money import Money

from gateway.lexicon import lexicon
from gateway.resume import keep

NBSP = "\u00a0"
_HOURS = re.compile(r"(?<=\d) (?=h\b)|(?<=\d h) (?=\d)")
_BABEL = {"fr": "fr_FR", "en": "en_GB"}
_PARIS = ZoneInfo("Europe/Paris")
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


@lru_cache(8_192)
def _date(day: date, pattern: str, locale: str) -> str:
    # Babel reads the pattern again each time, and pages name the same few days and months hundreds of times.
    return format_date(day, pattern, locale)


@lru_cache(8_192)
def _money(minor_units: int, currency: str, locale: str) -> str:
    return format_currency(Decimal(minor_units) / 100, currency, locale=locale)


@lru_cache(8_192)
def _decimal(minor_units: int, locale: str) -> str:
    return format_decimal(Decimal(minor_units) / 100, "0.00", locale=locale)


@dataclass(frozen=True, slots=True)
class Formatter:
    """The manners of one language and one town."""

    language: str
    zone: ZoneInfo

    @property
    def _locale(self) -> str:
        return _BABEL[self.language]

    def _first(self, day: date, text: str) -> str:
        return text.replace(" 1 ", " 1er ", 1) if self.language == "fr" and day.day == 1 else text

    def long_day(self, day: date) -> str:
        """« mardi 2 septembre 2025 »."""
        return self._first(day, _date(day, "EEEE d MMMM y", self._locale))

    def day_month(self, day: date) -> str:
        """« mardi 2 septembre »."""
        return self._first(day, _date(day, "EEEE d MMMM ", self._locale)).strip()

    def short_day(self, day: date) -> str:
        """« jeudi 11 », where the month is plain."""
        return self._first(day, _date(day, "EEEE d ", self._locale)).strip()

    def numeric(self, day: date) -> str:
        """« 02/09/2025 », in tables and fields."""
        return day.strftime("%d/%m/%Y")

    def month(self, day: date) -> str:
        """« septembre 2025 »."""
        return _date(day, "MMMM y", self._locale)

    def month_name(self, day: date) -> str:
        """« septembre »."""
        return _date(day, "MMMM", self._locale)

    def weekday(self, iso_weekday: int) -> str:
        """« lundi » for 1."""
        return _date(date(2024, 1, iso_weekday), "EEEE", self._locale)

    def local(self, instant: datetime) -> datetime:
        """The instant on the town's clock."""
        return instant.astimezone(self.zone)

    def day_of(self, instant: datetime) -> date:
        """The day on which the instant falls in the town."""
        return self.local(instant).date()

    def clock(self, instant: datetime) -> str:
        """« 10 h 42 »."""
        local = self.local(instant)
        if self.language == "fr":
            return f"{local.hour}{NBSP}h{NBSP}{local.minute:02}"
        return f"{local.hour}:{local.minute:02}"

    def instant(self, instant: datetime, now: datetime | None = None) -> str:
        """« jeudi 28 août à 12 h 00 »; the hour alone when it is today."""
        if now is not None and self.day_of(instant) == self.day_of(now):
            return self.clock(instant)
        word = "à" if self.language == "fr" else "at"
        return f"{self.day_month(self.day_of(instant))} {word} {self.clock(instant)}"

    def stamp(self, instant: datetime) -> str:
        """« 02/09/2025 10 h 42 », in tables."""
        return f"{self.numeric(self.day_of(instant))} {self.clock(instant)}"

    def remaining(self, instant: datetime, now: datetime) -> str:
        """« dans 3 jours », « dans 45 minutes »; empty once it is past."""
        left = instant - now
        if left <= timedelta(0):
            return ""
        days = (self.day_of(instant) - self.day_of(now)).days
        french = self.language == "fr"
        if days >= 1 and left >= 12 * _HOUR:
            if days == 1:
                return "demain" if french else "tomorrow"
            return f"dans {days} jours" if french else f"in {days} days"
        if left >= 2 * _HOUR:
            hours = left // _HOUR
            return f"dans {hours} heures" if french else f"in {hours} hours"
        minutes = max(1, left // _MINUTE)
        unit = "minute" if minutes == 1 else "minutes"
        return f"dans {minutes} {unit}" if french else f"in {minutes} {unit}"

    def minutes(self, count: int) -> str:
        """« 45 minutes », « 2 heures », « 1 h 30 »."""
        french = self.language == "fr"
        hours, rest = divmod(count, 60)
        if hours and rest:
            return f"{hours}{NBSP}h{NBSP}{rest:02}"
        if hours:
            unit = ("heure" if french else "hour") + ("s" if hours > 1 else "")
            return f"{hours}{NBSP}{unit}"
        return f"{rest}{NBSP}minute{'s' if rest > 1 else ''}"

    def money(self, amount: Money) -> str:
        """« 54,00 € »."""
        return _money(amount.minor_units, amount.currency, self._locale)

    def euros(self, amount: Money) -> str:
        """« 54,00 euros », the document's own words for the amount to pay."""
        return f"{_decimal(amount.minor_units, self._locale)} euros"

    def names(self, items: list[str]) -> str:
        """« Maëlle et Timéo »."""
        return format_list(items, locale=self._locale)

    def days(self, days: list[date]) -> str:
        """« jeudi 11, vendredi 12 septembre »: each month is named once, after its last day."""
        parts = []
        for index, day in enumerate(days):
            last_of_month = index + 1 == len(days) or (days[index + 1].year, days[index + 1].month) != (
                day.year,
                day.month,
            )
            parts.append(self.day_month(day) if last_of_month else self.short_day(day))
        return ", ".join(parts)

    def short_stamp(self, instant: datetime) -> str:
        """« 2 sept., 10:42 », for the list of sessions."""
        day = format_skeleton("MMMd", self.local(instant), locale=self._locale)
        return f"{day}, {self.clock(instant)}"


def month_bounds(month: date) -> tuple[date, date]:
    """The first and the last day of the month that holds ``month``."""
    return month.replace(day=1), month.replace(day=monthrange(month.year, month.month)[1])


def add_months(month: date, count: int) -> date:
    """The first day of the month ``count`` months away."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


@cache
def formatter(language: str, zone: ZoneInfo) -> Formatter:
    """The formatter of a language and a clock."""
    return Formatter(language if language in _BABEL else "fr", zone)


_FILTERS = (
    "long_day", "day_month", "short_day", "month", "month_name", "weekday", "clock",
    "instant", "stamp", "remaining", "money", "euros", "names", "days",
)  # fmt: skip


def _of_context(context: Context) -> Formatter:
    town = context.get("town")
    return formatter(context.get("language") or "fr", town.zone if town else _PARIS)


def _filter(name: str) -> Callable[..., str]:
    @pass_context
    def apply(context: Context, value: object, *arguments: object) -> str:
        return str(getattr(_of_context(context), name)(value, *arguments))

    return apply


def _hours(text: str) -> str:
    """A town's opening hours: « 7 h 30 » stays in one piece."""
    return _HOURS.sub(NBSP, text)


@pass_context
def _gettext(context: Context, message: str) -> str:
    return lexicon(context.get("language") or "fr").translations.gettext(message)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, num: int) -> str:
    return lexicon(context.get("language") or "fr").translations.ngettext(singular, plural, num)


def install(environment: Environment) -> None:
    """Give a template environment the filters of ``Formatter`` and the translations of the context's language."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.filters.update({name: _filter(name) for name in _FILTERS})
    environment.filters["hours"] = _hours
    environment.filters["date"] = _filter("numeric")
    environment.globals["keep"] = keep
    environment.trim_blocks = True
    environment.lstrip_blocks = True
