"""Streams as files, from one broker to another: every message, and how far each reader is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client as Nats
from nats.js import api
from preau_stack.streams import StreamCopyError, load_streams, save_streams
from preau_stack.testing import running_broker, temporary_folder

_COUNT = 60
_BYTES = 100_000


async def test_a_stream_of_many_pieces_arrives_whole_with_the_places_of_its_readers(tmp_path: Path) -> None:
    with temporary_folder() as folder, running_broker(folder) as broker:
        client = await _connect(broker.url)
        jetstream: Any = client.jetstream()
        await jetstream.add_stream(api.StreamConfig(name="AGENDA", subjects=["evt.>"], duplicate_window=60))
        bodies = [os.urandom(_BYTES) for _ in range(_COUNT)]  # random bytes, which no compression makes small
        for number, body in enumerate(bodies):
            await jetstream.publish("evt.a", body, headers={"Nats-Msg-Id": str(number)})
        reader = await jetstream.pull_subscribe("evt.a", durable="billing-basket")
        for message in await reader.fetch(20):
            await message.ack_sync()
        await client.close()
        assert await save_streams(broker.url, tmp_path) == ["AGENDA"]

    with temporary_folder() as folder, running_broker(folder) as broker:
        assert await load_streams(broker.url, tmp_path) == ["AGENDA"]
        client = await _connect(broker.url)
        jetstream = client.jetstream()
        reader = await jetstream.pull_subscribe("evt.a", durable="billing-basket")
        rest = [message.data for message in await reader.fetch(_COUNT, timeout=5)]
        assert rest == bodies[20:]
        first = await jetstream.get_msg("AGENDA", 1)
        assert (first.data, first.headers["Nats-Msg-Id"]) == (bodies[0], "0")
        await client.close()
        with pytest.raises(StreamCopyError, match="already in use"):
            await load_streams(broker.url, tmp_path)


async def test_a_damaged_copy_of_a_stream_is_refused(tmp_path: Path) -> None:
    with temporary_folder() as folder, running_broker(folder) as broker:
        client = await _connect(broker.url)
        await client.jetstream().add_stream(api.StreamConfig(name="AGENDA", subjects=["evt.>"]))
        await client.jetstream().publish("evt.a", b"one")
        await client.close()
        await save_streams(broker.url, tmp_path)
    _cut(tmp_path / "AGENDA.snapshot")
    with temporary_folder() as folder, running_broker(folder) as broker, pytest.raises(StreamCopyError):
        await load_streams(broker.url, tmp_path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


async def _connect(url: str) -> Nats:
    client = Nats()
    await client.connect(url)
    return client
