"""Loads the demo towns as any town's file is loaded. Idempotent: a second time changes nothing."""

from __future__ import annotations

import asyncio

from preau.payment.v1 import payment_service_pb2 as payment

from preau_stack.data_folder import DataFolder
from preau_stack.demo_data import DemoTown
from preau_stack.demo_file import demo_file
from preau_stack.demo_towns import TOWNS
from preau_stack.ports import LOOPBACK
from preau_stack.services import Services, open_services, patient
from preau_stack.town_loading import load_plan
from preau_stack.town_plan import plan_of


async def load_demo(folder: DataFolder) -> None:
    """Load both towns into the platform that runs on ``folder``."""
    ports: dict[str, int] = folder.state()["ports"]
    services, channels = open_services(ports, folder.secrets()["service_operator"])
    simulator = f"http://{LOOPBACK}:{ports['simulator']}"
    try:
        async with asyncio.TaskGroup() as group:
            for town in TOWNS:
                group.create_task(load_town(services, town, simulator))
    finally:
        for channel in channels:
            await channel.close()


async def load_town(services: Services, town: DemoTown, simulator: str) -> None:
    """A demo town, whose families have its published password."""
    await load_plan(services, plan_of(demo_file(town, simulator), new_password=lambda: town.password))


async def poll_payments(folder: DataFolder) -> tuple[int, int]:
    """Have every demo town's open payments looked up now: how many were asked for, how many settled."""
    services, channels = open_services(folder.state()["ports"], folder.secrets()["service_operator"])
    checked = settled = 0
    try:
        for town in TOWNS:
            token = await services.operator_token(town.slug)
            answer = await patient(services.payment.PollPayments, payment.PollPaymentsRequest(), token)
            checked += answer.checked_count
            settled += answer.settled_count
    finally:
        for channel in channels:
            await channel.close()
    return checked, settled
