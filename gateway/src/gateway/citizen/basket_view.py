"""The pending list: its filter, its rows and its pager, as the town's document shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from preau.billing.v1 import billing_service_pb2 as pb
from preau_chassis.wire import date_from_wire, date_to_wire, money_from_wire
from preau_kernel.money import Money

from gateway.citizen.dates import read_day
from gateway.citizen.desk import Desk, Fields
from gateway.citizen.names import Names
from gateway.lexicon import Lexicon
from gateway.revision import known_revision

LENGTHS = (10, 25, 50, 100)
_WHOLE_PAGE = 200
_MOST_PAGES = 20
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class BasketFilter:
    """« Filtrer »: child, activity, dates."""

    children: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    first_typed: str = ""
    last_typed: str = ""

    @classmethod
    def of(cls, fields: Fields) -> BasketFilter:
        return cls(
            tuple(fields.list("enfant")),
            tuple(fields.list("activite")),
            fields.text("depuis")[:20],
            fields.text("jusque")[:20],
        )

    @property
    def first(self) -> date | None:
        return read_day(self.first_typed)

    @property
    def last(self) -> date | None:
        return read_day(self.last_typed)

    @property
    def is_on(self) -> bool:
        return bool(self.children or self.activities or self.first_typed or self.last_typed)

    def errors(self, lex: Lexicon) -> dict[str, str]:
        """What is no day, by field: it filters nothing, and the page says so."""
        sentence = lex.say("Cette date n'est pas lisible, elle ne filtre rien : écrivez le jour, le mois, l'année.")
        typed = {"depuis": (self.first_typed, self.first), "jusque": (self.last_typed, self.last)}
        return {f"f-{name}": sentence for name, (text, day) in typed.items() if text and day is None}

    def pairs(self) -> list[tuple[str, str]]:
        """As an address's parameters."""
        pairs = [("enfant", item) for item in self.children] + [("activite", item) for item in self.activities]
        pairs += [("depuis", self.first_typed)] if self.first_typed else []
        pairs += [("jusque", self.last_typed)] if self.last_typed else []
        return pairs

    def fields(self) -> dict[str, Any]:
        """As a request's fields."""
        found: dict[str, Any] = {"child_ids": self.children, "activity_ids": self.activities}
        if self.first:
            found["from"] = date_to_wire(self.first)
        if self.last:
            found["to"] = date_to_wire(self.last)
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One reservation to pay."""

    reservation_id: str
    day: date
    activity: str
    child: str
    price: Money
    computation: str
    has_cross: bool
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class PageLink:
    """One entry of the pager; no address for the ellipsis, the current page and what lies beyond the ends."""

    label: str
    icon: str
    href: str
    is_current: bool = False


def address(path: str, *parts: list[tuple[str, str]]) -> str:
    """A path with parameters."""
    pairs = [pair for part in parts for pair in part]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def page_numbers(current: int, last: int) -> list[int]:
    """Five pages around the current one, then the last; 0 stands for the ellipsis."""
    if last <= _NEIGHBOURS + 1:
        return list(range(1, last + 1))
    start = max(1, min(current - 2, last - _NEIGHBOURS + 1))
    numbers = list(range(start, start + _NEIGHBOURS))
    if start > 1:
        numbers = [1, *([0] if start > 2 else []), *numbers]  # noqa: PLR2004 - page 2 needs no ellipsis
    if numbers[-1] < last:
        numbers += [*([0] if numbers[-1] < last - 1 else []), last]
    return numbers


def pager(current: int, last: int, keep: list[tuple[str, str]], desk: Desk) -> list[PageLink]:
    """« < 1 2 3 4 5 ... 8 > » with the first and the last page at its ends."""

    def href(number: int) -> str:
        return address("/paiement", keep, [("page", str(number))])

    say = desk.lex.say
    before, after = current > 1, current < last
    links = [
        PageLink(say("Première page"), "first", href(1) if before else ""),
        PageLink(say("Page précédente"), "left", href(current - 1) if before else ""),
    ]
    links += [
        PageLink(
            str(number) if number else "...", "", href(number) if number not in {0, current} else "", number == current
        )
        for number in page_numbers(current, last)
    ]
    links += [
        PageLink(say("Page suivante"), "right", href(current + 1) if after else ""),
        PageLink(say("Dernière page"), "last", href(last) if after else ""),
    ]
    return links


def row_of(line: pb.ChargeLine, names: Names, crosses: set[str], ticked: set[str], *, all_ticked: bool) -> Row:
    """A basket line as a row."""
    child = names.children.get(line.child_id)
    return Row(
        line.reservation_id,
        date_from_wire(line.day),
        line.activity_name or names.activity(line.activity_id),
        child.full_name if child else "—",
        money_from_wire(line.price),
        line.computation,
        line.reservation_id in crosses,
        all_ticked or line.reservation_id in ticked,
    )


async def every_reservation_id(desk: Desk, chosen: BasketFilter) -> list[str]:
    """Everything the filter lets through, on every page."""
    ids: list[str] = []
    token = ""
    for _ in range(_MOST_PAGES):
        basket = await desk.clients.billing.get_basket(
            desk.token,
            pb.GetBasketRequest(
                min_revision=known_revision(desk.request, desk.visitor),
                page_size=_WHOLE_PAGE,
                page_token=token,
                **chosen.fields(),
            ),
        )
        ids += [line.reservation_id for line in basket.lines]
        token = basket.next_page_token
        if not token:
            break
    return ids
