"""JetStream tells nobody when it gives a message up, except in an advisory: here it becomes a dead letter and an error line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from preau_chassis.consumers import Consumer
from preau_chassis.dead_letters import bury
from preau_chassis.logs import get_logger
from preau_chassis.messaging import BROKER_ERRORS, BROKER_RETRY_SECONDS

_log = get_logger("inbox")
_ADVISORY = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES"


async def watch_deliveries(client: Nats, consumers: Sequence[Consumer]) -> None:
    """Put aside what was delivered too often without an answer (a message that kills the process that reads it)."""

    async def on_advisory(advisory: Msg) -> None:
        facts = json.loads(advisory.data)
        stream, durable, sequence = facts["stream"], facts["consumer"], int(facts["stream_seq"])
        _log.error("message.given_up", consumer=durable, stream=stream, sequence=sequence)
        try:
            message = await _read(client, stream, sequence)
        except NotFoundError:
            _log.exception("message.lost", consumer=durable, stream=stream, sequence=sequence)
            return
        await bury(
            client,
            durable=durable,
            stream=stream,
            sequence=sequence,
            subject=message.subject or "",
            reason="MAX_DELIVERIES",
            body=message.data or b"",
            headers=message.headers or {},
        )

    for consumer in consumers:
        subject = f"{_ADVISORY}.{consumer.stream}.{consumer.durable}"
        # One of several work processes is enough.
        await client.subscribe(subject, queue=consumer.durable, cb=on_advisory)


async def _read(client: Nats, stream: str, sequence: int) -> RawStreamMsg:
    while True:
        try:
            return await client.jsm().get_msg(stream, sequence)
        except NotFoundError:
            raise
        except BROKER_ERRORS:
            await asyncio.sleep(BROKER_RETRY_SECONDS)
