"""What a Prometheus reads of the running platform: requests and messages counted, and how full everything is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from preau_stack.running import RunningPlatform

from tests.e2e.platform.world import World, eventually

SCHEMA = yaml.safe_load((Path(__file__).parents[3] / "docs/telemetry/metrics.yaml").read_text())["metrics"]
SAMPLE = re.compile(r"(?P<name>[a-z0-9_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
# Shown by every process that has the thing they tell of, whether or not anybody came.
SATURATION = (
    "preau.event_loop.lag", "db.client.connection.count", "db.client.connection.max",
    "db.client.connection.pending_requests", "preau.rpc.in_flight", "preau.outbox.age", "preau.outbox.waiting",
    "preau.consumer.pending", "preau.consumer.ack_pending", "preau.consumer.fetch_age", "preau.dead_letters",
    "preau.job.success_age",
)  # fmt: skip
BOOKING = (
    ("http_server_request_duration_seconds_count", {"http_route": "/api/v1/bulk-entries", "http_request_method": "POST"}),
    ("rpc_server_call_duration_seconds_count", {"rpc_method": "preau.agenda.v1.AgendaService/ApplyBulkEntry"}),
    ("preau_message_duration_seconds_count", {"messaging_consumer_group_name": "billing-basket", "preau_outcome": "done"}),
    ("preau_town_requests_total", {"preau_tenant": "casepilote"}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    labels: dict[str, str]
    value: float


class Readings:
    """One reading of ``/metrics``."""

    def __init__(self, text: str) -> None:
        self.samples = list(_samples(text))

    def total(self, name: str, labels: dict[str, str]) -> float:
        return sum(each.value for each in self.samples if each.name == name and labels.items() <= each.labels.items())

    def services(self, name: str) -> set[str]:
        return {each.labels["service_name"] for each in self.samples if each.name in {name, f"{name}_count"}}


def _samples(text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        if not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found, line
            yield Sample(found["name"], dict(LABEL.findall(found["labels"] or "")), float(found["value"]))


async def _read(platform: RunningPlatform) -> Readings:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{platform.traces_url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Readings(answer.text)


def _of_schema(name: str) -> dict[str, Any]:
    return next(metric for metric in SCHEMA if metric["name"] == name)


async def test_a_booking_moves_what_pages_calls_messages_and_towns_count(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        before = await _read(world.platform)
        await parent.book("2025-09-01", "2025-09-05")

        async def moved() -> bool:
            after = await _read(world.platform)
            return all(after.total(name, labels) > before.total(name, labels) for name, labels in BOOKING)

        await eventually(moved)
    after = await _read(world.platform)
    # Of a booking that went well nothing failed, and each of its durations is in one bucket.
    assert after.total(BOOKING[0][0], {"http_response_status_code": "200", **BOOKING[0][1]}) >= 1
    whole = after.total(BOOKING[1][0].replace("_count", "_bucket"), {"le": "+Inf", **BOOKING[1][1]})
    assert whole == after.total(*BOOKING[1]) >= 1


async def test_every_service_tells_how_full_it_is(world: World) -> None:
    async def is_told() -> bool:
        read = await _read(world.platform)
        return all(read.services(_of_schema(name)["prometheus"]) == set(_of_schema(name)["by"]) for name in SATURATION)

    await eventually(is_told)
    read = await _read(world.platform)
    assert read.total("db_client_connection_max", {"service_name": "agenda", "db_client_connection_pool_name": "serve"})
    assert read.total("preau_dead_letters", {"messaging_consumer_group_name": "billing-basket"}) == 0


async def test_series_carry_the_labels_of_the_schema_and_no_others(world: World) -> None:
    names = {metric["prometheus"]: set(metric["attributes"]) for metric in SCHEMA}
    for sample in (await _read(world.platform)).samples:
        base = re.sub(r"_(bucket|sum|count)$", "", sample.name) if sample.name not in names else sample.name
        expected = {name.replace(".", "_") for name in names[base]} | {"service_name", "service_instance_id"}
        assert set(sample.labels) - {"le"} == expected, sample
