"""The names that documents print."""

from __future__ import annotations

import grpc
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1 import identity_service_pb2_grpc as rpc
from preau_chassis.client import call

from billing_svc.application.records import HouseholdNames

_TIMEOUT_SECONDS = 2.0


class IdentityDirectory:
    """``HouseholdDirectory`` on identity-svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.IdentityServiceStub(channel)

    async def names(self, token: str) -> HouseholdNames:
        response: pb.GetHouseholdResponse = await call(
            self._stub.GetHousehold, pb.GetHouseholdRequest(), timeout=_TIMEOUT_SECONDS, token=token
        )
        household = response.household
        payer = next((guardian for guardian in household.guardians if guardian.is_payer), None)
        if payer is None and household.guardians:
            payer = household.guardians[0]
        address = household.address
        town_line = f"{address.postal_code} {address.city}".strip()
        return HouseholdNames(
            payer_name="" if payer is None else f"{payer.first_name} {payer.last_name}".strip(),
            payer_address="\n".join(part for part in (address.line1, address.line2, town_line) if part),
            payer_email="" if payer is None else payer.email,
            child_names={child.id: f"{child.first_name} {child.last_name}".strip() for child in household.children},
        )
