"""The services billing asks, real servers that say little."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment
from preau_chassis.server import current_context
from preau_chassis.wire import timestamp_to_wire
from preau_kernel.errors import UnavailableError

START = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)


def serve_only(server: Any, service: str, **methods: Any) -> None:
    """Just these methods of a service; the others answer UNIMPLEMENTED."""
    server.add_registered_method_handlers(service, methods)


class IdentityStandIn:
    """Answers the caller's household; ``email`` is the payer's."""

    def add_to(self, _implementation: object, server: Any) -> None:
        method = grpc.unary_unary_rpc_method_handler(
            self.GetHousehold,
            request_deserializer=identity.GetHouseholdRequest.FromString,
            response_serializer=identity.GetHouseholdResponse.SerializeToString,
        )
        serve_only(server, "preau.identity.v1.IdentityService", GetHousehold=method)

    def __init__(self) -> None:
        self.children: dict[str, list[str]] = {}
        self.email = "camille@example.org"
        self.is_down = False

    async def GetHousehold(self, _request: Any, _context: Any) -> identity.GetHouseholdResponse:
        if self.is_down:
            raise UnavailableError
        household_id = current_context().require_household()
        children = [
            identity.Child(id=child_id, first_name=f"Enfant{rank}", last_name="Démo")
            for rank, child_id in enumerate(self.children.get(household_id, []), 1)
        ]
        guardians = [
            identity.Guardian(first_name="Autre", last_name="Démo"),
            identity.Guardian(first_name="Camille", last_name="Démo", email=self.email, is_payer=True),
        ]
        address = identity.PostalAddress(line1="1 rue des Flamboyants", postal_code="97222", city="Case-Pilote")
        return identity.GetHouseholdResponse(
            household=identity.Household(id=household_id, guardians=guardians, children=children, address=address)
        )


class PaymentStandIn:
    """Opens attempts by request id; ``refreshed`` is what the provider says when asked, ``meanwhile`` what happens then."""

    def add_to(self, _implementation: object, server: Any) -> None:
        create = grpc.unary_unary_rpc_method_handler(
            self.CreatePayment,
            request_deserializer=payment.CreatePaymentRequest.FromString,
            response_serializer=payment.CreatePaymentResponse.SerializeToString,
        )
        refresh = grpc.unary_unary_rpc_method_handler(
            self.RefreshPayment,
            request_deserializer=payment.RefreshPaymentRequest.FromString,
            response_serializer=payment.RefreshPaymentResponse.SerializeToString,
        )
        online = grpc.unary_unary_rpc_method_handler(
            self.GetOnlinePayment,
            request_deserializer=payment.GetOnlinePaymentRequest.FromString,
            response_serializer=payment.GetOnlinePaymentResponse.SerializeToString,
        )
        methods = {"CreatePayment": create, "RefreshPayment": refresh, "GetOnlinePayment": online}
        serve_only(server, "preau.payment.v1.PaymentService", **methods)

    def __init__(self) -> None:
        self.requests: list[payment.CreatePaymentRequest] = []
        self.attempts: dict[str, str] = {}
        self.refreshed: payment.PaymentStatus.ValueType = payment.PAYMENT_STATUS_PENDING
        self.is_down = False
        self.is_open = True
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def CreatePayment(
        self, request: payment.CreatePaymentRequest, _context: Any
    ) -> payment.CreatePaymentResponse:
        if self.is_down:
            raise UnavailableError("PROVIDER_UNAVAILABLE")
        if self.meanwhile is not None:
            await self.meanwhile()
        self.requests.append(request)
        attempt_id = self.attempts.setdefault(request.request_id, str(uuid4()))
        return payment.CreatePaymentResponse(
            payment=payment.Payment(
                id=attempt_id,
                payment_url=f"https://provider.example/?idop={attempt_id}",
                expires_at=timestamp_to_wire(START + timedelta(minutes=15)),
            )
        )

    async def GetOnlinePayment(
        self, _request: payment.GetOnlinePaymentRequest, _context: Any
    ) -> payment.GetOnlinePaymentResponse:
        return payment.GetOnlinePaymentResponse(is_open=self.is_open)

    async def RefreshPayment(
        self, request: payment.RefreshPaymentRequest, _context: Any
    ) -> payment.RefreshPaymentResponse:
        if self.is_down:
            raise UnavailableError("PROVIDER_UNAVAILABLE")
        return payment.RefreshPaymentResponse(payment=payment.Payment(id=request.id, status=self.refreshed))
