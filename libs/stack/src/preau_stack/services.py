"""The four running services, as the platform's operator speaks to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceStub
from preau.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from preau.identity.v1 import identity_service_pb2 as identity
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from preau_chassis.client import call, open_channel
from preau_kernel.errors import DomainError, ErrorKind

from preau_stack.databases import SERVICES
from preau_stack.ports import LOOPBACK

_TIMEOUT_SECONDS = 15.0
_PATIENCE_SECONDS = 20.0
# A town's settings reach the other services as events: the first calls may come a moment too early.
_MAY_PASS = {ErrorKind.NOT_FOUND, ErrorKind.PRECONDITION, ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT, ErrorKind.CONFLICT}
_NEVER_PASSES = {"TARIFF_IN_USE", "TARIFF_OVERLAP", "CALENDAR_ZONE_NOT_FOUND"}


@dataclass(frozen=True, slots=True)
class Services:
    """The four services, and the operator's secret that opens them."""

    identity: IdentityServiceStub
    agenda: AgendaServiceStub
    billing: BillingServiceStub
    payment: PaymentServiceStub
    operator_secret: str

    async def operator_token(self, tenant_slug: str = "") -> str:
        """A token of the platform's operator, for one town or for none."""
        request = identity.IssueServiceTokenRequest(
            service="operator", secret=self.operator_secret, tenant_slug=tenant_slug
        )
        answer = await patient(self.identity.IssueServiceToken, request, "")
        return str(answer.access_token)


async def patient(method: Any, request: Any, token: str) -> Any:
    """Call, and call again for 20 seconds at the most when the refusal may pass by itself. ``DomainError``."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await call(method, request, timeout=_TIMEOUT_SECONDS, token=token)
        except DomainError as error:
            may_pass = error.kind in _MAY_PASS and error.reason not in _NEVER_PASSES
            if not may_pass or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


def open_services(ports: Mapping[str, int], operator_secret: str) -> tuple[Services, list[grpc.aio.Channel]]:
    """Channels to the services of this machine; the caller closes them."""
    return open_services_at({name: f"{LOOPBACK}:{ports[name]}" for name in SERVICES}, operator_secret)


def open_services_at(addresses: Mapping[str, str], operator_secret: str) -> tuple[Services, list[grpc.aio.Channel]]:
    """Channels to the services at these ``host:port``; the caller closes them."""
    channels = {name: open_channel(addresses[name]) for name in SERVICES}
    services = Services(
        IdentityServiceStub(channels["identity"]),
        AgendaServiceStub(channels["agenda"]),
        BillingServiceStub(channels["billing"]),
        PaymentServiceStub(channels["payment"]),
        operator_secret,
    )
    return services, list(channels.values())
