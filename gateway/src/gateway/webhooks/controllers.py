"""Notifications go to payment as they came; it alone knows what they mean, and looks the payment up."""

from __future__ import annotations

from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.di import NamedDependency
from preau.payment.v1.payment_service_pb2 import HandleNotificationRequest

from gateway.clients import Clients
from gateway.town import Town


@route(
    "/webhooks/payfip",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    opt={"csrf": False},
    include_in_schema=False,
    status_code=200,
)
async def payfip_notification(
    request: Request[Any, Any, Any], town: NamedDependency[Town], clients: NamedDependency[Clients]
) -> Response[bytes]:
    """PayFiP says that something happened to a payment. Answered 200 whether it is one of ours or not."""
    token = await clients.service_token(town.slug)
    await clients.payment.handle_notification(
        token,
        HandleNotificationRequest(
            provider="payfip",
            query=request.scope["query_string"].decode("latin-1"),
            body=await request.body(),
            content_type=request.headers.get("content-type", "")[:200],
        ),
    )
    return Response(b"OK", media_type="text/plain")
