"""Where a payment stands."""

from __future__ import annotations

from litestar import Controller, get

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS, known_id
from gateway.api.schemas import PaymentAttempt
from gateway.auth import require_family
from gateway.payments import payment_state


class PaymentsController(Controller):
    path = "/payments"
    guards = (require_family,)
    security = BEARER
    tags = ("Payments",)

    @get("/{attempt_id:str}", operation_id="getPayment", responses=PROBLEMS)
    async def one(self, request: AnyRequest, attempt_id: str) -> PaymentAttempt:
        """An attempt, looked up at the provider while it is open; the answer is never what a browser claims."""
        caller = caller_of(request)
        state = await payment_state(caller.clients, caller.visitor, known_id(attempt_id), ask_provider=True)
        return mapping.payment_attempt(state.payment, state.invoice)
