"""« Saisie groupée »: form, preview, save, result, undo.

The preview writes nothing and is an address like any other: the browser's back button, a reload and an ended session
all find the choices again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
from litestar import Controller, get, post
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import date_from_wire
from preau_kernel.errors import DomainError, ErrorKind, NotFoundError

from gateway.auth import require_family
from gateway.citizen.agenda import month_of
from gateway.citizen.basket_view import address
from gateway.citizen.bulk_form import ACTIONS, PERIODICITIES, BulkForm
from gateway.citizen.bulk_view import Summary, preview_summary, result_summary
from gateway.citizen.desk import Desk, Page, Query
from gateway.citizen.names import Names, load_names, offers_of
from gateway.citizen.refusals import refusal_of_error
from gateway.formatting import add_months, month_bounds
from gateway.forms import read_form
from gateway.idempotency import request_id_of
from gateway.notices import Notice, signer_of
from gateway.revision import remember_revision

FORM = "/agenda/saisie-groupee"
_LONGEST_RESULT = 5_000
_FIELDS = {"child_ids": "usagers", "from": "du", "to": "au", "periodicity": "periodicite"}
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Summary)


class BulkEntryController(Controller):
    """« Saisie groupée »."""

    path = FORM
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def form(self, desk: Desk) -> Page:
        """The form, filled with what the address says."""
        names = await load_names(desk)
        query = desk.query
        form = BulkForm.of(query)
        said = ""
        if query.text("comme"):
            month = month_of(query.text("comme"), desk.today)
            form = await _like_last_month(desk, names, month)
            before = desk.fmt.month(add_months(month, -1))
            said = (
                desk.lex.say("Rempli comme en %(month)s : vérifiez, puis enregistrez.", month=before)
                if form.children
                else desk.lex.say("Rien n'était réservé en %(month)s.", month=before)
            )
        elif query.text("mois"):
            first, last = _open_part(month_of(query.text("mois"), desk.today), desk)
            typed = [(name, value) for name, value in query.items() if name not in {"du", "au"}]
            form = BulkForm.of(Query([*typed, ("du", desk.fmt.numeric(first)), ("au", desk.fmt.numeric(last))]))
        if not form.children and len(names.children) == 1:
            form = replace(form, children=tuple(names.children))
        return await _form_page(desk, names, form, {}, said=said)

    @get("/apercu")
    async def preview(self, desk: Desk) -> Page:
        """What would be created, skipped and why, and the price. Writes nothing."""
        names = await load_names(desk)
        form = BulkForm.of(desk.query)
        if ajout := desk.query.list("ajout"):
            form = form.with_activities([item for item in ajout if item in names.activities])
        if errors := form.errors(names, desk.lex):
            return await _form_page(desk, names, form, errors, 422)
        try:
            answer = await desk.clients.agenda.preview_bulk_entry(
                desk.token, pb.PreviewBulkEntryRequest(entry=form.entry(names))
            )
        except DomainError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            return await _form_page(desk, names, form, _at_its_field(error, desk, names), 422)
        return await desk.family_page(
            "bulk/preview.html",
            form=form,
            summary=await preview_summary(desk, names, answer),
            missing=[
                names.activities[item] for item in answer.missing_required_activity_ids if item in names.activities
            ]
            if form.is_creation
            else [],
            back=address(FORM, form.pairs()),
            choices=_choices(desk, names, form),
        )

    @post()
    async def apply(self, desk: Desk) -> Page:
        """« Confirmer »."""
        fields = await read_form(desk.request)
        names = await load_names(desk)
        form = BulkForm.of(fields)
        if errors := form.errors(names, desk.lex):
            return await _form_page(desk, names, form, errors, 422)
        try:
            answer = await desk.clients.agenda.apply_bulk_entry(
                desk.token,
                pb.ApplyBulkEntryRequest(
                    request_id=request_id_of(desk.request, desk.visitor, fields), entry=form.entry(names)
                ),
            )
        except DomainError as error:
            if error.kind not in {ErrorKind.INVALID, ErrorKind.PRECONDITION}:
                raise
            return await _form_page(desk, names, form, _at_its_field(error, desk, names), 409)
        summary = await result_summary(desk, names, answer)
        response = desk.go(f"{FORM}/resultat?vu={_seal(desk, summary)}&mois={form.first_day:%Y-%m}")
        remember_revision(response, desk.request, desk.visitor, answer.revision)
        return response

    @get("/resultat")
    async def result(self, desk: Desk) -> Page:
        """What was done, the way back and the way on."""
        payload = signer_of(desk.request).open(desk.query.text("vu"), f"saisie:{desk.visitor.household_id}")
        if payload is None:
            raise NotFoundError
        summary = _decoder.decode(payload)
        undo_until = datetime.fromtimestamp(summary.undo_until, UTC) if summary.undo_until else None
        return await desk.family_page(
            "bulk/result.html",
            summary=summary,
            month=month_of(desk.query.text("mois"), desk.today),
            undo_until=undo_until if undo_until and undo_until > desk.now else None,
            held_until=datetime.fromtimestamp(summary.held_until, UTC) if summary.held_until else None,
        )

    @post("/annulation")
    async def undo(self, desk: Desk) -> Page:
        """« Annuler cette saisie »."""
        fields = await read_form(desk.request)
        try:
            answer = await desk.clients.agenda.undo_bulk_entry(
                desk.token,
                pb.UndoBulkEntryRequest(
                    request_id=request_id_of(desk.request, desk.visitor, fields), entry_id=fields.text("saisie")
                ),
            )
        except DomainError as error:
            if error.kind is not ErrorKind.PRECONDITION:
                raise
            sentence = refusal_of_error(error, desk, await load_names(desk), None)
            return desk.go("/paiement", Notice("warning", sentence))
        said = desk.lex.count(
            "Saisie annulée : %(num)s réservation supprimée.",
            "Saisie annulée : %(num)s réservations supprimées.",
            answer.removed_count,
        )
        response = desk.go("/agenda", Notice("success", said))
        remember_revision(response, desk.request, desk.visitor, answer.revision)
        return response


def _at_its_field(error: DomainError, desk: Desk, names: Names) -> dict[str, str]:
    field = _FIELDS.get(error.metadata.get("field", ""), "activites")
    return {field: refusal_of_error(error, desk, names, None)}


def _seal(desk: Desk, summary: Summary) -> str:
    binding = f"saisie:{desk.visitor.household_id}"
    sealed = signer_of(desk.request).seal(_encoder.encode(summary), binding)
    if len(sealed) <= _LONGEST_RESULT:
        return sealed
    return signer_of(desk.request).seal(_encoder.encode(msgspec.structs.replace(summary, skipped=())), binding)


def _open_part(month: date, desk: Desk) -> tuple[date, date]:
    """A whole month; what is left of it when it has begun."""
    first, last = month_bounds(month)
    return (max(first, desk.today) if desk.today <= last else first), last


async def _like_last_month(desk: Desk, names: Names, month: date) -> BulkForm:
    """« Comme le mois dernier »: who, what and which weekdays, as booked the month before."""
    before = add_months(month, -1)
    view = await desk.clients.agenda.get_month_view(
        desk.token,
        pb.GetMonthViewRequest(year=before.year, month=before.month, child_ids=list(names.children)),
    )
    rows = [item for child_day in view.days for item in child_day.reservations]
    children = {item.child_id for item in rows}
    activities = {item.activity_id for item in rows}
    weekdays = {str(date_from_wire(item.day).isoweekday()) for item in rows}
    first, last = _open_part(month, desk)
    return BulkForm(
        tuple(item for item in names.children if item in children),
        "creer",
        desk.fmt.numeric(first),
        desk.fmt.numeric(last),
        tuple(item for item in names.activities if item in activities),
        "aucune",
        tuple(sorted(weekdays)),
    )


def _choices(desk: Desk, names: Names, form: BulkForm) -> list[tuple[str, str]]:
    """The form's choices, to read over before confirming."""
    say = desk.lex.say
    first, last = form.first_day, form.last_day
    weekdays = [desk.fmt.weekday(int(item)) for item in form.weekdays if item in set("1234567")]
    return [
        (say("Usagers"), desk.fmt.names([names.child(item) for item in form.child_ids(names)])),
        (say("Action"), say(ACTIONS[form.action][0])),
        (
            say("Période"),
            say(
                "du %(first)s au %(last)s",
                first=desk.fmt.long_day(first) if first else "",
                last=desk.fmt.long_day(last) if last else "",
            ),
        ),
        (say("Activités"), ", ".join(names.activity(item) for item in form.activities if item in names.activities)),
        (say("Périodicité"), say(PERIODICITIES[form.periodicity][0])),
        (say("Jours de la semaine"), desk.fmt.names(weekdays) if weekdays else say("tous les jours ouverts")),
    ]


async def _form_page(
    desk: Desk, names: Names, form: BulkForm, errors: dict[str, str], status: int = 200, said: str = ""
) -> Page:
    weekdays = sorted({day for item in names.activities.values() for day in item.weekdays}) or [1, 2, 4, 5]
    months = [add_months(desk.today, 0), add_months(desk.today, 1)]
    return await desk.family_page(
        "bulk/form.html",
        status,
        keeps_typed=True,
        form=form,
        errors=errors,
        said=said,
        children=list(names.children.values()),
        offers=offers_of(names, desk.lex),
        activities=list(names.activities.values()),
        actions=[(key, desk.lex.say(value[0])) for key, value in ACTIONS.items()],
        periodicities=[(key, desk.lex.say(value[0])) for key, value in PERIODICITIES.items()],
        weekdays=[(str(day), desk.fmt.weekday(day).capitalize()) for day in weekdays],
        months=[(month, *_open_part(month, desk)) for month in months],
        next_month=months[1],
    )
