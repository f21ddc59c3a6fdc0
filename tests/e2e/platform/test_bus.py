"""The bus of the running platform: every event has a stream that keeps it, and somebody who wants it or a reason not to."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from preau_chassis.messaging import event_name

from tests.contract.repo.test_events import TYPES
from tests.e2e.platform.world import World

# Facts for the town's own accounting and reporting systems; no service of ours acts on them.
FOR_OTHERS = {
    "preau.billing.v1.InvoiceIssued",
    "preau.billing.v1.InvoiceCancelled",
    "preau.billing.v1.FamilyAccountCredited",
}
_DAY = 86_400 * 10**9


async def test_every_event_has_a_stream_that_keeps_it(world: World) -> None:
    streams = await world.books.streams()
    for name in TYPES:
        subject = event_name(name).subject("casepilote")
        holders = [each for each in streams.values() if _takes(each["config"]["subjects"], subject)]
        assert len(holders) == 1, subject
        config = holders[0]["config"]
        assert (config["name"], config["storage"], config["retention"]) == (
            name.split(".")[1].upper(),
            "file",
            "limits",
        )
        assert config["max_age"] == 30 * _DAY
        assert config["duplicate_window"] == 120 * 10**9


async def test_every_event_has_a_consumer_or_is_for_others(world: World) -> None:
    filters = [subject for consumer in await _consumers(world) for subject in consumer["config"]["filter_subjects"]]
    unheard = {name for name in TYPES if not _takes(filters, event_name(name).subject("casepilote"))}
    assert unheard == FOR_OTHERS


async def test_every_consumer_listens_to_something_that_exists_and_acknowledges(world: World) -> None:
    subjects = [event_name(name).subject("casepilote") for name in TYPES]
    for consumer in await _consumers(world):
        config = consumer["config"]
        for wanted in config["filter_subjects"]:
            assert [subject for subject in subjects if _takes([wanted], subject)], wanted
        assert config["durable_name"].split("-")[0] in {"agenda", "billing", "payment", "identity"}
        assert config["ack_policy"] == "explicit"
        assert config["max_deliver"] > 1


async def test_dead_letters_can_be_browsed_and_are_kept_longer(world: World) -> None:
    config = (await world.books.streams())["DLQ"]["config"]
    assert (config["subjects"], config["retention"], config["max_age"]) == (["dlq.>"], "limits", 90 * _DAY)


async def _consumers(world: World) -> list[dict[str, Any]]:
    return [each for stream in (await world.books.streams()).values() for each in stream.get("consumer_detail", [])]


def _takes(patterns: list[str], subject: str) -> bool:
    return any(_matches(pattern.split("."), subject.split(".")) for pattern in patterns)


def _matches(pattern: list[str], subject: list[str]) -> bool:
    if pattern[-1] == ">":
        pattern, subject = pattern[:-1], subject[: len(pattern) - 1]
    return len(pattern) == len(subject) and all(map(fnmatchcase, subject, pattern))
