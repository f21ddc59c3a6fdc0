"""« Générer la facture et payer », the way to the provider and back."""

from __future__ import annotations

from litestar import Controller, get, post
from preau.billing.v1 import billing_service_pb2 as pb
from preau.common.v1.money_pb2 import Money
from preau.payment.v1 import payment_service_pb2 as payment
from preau_chassis.wire import timestamp_from_wire
from preau_kernel.errors import DomainError, ErrorKind

from gateway.auth import require_family
from gateway.checkout import issue, issue_and_start, pay_again
from gateway.citizen.desk import Desk, Page
from gateway.citizen.payment_view import can_open, outcome_of, with_late_money
from gateway.forms import read_form
from gateway.idempotency import request_id_of
from gateway.notices import Notice, Tone
from gateway.payments import payment_state
from gateway.reference import reference_of, remember_reference
from gateway.rendering import fragment, leave_for
from gateway.revision import remember_revision
from gateway.words import facts_of, say_reason

_BACK_TO_THE_LIST: dict[str, Tone] = {
    "BASKET_CHANGED": "warning",
    "BASKET_EMPTY": "info",
    "BASKET_NOT_READY": "warning",
    "TILL_MISSING": "error",
}
# The invoice says what is left to do; the counter takes what the provider does not.
_NOT_ONLINE = frozenset(
    {
        "AMOUNT_TOO_SMALL",
        "AMOUNT_TOO_LARGE",
        "PROVIDER_NOT_CONFIGURED",
        "PROVIDER_SETTINGS_REFUSED",
        "PROVIDER_SETTINGS_UNREADABLE",
        "PAYMENT_EXPIRED",
        "INVOICE_NOT_PAYABLE",
    }
)
_TO_THE_ACCOUNT = frozenset({"PAYER_EMAIL_MISSING", "PAYER_EMAIL_INVALID"})
_AT_THE_COUNTER = "guichet"
_LOOK_UP_SECONDS = 8


class PaymentController(Controller):
    """From the pending list to the provider's page and back."""

    path = "/paiement"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @post("/facture")
    async def pay(self, desk: Desk) -> Page:
        """Issue one invoice of the whole list and open a payment for it."""
        form = await read_form(desk.request)
        amount = form.text("montant")
        expected = int(amount) if amount.isascii() and amount.isdigit() and len(amount) < 12 else 0  # noqa: PLR2004 - beyond any amount
        request_id = request_id_of(desk.request, desk.visitor, form)
        total = Money(minor_units=expected, currency_code="EUR")
        try:
            if form.text("mode") == _AT_THE_COUNTER:
                checkout = await issue(desk.clients, desk.visitor, request_id, total, pays_online=False)
            else:
                checkout = await issue_and_start(desk.clients, desk.request, desk.visitor, request_id, total)
        except DomainError as error:
            return await _refused(desk, error, expected)
        if checkout.payment.attempt_id:
            response = desk.go(f"/paiement/vers/{checkout.payment.attempt_id}")
        else:
            response = desk.go(f"/factures/{checkout.invoice.id}", _offline_notice(desk, checkout.invoice))
        remember_revision(response, desk.request, desk.visitor, checkout.revision)
        remember_reference(response, desk.request, checkout.payment.attempt_id)
        return response

    @get("/vers/{attempt_id:str}")
    async def leave(self, desk: Desk, attempt_id: str) -> Page:
        """On to the provider, unless the attempt is over."""
        state = await payment_state(desk.clients, desk.visitor, attempt_id, ask_provider=False)
        if not state.is_open or not state.payment.payment_url:
            return desk.go(f"/paiement/retour/{attempt_id}")
        return leave_for(desk.request, state.payment.payment_url, amount=outcome_of(state, desk).amount)

    @get("/retour/{attempt_id:str}")
    async def back(self, desk: Desk, attempt_id: str) -> Page:
        """One clear state, whatever the provider's page said."""
        state = await payment_state(desk.clients, desk.visitor, attempt_id, ask_provider=True)
        return await desk.family_page(
            "payment/return.html",
            outcome=await with_late_money(outcome_of(state, desk), state.payment, desk),
            is_update=False,
            reference=reference_of(desk.request, attempt_id),
        )

    @get("/retour/{attempt_id:str}/etat")
    async def progress(self, desk: Desk, attempt_id: str) -> Page:
        """The same state, for the page that updates itself; the provider is asked now and then."""
        state = await payment_state(desk.clients, desk.visitor, attempt_id, ask_provider=False)
        if state.is_open and _is_stale(state.payment, desk):
            state = await payment_state(desk.clients, desk.visitor, attempt_id, ask_provider=True)
        outcome = await with_late_money(outcome_of(state, desk), state.payment, desk)
        return fragment(
            desk.request,
            "payment/state.html",
            headers={"Cache-Control": "no-store"},
            outcome=outcome,
            is_update=True,
            pending_count=await desk.pending_count() if outcome.is_settled else 0,
        )


class InvoicePaymentController(Controller):
    """Pay an issued invoice again, or take its reservations back."""

    path = "/factures/{invoice_id:str}"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @post("/payer")
    async def pay_again(self, desk: Desk, invoice_id: str) -> Page:
        """A new attempt on the same invoice."""
        form = await read_form(desk.request)
        request_id = request_id_of(desk.request, desk.visitor, form)
        if going_on := await _going_on(desk, invoice_id):
            return desk.go(going_on)
        try:
            started = await pay_again(desk.clients, desk.request, desk.visitor, request_id, invoice_id)
        except DomainError as error:
            error.metadata.setdefault("invoice_id", invoice_id)
            return await _refused(desk, error)
        response = desk.go(f"/paiement/vers/{started.attempt_id}")
        remember_reference(response, desk.request, started.attempt_id)
        return response

    @post("/reprendre")
    async def reopen(self, desk: Desk, invoice_id: str) -> Page:
        """« Reprendre mes réservations »."""
        form = await read_form(desk.request)
        request_id = request_id_of(desk.request, desk.visitor, form)
        try:
            answer = await desk.clients.billing.reopen_invoice(
                desk.token, pb.ReopenInvoiceRequest(request_id=request_id, invoice_id=invoice_id)
            )
        except DomainError as error:
            if error.kind is not ErrorKind.PRECONDITION:
                raise
            return await _not_reopened(desk, invoice_id, error)
        said = desk.lex.say(
            "Vos réservations sont de retour dans la liste. La facture est annulée par l'avoir %(number)s.",
            number=answer.credit_note.number,
        )
        return desk.go("/paiement", Notice("success", said))


async def _going_on(desk: Desk, invoice_id: str) -> str:
    """The page of a payment that is already open for the invoice: going on with it cannot take the money twice."""
    answer = await desk.clients.billing.get_invoice(desk.token, pb.GetInvoiceRequest(id=invoice_id))
    attempt_id = answer.invoice.last_attempt_id
    if not attempt_id or answer.invoice.status != pb.INVOICE_STATUS_ISSUED:
        return ""
    state = await payment_state(desk.clients, desk.visitor, attempt_id, ask_provider=True)
    if state.payment.status == payment.PAYMENT_STATUS_PAID:
        return f"/paiement/retour/{attempt_id}"
    return f"/paiement/vers/{attempt_id}" if can_open(state.payment, desk) else ""


async def _not_reopened(desk: Desk, invoice_id: str, error: DomainError) -> Page:
    if error.reason != "PAYMENT_IN_PROGRESS":
        return desk.go(f"/factures/{invoice_id}", Notice("error", _sentence(desk, error)))
    await _add_end_of_hold(desk, error, invoice_id)
    attempt_id = error.metadata.get("attempt_id", "")
    label = desk.lex.say("Voir où en est ce paiement") if attempt_id else ""
    notice = Notice("warning", _sentence(desk, error), label, f"/paiement/retour/{attempt_id}")
    return desk.go("/paiement", notice)


async def _add_end_of_hold(desk: Desk, error: DomainError, invoice_id: str) -> pb.Invoice:
    """Until when the invoice can be paid: the services refuse, the page says until when."""
    answer = await desk.clients.billing.get_invoice(desk.token, pb.GetInvoiceRequest(id=invoice_id))
    if answer.invoice.HasField("payable_until"):
        until = answer.invoice.payable_until.ToJsonString().replace("Z", "+00:00")
        error.metadata.setdefault("payable_until", until)
    return answer.invoice


def _is_stale(attempt: payment.Payment, desk: Desk) -> bool:
    if not attempt.HasField("checked_at"):
        return True
    return desk.now.timestamp() - attempt.checked_at.ToSeconds() >= _LOOK_UP_SECONDS


def _sentence(desk: Desk, error: DomainError) -> str:
    facts = facts_of(error.metadata, desk.fmt, desk.town.contact.phone, desk.now)
    return say_reason(error.reason, facts, desk.lex, error.kind.value)


def _offline_notice(desk: Desk, invoice: pb.Invoice) -> Notice:
    """An invoice that is not paid online: nothing is due, or it is for the counter."""
    if not invoice.total.minor_units:
        return Notice("success", desk.lex.say("Vos réservations sont enregistrées : vous n'avez rien à payer."))
    said = desk.lex.say(
        "La facture %(number)s est prête : réglez-la auprès du service scolaire.", number=invoice.number
    )
    if invoice.HasField("payable_until"):
        until = desk.fmt.instant(timestamp_from_wire(invoice.payable_until), desk.now)
        said += " " + desk.lex.say("Vos places sont gardées jusqu'à %(hour)s.", hour=until)
    return Notice("success", said)


async def _refused(desk: Desk, error: DomainError, expected: int = 0) -> Page:
    sentence = _sentence(desk, error)
    invoice_id = error.metadata.get("invoice_id", "")
    if invoice_id and (shown := await _refused_with_invoice(desk, error, sentence, invoice_id)):
        return shown
    if error.reason == "HOLD_EXPIRED":
        free = int(error.metadata.get("free_count", "0") or 0)
        return await desk.family_page("payment/expired.html", status=409, sentence=sentence, free_count=free)
    if error.reason == "AMOUNT_TOO_SMALL":
        return await desk.family_page("payment/too_small.html", status=409, sentence=sentence, expected=expected)
    if error.reason in _BACK_TO_THE_LIST:
        return desk.go("/paiement", Notice(_BACK_TO_THE_LIST[error.reason], sentence))
    raise error


async def _refused_with_invoice(desk: Desk, error: DomainError, sentence: str, invoice_id: str) -> Page | None:
    """The invoice stands: where it can be paid, or what is missing for that."""
    if error.reason == "PROVIDER_UNAVAILABLE":
        invoice = await _add_end_of_hold(desk, error, invoice_id)
        return await desk.family_page(
            "payment/unavailable.html", status=503, sentence=_sentence(desk, error), invoice=invoice
        )
    if error.reason in _TO_THE_ACCOUNT:
        return desk.go("/compte", Notice("warning", sentence))
    if error.reason in _NOT_ONLINE:
        return desk.go(f"/factures/{invoice_id}", Notice("error", sentence))
    return None
