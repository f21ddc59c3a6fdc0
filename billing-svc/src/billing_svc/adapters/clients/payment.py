"""The service that asks for money."""

from __future__ import annotations

import grpc
from preau.payment.v1 import payment_service_pb2 as pb
from preau.payment.v1 import payment_service_pb2_grpc as rpc
from preau_chassis.client import call
from preau_chassis.wire import money_to_wire, timestamp_from_wire
from preau_kernel.money import Money

from billing_svc.application.ports import PaymentRequest
from billing_svc.application.records import ProviderPayment
from billing_svc.domain.states import AttemptState

_TIMEOUT_SECONDS = 15.0
_READ_SECONDS = 2.0

_OVER = {
    pb.PAYMENT_STATUS_DENIED: AttemptState.FAILED,
    pb.PAYMENT_STATUS_CANCELLED: AttemptState.FAILED,
    pb.PAYMENT_STATUS_EXPIRED: AttemptState.FAILED,
    pb.PAYMENT_STATUS_PAID: AttemptState.PAID,
}


class PaymentGatewayClient:
    """``PaymentGateway`` on payment-gateway-svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.PaymentServiceStub(channel)

    async def is_open(self, token: str) -> bool:
        response: pb.GetOnlinePaymentResponse = await call(
            self._stub.GetOnlinePayment, pb.GetOnlinePaymentRequest(), timeout=_READ_SECONDS, token=token
        )
        return response.is_open

    async def create(self, token: str, request: PaymentRequest) -> ProviderPayment:
        message = pb.CreatePaymentRequest(
            request_id=request.request_id,
            invoice_id=request.invoice_id,
            amount=money_to_wire(Money(request.amount_minor)),
            debt_reference=request.debt_reference,
            description=request.description,
            payer_email=request.payer_email,
            fiscal_year=request.fiscal_year,
            return_url=request.return_url,
            notify_url=request.notify_url,
        )
        response: pb.CreatePaymentResponse = await call(
            self._stub.CreatePayment, message, timeout=_TIMEOUT_SECONDS, token=token
        )
        payment = response.payment
        expires_at = timestamp_from_wire(payment.expires_at) if payment.HasField("expires_at") else None
        return ProviderPayment(payment.id, payment.payment_url, expires_at)

    async def refresh(self, token: str, attempt_id: str) -> AttemptState:
        response: pb.RefreshPaymentResponse = await call(
            self._stub.RefreshPayment, pb.RefreshPaymentRequest(id=attempt_id), timeout=_TIMEOUT_SECONDS, token=token
        )
        return _OVER.get(response.payment.status, AttemptState.STARTED)
