"""Messages that could not be handled: kept with their reason in the stream ``DLQ``, and sent again on request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

from nats.aio.client import Client as Nats
from nats.js import api
from nats.js.errors import NoStreamResponseError, NotFoundError

from preau_chassis.logs import get_logger
from preau_chassis.messaging import BROKER_ERRORS, BROKER_RETRY_SECONDS, DEAD_LETTER_STREAM, ensure_stream

_log = get_logger("dead_letters")

REASON_HEADER = "preau-dlq-reason"
SUBJECT_HEADER = "preau-dlq-subject"
STREAM_HEADER = "preau-dlq-stream"
SEQUENCE_HEADER = "preau-dlq-sequence"
REPLAY_HEADER = "preau-replay-for"

_MESSAGE_ID = "Nats-Msg-Id"
_MAX_REASON = 200


async def bury(
    client: Nats,
    *,
    durable: str,
    stream: str,
    sequence: int,
    subject: str,
    reason: str,
    body: bytes,
    headers: Mapping[str, str],
) -> None:
    """Put one message aside; returns once the broker has it, and waits for that as long as it takes."""
    letter = {key: value for key, value in headers.items() if key != _MESSAGE_ID}
    letter |= {
        _MESSAGE_ID: f"dlq-{durable}-{sequence}-{uuid4()}",
        REASON_HEADER: reason[:_MAX_REASON],
        SUBJECT_HEADER: subject,
        STREAM_HEADER: stream,
        SEQUENCE_HEADER: str(sequence),
    }
    jetstream = client.jetstream(timeout=5)
    while True:
        try:
            await jetstream.publish(f"dlq.{durable}", body, headers=letter)
        except NoStreamResponseError:
            await _make_stream(client, stream)
            await asyncio.sleep(BROKER_RETRY_SECONDS)
        except BROKER_ERRORS:
            await asyncio.sleep(BROKER_RETRY_SECONDS)
        else:
            return


async def _make_stream(client: Nats, like: str) -> None:
    """Somebody deleted it, or the broker is away: kept on as many servers as the stream that the message came from."""
    with suppress(*BROKER_ERRORS):
        known = await client.jsm().stream_info(like)
        await ensure_stream(client, DEAD_LETTER_STREAM, replicas=known.config.num_replicas or 1)


async def replay_dead_letters(client: Nats, durable: str) -> int:
    """Publish every dead letter of one consumer on its old subject again, for that consumer; how many there were.

    Same ``ce-id``, so an effect that did happen is not repeated; new ``Nats-Msg-Id``, so the broker does not drop it.
    """
    jetstream = client.jetstream(timeout=5)
    manager = client.jsm()
    count = 0
    subject = f"dlq.{durable}"
    try:
        info = await manager.stream_info(DEAD_LETTER_STREAM, subjects_filter=subject)
    except NotFoundError:
        return 0
    last = info.state.last_seq
    sequence = 0
    while True:
        try:
            letter = await manager.get_msg(DEAD_LETTER_STREAM, sequence + 1, subject=subject, next=True)
        except NotFoundError:
            return count
        if letter.seq is None or letter.seq > last:
            return count
        sequence = letter.seq
        headers = dict(letter.headers or {})
        original = headers.pop(SUBJECT_HEADER)
        for name in (REASON_HEADER, STREAM_HEADER, SEQUENCE_HEADER):
            headers.pop(name, None)
        headers[_MESSAGE_ID] = str(uuid4())
        headers[REPLAY_HEADER] = durable
        ack: api.PubAck = await jetstream.publish(original, letter.data or b"", headers=headers)
        if ack.duplicate:
            raise RuntimeError(f"the broker dropped the replay of letter {sequence}")
        await manager.delete_msg(DEAD_LETTER_STREAM, sequence)
        count += 1
        _log.info("dead_letter.replayed", consumer=durable, sequence=sequence)
