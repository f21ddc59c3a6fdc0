"""The use cases of one town, on in-memory parts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from payment_gateway_svc.application.check_provider import CheckProviderHandler
from payment_gateway_svc.application.configure_provider import ConfigureProviderHandler
from payment_gateway_svc.application.create_payment import CreatePayment, CreatePaymentHandler
from payment_gateway_svc.application.get_online_payment import GetOnlinePaymentHandler
from payment_gateway_svc.application.get_payment import GetPaymentHandler
from payment_gateway_svc.application.handle_notification import HandleNotificationHandler
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.poll_payments import PollPaymentsHandler
from payment_gateway_svc.application.ports import OpenAttempt
from payment_gateway_svc.application.providers import Providers
from preau_kernel.ids import UuidV7Factory

from tests.unit.payment.fakes import (
    FakeDatabase,
    FakeProvider,
    FakeRecorder,
    make_clock,
    make_order,
)

HASH = b"h"


class World:
    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.provider = FakeProvider()
        self.clock = make_clock()
        self.recorder = FakeRecorder()
        providers = Providers([self.provider])
        factory = self.database.begin
        self.create = CreatePaymentHandler(factory, providers, self.clock, UuidV7Factory())
        self.get = GetPaymentHandler(factory)
        self.look_up = LookUpPath(factory, providers, self.clock, self.recorder)
        self.notify = HandleNotificationHandler(
            factory, providers, self.clock, self.look_up, self.recorder, timedelta(seconds=0.2)
        )
        self.poll = PollPaymentsHandler(factory, self, self.clock, self.look_up, self.recorder, 3)
        self.configure = ConfigureProviderHandler(factory, providers, self.clock, self.recorder)
        self.check = CheckProviderHandler(factory, providers)
        self.online = GetOnlinePaymentHandler(factory, providers)
        self.batches: list[list[OpenAttempt]] = []

    async def due(self, _now: object, _limit: int) -> list[OpenAttempt]:
        return self.batches.pop(0) if self.batches else []


def make_command(request_id: UUID | None = None, **changes: Any) -> CreatePayment:
    return CreatePayment(request_id or uuid4(), changes.pop("request_hash", HASH), "invoice-1", make_order(**changes))
