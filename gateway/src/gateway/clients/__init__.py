"""The four services, as the gateway calls them; made once, inside the running event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

import grpc.aio
from preau_chassis.client import open_channel
from preau_kernel.clock import Clock

from gateway.clients.agenda import AgendaClient
from gateway.clients.billing import BillingClient
from gateway.clients.identity import IdentityClient
from gateway.clients.payment import PaymentClient
from gateway.clients.service_tokens import ServiceTokens
from gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Clients:
    """One typed client a service, and the gateway's own tokens for calls that are nobody's."""

    identity: IdentityClient
    agenda: AgendaClient
    billing: BillingClient
    payment: PaymentClient
    service_tokens: ServiceTokens
    channels: tuple[grpc.aio.Channel, ...]

    @classmethod
    def open(cls, settings: GatewaySettings, clock: Clock) -> Self:
        """Open the channels. Only inside the loop that will use them (docs: trap 2 of the stack)."""
        identity, agenda, billing, payment = (
            open_channel(address)
            for address in (
                settings.identity_address,
                settings.agenda_address,
                settings.billing_address,
                settings.payment_address,
            )
        )
        return cls(
            IdentityClient(identity),
            AgendaClient(agenda),
            BillingClient(billing),
            PaymentClient(payment),
            ServiceTokens(identity, settings.service_secret.get_secret_value(), clock),
            (identity, agenda, billing, payment),
        )

    async def service_token(self, town_slug: str) -> str:
        """The gateway's own token for one town."""
        return await self.service_tokens.get(town_slug)

    async def close(self) -> None:
        await asyncio.gather(*(channel.close() for channel in self.channels))
