"""The browser's page: one operation, a card, « Payer » or « Abandonner »."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import Environment

from payfip_simulator import cards, rules
from payfip_simulator.clock import PARIS, Clock
from payfip_simulator.notify import Notifier
from payfip_simulator.payments import Payment, State
from payfip_simulator.service import SoapService
from payfip_simulator.store import Store
from payfip_simulator.web import Request, Response, lower_keys

_REFUSALS = {
    "P1": "Cette opération de paiement est inconnue ou n'existe plus.",
    "P3": "Cette opération de paiement est déjà terminée.",
    "P4": "Le délai de 15 minutes pour ouvrir cette page est dépassé.",
}


class PaymentPage:
    """``/tpa/paiementws.web``."""

    def __init__(
        self, service: SoapService, store: Store, clock: Clock, notifier: Notifier, pages: Environment
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._pages = pages

    async def open(self, request: Request) -> Response:
        payment = self._service.find(lower_keys(request.query).get("idop", ""))
        refusal = payment.refusal_to_open(self._clock.now()) if payment else "P1"
        if payment is None or refusal:
            return self._refused(refusal, payment)
        if payment.state is State.CREATED:
            payment.state = State.OPENED
            self._store.save(payment)
        return self._form(payment, {}, {})

    async def submit(self, request: Request) -> Response:
        form = lower_keys(request.form)
        payment = self._service.find(form.get("idop", ""))
        if payment is None or payment.state is not State.OPENED:
            return self._refused("P3" if payment and payment.state.is_final else "P1", payment)
        if form.get("action") == "abandon":
            return await self._conclude(payment, State.ABANDONED)
        errors = cards.check_card(form, self._clock.now().astimezone(PARIS).date())
        if errors:
            return self._form(payment, errors, {"expiry": form.get("expiry", "")})
        return await self._conclude(payment, cards.result_of(form))

    async def _conclude(self, payment: Payment, state: State) -> Response:
        payment.conclude(state, self._clock.now())
        self._store.save(payment)
        await self._notifier.concluded(payment, self._store.switches)
        return Response.redirect(_with_id_op(payment.urlredirect, payment.id_op))

    def _form(self, payment: Payment, errors: dict[str, str], values: dict[str, str]) -> Response:
        page = self._pages.get_template("pay.html").render(
            payment=payment, errors=errors, values=values, accepted=cards.ACCEPTED, refused=cards.REFUSED
        )
        return Response(page.encode(), 422 if errors else 200)

    def _refused(self, code: str, payment: Payment | None) -> Response:
        page = self._pages.get_template("refused.html").render(
            code=code,
            sentence=_REFUSALS[code],
            service_label=rules.MESSAGES[code],
            back=_with_id_op(payment.urlredirect, payment.id_op) if payment else "",
        )
        return Response(page.encode(), 404 if code == "P1" else 410)


def _with_id_op(url: str, id_op: str) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("idOp", id_op)])
    return urlunsplit(parts._replace(query=query))
