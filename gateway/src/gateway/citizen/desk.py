"""What every page of a family has at hand: the town, the visitor, the services, and how to speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from litestar import Request, Response
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau_kernel.errors import DomainError

from gateway.auth import Visitor
from gateway.clients import Clients
from gateway.formatting import Formatter, formatter
from gateway.language import language_of
from gateway.lexicon import Lexicon, lexicon
from gateway.notices import Notice, Tone, add_notice
from gateway.rendering import page, redirect
from gateway.town import Town

AnyRequest = Request[Any, Any, Any]
Page = Response[bytes]


class Fields(Protocol):
    """An address's parameters or a form's fields."""

    def text(self, name: str, default: str = "") -> str: ...

    def list(self, name: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """One request, ready to be answered."""

    request: AnyRequest
    town: Town
    visitor: Visitor
    clients: Clients
    now: datetime
    fmt: Formatter
    lex: Lexicon

    @property
    def today(self) -> date:
        """The day in the town."""
        return self.fmt.day_of(self.now)

    @property
    def token(self) -> str:
        """The visitor's internal token."""
        return self.visitor.token

    @property
    def query(self) -> Query:
        """The address's parameters."""
        return Query(list(self.request.query_params.multi_items()))

    def page(self, template: str, status: int = 200, *, keeps_typed: bool = False, **context: object) -> Page:
        """A whole page, kept by no cache; ``keeps_typed`` lets the back button find a half-filled form again."""
        caching = "private, no-cache" if keeps_typed else "no-store"
        return page(self.request, template, status, headers={"Cache-Control": caching}, **context)

    async def family_page(
        self, template: str, status: int = 200, *, keeps_typed: bool = False, **context: object
    ) -> Page:
        """A whole page with the number beside « À payer », asked of the agenda; no page fails for its badge."""
        return self.page(template, status, keeps_typed=keeps_typed, pending_count=await self.pending_count(), **context)

    async def pending_count(self) -> int:
        """What is held and not yet paid, on an invoice or not."""
        if not self.visitor.household_id:
            return 0
        try:
            summary = await self.clients.agenda.get_household_summary(
                self.token, agenda.GetHouseholdSummaryRequest(counts_only=True)
            )
        except DomainError:
            return 0
        return summary.held_count

    def go(self, path: str, *notices: Notice) -> Page:
        """On to another page, which says ``notices`` once."""
        response = redirect(self.request, path)
        if notices:
            add_notice(response, self.request, *notices)
        return response

    def notice(self, tone: Tone, message: str, **values: object) -> Notice:
        """A sentence for the next page; ``message`` is already in the visitor's language."""
        return Notice(tone, message % values if values else message)


class Query:
    """An address's parameters, read like a form's fields."""

    def __init__(self, items: list[tuple[str, str]]) -> None:
        self._items = items

    def text(self, name: str, default: str = "") -> str:
        """The first value of ``name``."""
        return next((value.strip() for key, value in self._items if key == name), default)

    def list(self, name: str) -> list[str]:
        """Every value of ``name``, once each."""
        return list(dict.fromkeys(value.strip() for key, value in self._items if key == name and value.strip()))

    def number(self, name: str, default: int) -> int:
        """A small whole number, ``default`` when it is not one."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default  # noqa: PLR2004 - longer than any number a page asks for

    def items(self) -> Sequence[tuple[str, str]]:
        """Every name and value."""
        return self._items


async def provide_desk(request: AnyRequest, town: Town, visitor: Visitor, clients: Clients, now: datetime) -> Desk:
    """Litestar's dependency ``desk``."""
    language = language_of(request, town, visitor.account.language if visitor.account else "")
    return Desk(request, town, visitor, clients, now, formatter(language, town.zone), lexicon(language))
