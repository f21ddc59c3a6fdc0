"""What the gateway's expectations stand on: its own clients, one signed-in parent. Run on the fakes and on the real services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from gateway.api.mapping import wire_day
from gateway.clients import Clients
from google.protobuf.message import Message
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.identity.v1.identity_service_pb2 import GetHouseholdRequest, SignInRequest, SignInResponse
from preau_kernel.errors import DomainError, ErrorKind


@dataclass(frozen=True, slots=True)
class Contract:
    """One town, one parent."""

    clients: Clients
    town: str
    other_town: str
    username: str
    password: str
    day: date

    async def sign_in(self) -> SignInResponse:
        token = await self.clients.service_token(self.town)
        request = SignInRequest(username=self.username, password=self.password, client_address="192.0.2.1")
        return await self.clients.identity.sign_in(token, request)

    async def token(self) -> str:
        return (await self.sign_in()).access_token

    async def child_ids(self, token: str) -> list[str]:
        answer = await self.clients.identity.get_household(token, GetHouseholdRequest())
        return [child.id for child in answer.household.children]

    async def entry(self, token: str) -> agenda.BulkEntry:
        """The first child, the document's four activities or what there is, one day."""
        activities = await self.clients.agenda.list_activities(token, agenda.ListActivitiesRequest())
        monday = [each.id for each in activities.activities if self.day.isoweekday() in each.weekdays]
        entry = agenda.BulkEntry(
            child_ids=(await self.child_ids(token))[:1],
            action=agenda.BULK_ACTION_CREATE,
            to=wire_day(self.day),
            activity_ids=monday,
            periodicity=agenda.PERIODICITY_NONE,
        )
        getattr(entry, "from").CopyFrom(wire_day(self.day))
        return entry


Expectation = Callable[[Contract], Awaitable[None]]


def expectations(*modules: ModuleType) -> list[Any]:
    """Every `expect_…` of the modules, as parameters of one test."""
    return [
        pytest.param(
            value, id=f"{module.__name__.rpartition('.')[2]}: {name.removeprefix('expect_').replace('_', ' ')}"
        )
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("expect_")
    ]


async def refused(answer: Awaitable[Message], kind: ErrorKind, *reasons: str) -> DomainError:
    """The call is refused with that kind and one of those reasons."""
    with pytest.raises(DomainError) as caught:
        await answer
    assert caught.value.kind is kind
    assert not reasons or caught.value.reason in reasons
    return caught.value
