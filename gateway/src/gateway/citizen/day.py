"""One day: what each child can book, at what price, and why not otherwise."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from litestar import Controller, get, post
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_service_pb2 as billing
from preau_chassis.wire import date_to_wire, money_from_wire, timestamp_from_wire
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.money import Money

from gateway.auth import require_family
from gateway.citizen.basket_view import address
from gateway.citizen.dates import read_day
from gateway.citizen.desk import Desk, Page
from gateway.citizen.names import Child, Names, load_names, offer_sentence
from gateway.citizen.refusals import refusal_of_error, refusal_sentence
from gateway.citizen.states import CLOSED, FULL, LATE, NOT_ENROLLED, RESERVATION_STATES, State
from gateway.forms import read_form
from gateway.idempotency import request_id_of, step_of
from gateway.notices import Notice
from gateway.rendering import fragment, is_htmx
from gateway.revision import remember_revision

_FEW_PLACES = 10
_REFUSED = {
    "SESSION_FULL": FULL,
    "BOOKING_CUTOFF_PASSED": LATE,
    "DAY_PAST": LATE,
    "NOT_ENROLLED": NOT_ENROLLED,
}
_SAID_ON_THE_PAGE = frozenset({ErrorKind.PRECONDITION, ErrorKind.INVALID, ErrorKind.CONFLICT, ErrorKind.EXISTS})


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One activity of one child on the day."""

    value: str
    activity_id: str
    name: str
    price: Money | None
    requires: tuple[str, ...]
    offer: str
    is_that_weekday: bool
    is_bookable: bool
    is_ticked: bool
    places_left: int | None
    cutoff: datetime | None
    why: str
    state: State | None
    reservation_id: str


@dataclass(frozen=True, slots=True)
class ChildOffer:
    """What one child can book on the day."""

    child: Child
    rows: tuple[OfferRow, ...]
    error: str
    offered: tuple[OfferRow, ...]
    """What a refused choice requires besides: offered once."""

    @property
    def has_choice(self) -> bool:
        return any(row.is_bookable for row in self.rows)

    @property
    def closed_note(self) -> str:
        """The one reason, when it is the same for every activity."""
        reasons = list({row.why for row in self.shown})
        return reasons[0] if len(reasons) == 1 and not self.has_choice else ""

    @property
    def shown(self) -> tuple[OfferRow, ...]:
        """What takes place on such a weekday."""
        return tuple(row for row in self.rows if row.is_that_weekday)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """What takes place on other weekdays only."""
        return tuple(row.name for row in self.rows if not row.is_that_weekday)


class DayController(Controller):
    """A day, as a page of its own or in the agenda's side panel."""

    path = "/agenda/jour"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def show(self, desk: Desk) -> Page:
        """The day's offer."""
        query = desk.query
        return await _page(desk, read_day(query.text("jour")), query.list("enfant"), set(query.list("activites")), {})

    @post()
    async def save(self, desk: Desk) -> Page:
        """Book what is ticked, child by child; a child's choice is all or none."""
        form = await read_form(desk.request)
        day = read_day(form.text("jour"))
        ticked = form.list("activites")
        if day is None or not ticked:
            message = desk.lex.say("Cochez au moins une activité, ou revenez à l'agenda.")
            return await _page(desk, day, form.list("enfant"), set(ticked), {"": message}, status=422)
        chosen: dict[str, list[str]] = defaultdict(list)
        for value in ticked:
            child_id, _, activity_id = value.partition(":")
            chosen[child_id].append(activity_id)
        request_id = request_id_of(desk.request, desk.visitor, form)
        names = await load_names(desk)
        errors: dict[str, DomainError] = {}
        booked: dict[str, int] = {}
        revision, held_until = 0, None
        for child_id, activity_ids in chosen.items():
            try:
                answer = await desk.clients.agenda.create_reservations(
                    desk.token,
                    pb.CreateReservationsRequest(
                        request_id=step_of(request_id, child_id),
                        child_id=child_id,
                        day=date_to_wire(day),
                        activity_ids=activity_ids,
                    ),
                )
            except DomainError as error:
                if child_id not in names.children or error.kind not in _SAID_ON_THE_PAGE:
                    raise
                errors[child_id] = error
                continue
            booked[child_id] = len(answer.reservations)
            revision = max(revision, answer.revision)
            held_until = max((timestamp_from_wire(item.hold_expires_at) for item in answer.reservations), default=None)
        done = _said(desk, names, booked, day, held_until)
        if errors:
            response = await _page(desk, day, form.list("enfant"), set(ticked), errors, status=409, done=done)
        else:
            response = desk.go(
                address("/agenda", [("mois", f"{day:%Y-%m}"), ("enfant", form.text("filtre"))]),
                Notice("success", done, desk.lex.say("Accéder au paiement des réservations"), "/paiement"),
            )
        remember_revision(response, desk.request, desk.visitor, revision)
        return response


def _said(desk: Desk, names: Names, booked: dict[str, int], day: date, held_until: datetime | None) -> str:
    count = sum(booked.values())
    if not count:
        return ""
    text = desk.lex.count(
        "%(num)s réservation enregistrée pour %(who)s, %(day)s.",
        "%(num)s réservations enregistrées pour %(who)s, %(day)s.",
        count,
        who=desk.fmt.names([names.child(child_id) for child_id in booked]),
        day=desk.fmt.day_month(day),
    )
    if held_until:
        text += " " + desk.lex.say(
            "Vos places sont gardées jusqu'à %(hour)s.", hour=desk.fmt.instant(held_until, desk.now)
        )
    return text


async def _page(
    desk: Desk,
    day: date | None,
    child_ids: list[str],
    ticked: set[str],
    errors: Mapping[str, DomainError | str],
    status: int = 200,
    done: str = "",
) -> Page:
    names = await load_names(desk)
    if day is None:
        return desk.go("/agenda")
    chosen = [child_id for child_id in names.children if child_id in child_ids] or list(names.children)
    offers_call = asyncio.gather(
        *(
            desk.clients.agenda.get_day_offer(
                desk.token, pb.GetDayOfferRequest(child_id=child_id, day=date_to_wire(day))
            )
            for child_id in chosen
        )
    )
    prices, offers = await asyncio.gather(
        desk.clients.billing.list_prices(desk.token, billing.ListPricesRequest(day=date_to_wire(day))), offers_call
    )
    price_of = {item.activity_id: money_from_wire(item.price) for item in prices.prices}
    sections = []
    for child_id, offer in zip(chosen, offers, strict=True):
        error = errors.get(child_id)
        sections.append(_section(desk, names, day, child_id, offer, price_of, ticked, error))
    context: dict[str, Any] = {
        "day": day,
        "sections": sections,
        "chosen": [child_id for child_id in child_ids if child_id in names.children],
        "cutoffs": sorted({row.cutoff for part in sections for row in part.rows if row.is_bookable and row.cutoff}),
        "error": errors.get("", ""),
        "done": done,
    }
    if is_htmx(desk.request):
        return fragment(desk.request, "agenda/day_panel.html", **context)
    return await desk.family_page("agenda/day.html", status=status, **context)


def _section(
    desk: Desk,
    names: Names,
    day: date,
    child_id: str,
    offer: pb.GetDayOfferResponse,
    price_of: dict[str, Money],
    ticked: set[str],
    error: DomainError | str | None,
) -> ChildOffer:
    rows = tuple(_row(desk, names, day, child_id, item, price_of, ticked) for item in offer.offers)
    sentence = ""
    offered: tuple[OfferRow, ...] = ()
    if isinstance(error, DomainError):
        sentence = refusal_of_error(error, desk, names, day, child_id)
        if error.reason == "REQUIRES_ACTIVITY":
            needed = {need for row in rows if row.is_ticked for need in row.requires}
            offered = tuple(row for row in rows if row.value in needed and row.is_bookable and not row.is_ticked)
    return ChildOffer(names.children[child_id], rows, sentence, offered)


def _row(
    desk: Desk,
    names: Names,
    day: date,
    child_id: str,
    offer: pb.ActivityOffer,
    price_of: dict[str, Money],
    ticked: set[str],
) -> OfferRow:
    value = f"{child_id}:{offer.activity_id}"
    activity = names.activities.get(offer.activity_id)
    state, why, reservation_id = None, "", ""
    if offer.HasField("reservation"):
        state = RESERVATION_STATES[offer.reservation.status].said(desk.lex)
        reservation_id = offer.reservation.id
    elif not offer.is_bookable:
        state = _REFUSED.get(offer.refusal.reason, CLOSED).said(desk.lex)
        why = refusal_sentence(offer.refusal, desk, names, day, offer.activity_id, child_id)
    return OfferRow(
        value=value,
        activity_id=offer.activity_id,
        name=names.activity(offer.activity_id),
        price=price_of.get(offer.activity_id),
        requires=tuple(f"{child_id}:{need}" for need in activity.requires) if activity else (),
        offer=offer_sentence(activity, [names.activities[need] for need in activity.requires], desk.lex)
        if activity and activity.requires
        else "",
        is_that_weekday=offer.refusal.reason != "NOT_THAT_WEEKDAY" or bool(reservation_id),
        is_bookable=offer.is_bookable and not reservation_id,
        is_ticked=value in ticked,
        places_left=offer.places_left if offer.HasField("places_left") and offer.places_left <= _FEW_PLACES else None,
        cutoff=timestamp_from_wire(offer.booking_cutoff_at) if offer.HasField("booking_cutoff_at") else None,
        why=why,
        state=state,
        reservation_id=reservation_id,
    )
