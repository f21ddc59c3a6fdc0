"""Between the wire's messages and the use cases' words."""

from __future__ import annotations

from preau.payment.v1 import payment_service_pb2 as pb
from preau_chassis.idempotency import IdempotencyKey
from preau_chassis.wire import money_from_wire, money_to_wire, timestamp_to_wire
from preau_kernel.errors import InvalidError

from payment_gateway_svc.application.create_payment import CreatePayment
from payment_gateway_svc.application.ports import PaymentOrder, ProviderSettings
from payment_gateway_svc.domain.attempt import PaymentAttempt

_MAX_INVOICE_ID = 100


def create_command(request: pb.CreatePaymentRequest) -> CreatePayment:
    """``InvalidError`` for what no provider could take."""
    if not 0 < len(request.invoice_id) <= _MAX_INVOICE_ID:
        raise InvalidError("INVALID_ID", "invoice_id")
    key = IdempotencyKey.of("CreatePayment", request.request_id, request)
    order = PaymentOrder(
        amount=money_from_wire(request.amount),
        debt_reference=request.debt_reference,
        description=request.description,
        payer_email=request.payer_email,
        fiscal_year=request.fiscal_year,
        return_url=request.return_url,
        notify_url=request.notify_url,
    )
    return CreatePayment(key.request_id, key.request_hash, request.invoice_id, order)


def settings_of(request: pb.ConfigureProviderRequest) -> ProviderSettings:
    """The provider's own words; its adapter judges them."""
    payfip = request.payfip
    values = {
        "client_number": payfip.client_number,
        "mode": payfip.mode,
        "service_url": payfip.service_url,
        "page_url": payfip.page_url,
    }
    return ProviderSettings(request.provider, {name: value for name, value in values.items() if value})


def payment_message(attempt: PaymentAttempt) -> pb.Payment:
    """An attempt as callers see it."""
    message = pb.Payment(
        id=str(attempt.id),
        invoice_id=attempt.invoice_id,
        amount=money_to_wire(attempt.amount),
        status=pb.PaymentStatus.Value(f"PAYMENT_STATUS_{attempt.state.name}"),
        payment_url=attempt.payment_url,
        created_at=timestamp_to_wire(attempt.created_at),
        provider=attempt.provider,
        is_provider_unreachable=attempt.is_unreachable,
    )
    for name in ("expires_at", "settled_at", "checked_at"):
        instant = getattr(attempt, name)
        if instant is not None:
            getattr(message, name).CopyFrom(timestamp_to_wire(instant))
    return message
