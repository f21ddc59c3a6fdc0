"""Calls on payment: how money is asked for. Each raises ``DomainError``."""

from __future__ import annotations

import grpc.aio
from preau.payment.v1 import payment_service_pb2 as pb
from preau.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from preau_chassis.client import call

from gateway.clients.deadlines import PSP, READ


class PaymentClient:
    """Payment, as the gateway uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PaymentServiceStub(channel)

    async def get_payment(self, token: str, request: pb.GetPaymentRequest) -> pb.GetPaymentResponse:
        return await call(self._stub.GetPayment, request, timeout=READ, token=token)

    async def refresh_payment(self, token: str, request: pb.RefreshPaymentRequest) -> pb.RefreshPaymentResponse:
        return await call(self._stub.RefreshPayment, request, timeout=PSP, token=token)

    async def get_online_payment(self, token: str, request: pb.GetOnlinePaymentRequest) -> pb.GetOnlinePaymentResponse:
        return await call(self._stub.GetOnlinePayment, request, timeout=READ, token=token)

    async def handle_notification(
        self, token: str, request: pb.HandleNotificationRequest
    ) -> pb.HandleNotificationResponse:
        return await call(self._stub.HandleNotification, request, timeout=PSP, token=token)
