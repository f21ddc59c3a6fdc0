"""preau.payment.v1.PaymentService."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from preau.payment.v1 import payment_service_pb2 as pb
from preau.payment.v1 import payment_service_pb2_grpc
from preau_chassis.server import current_context
from preau_chassis.wire import money_to_wire, parse_uuid

from payment_gateway_svc.application.check_provider import CheckProviderHandler
from payment_gateway_svc.application.configure_provider import ConfigureProviderHandler
from payment_gateway_svc.application.create_payment import CreatePaymentHandler
from payment_gateway_svc.application.get_online_payment import GetOnlinePaymentHandler
from payment_gateway_svc.application.get_payment import GetPaymentHandler
from payment_gateway_svc.application.handle_notification import HandleNotification, HandleNotificationHandler
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.poll_payments import PollPaymentsHandler
from payment_gateway_svc.application.ports import Notification
from payment_gateway_svc.entrypoints.messages import create_command, payment_message, settings_of


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer calls."""

    create: CreatePaymentHandler
    get: GetPaymentHandler
    look_up: LookUpPath
    notify: HandleNotificationHandler
    poll: PollPaymentsHandler
    configure: ConfigureProviderHandler
    check: CheckProviderHandler
    online: GetOnlinePaymentHandler


class PaymentServicer(payment_service_pb2_grpc.PaymentServiceServicer):
    """Shapes in, shapes out; tenant and actor from the token alone."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def CreatePayment(self, request: pb.CreatePaymentRequest, _context: Any) -> pb.CreatePaymentResponse:
        attempt = await self._use_cases.create(create_command(request), current_context())
        return pb.CreatePaymentResponse(payment=payment_message(attempt))

    async def GetPayment(self, request: pb.GetPaymentRequest, _context: Any) -> pb.GetPaymentResponse:
        attempt = await self._use_cases.get(parse_uuid(request.id), current_context())
        return pb.GetPaymentResponse(payment=payment_message(attempt))

    async def RefreshPayment(self, request: pb.RefreshPaymentRequest, _context: Any) -> pb.RefreshPaymentResponse:
        attempt = await self._use_cases.look_up.refresh(current_context(), parse_uuid(request.id))
        return pb.RefreshPaymentResponse(payment=payment_message(attempt))

    async def HandleNotification(
        self, request: pb.HandleNotificationRequest, _context: Any
    ) -> pb.HandleNotificationResponse:
        notification = Notification(request.query, request.body, request.content_type)
        is_known = await self._use_cases.notify(HandleNotification(request.provider, notification), current_context())
        return pb.HandleNotificationResponse(is_known=is_known)

    async def PollPayments(self, _request: pb.PollPaymentsRequest, _context: Any) -> pb.PollPaymentsResponse:
        result = await self._use_cases.poll.town(current_context())
        return pb.PollPaymentsResponse(checked_count=result.checked, settled_count=result.settled)

    async def GetOnlinePayment(
        self, _request: pb.GetOnlinePaymentRequest, _context: Any
    ) -> pb.GetOnlinePaymentResponse:
        minimum = await self._use_cases.online(current_context())
        return pb.GetOnlinePaymentResponse(
            is_open=minimum is not None, minimum=None if minimum is None else money_to_wire(minimum)
        )

    async def ConfigureProvider(
        self, request: pb.ConfigureProviderRequest, _context: Any
    ) -> pb.ConfigureProviderResponse:
        await self._use_cases.configure(settings_of(request), current_context())
        return pb.ConfigureProviderResponse()

    async def TestProvider(self, _request: pb.TestProviderRequest, _context: Any) -> pb.TestProviderResponse:
        description = await self._use_cases.check(current_context())
        return pb.TestProviderResponse(is_ok=description.is_ok, labels=description.labels, code=description.code)
