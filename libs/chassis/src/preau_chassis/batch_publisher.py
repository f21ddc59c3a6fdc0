"""Publishing to JetStream by the batch: one inbox and one deadline for all, where the client's ``publish`` makes a task,
a timer and a parsed answer for each.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.js.errors import APIError, NoStreamResponseError
from nats.js.errors import Error as JetStreamError

from preau_chassis.messaging import BROKER_ERRORS

_NO_RESPONDERS = "503"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way to a stream."""

    subject: str
    body: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class _Batch:
    outcomes: list[Exception | None]
    waiting: dict[str, int]
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class BatchPublisher:
    """One batch at a time, of one connection."""

    def __init__(self, client: Nats, *, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._inbox = ""
        self._number = 0
        self._batch = _Batch([], {})

    async def publish(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Send in order and wait for the stream's answers, ``seconds`` at most: per message ``None``, or what went wrong."""
        if not self._inbox:
            inbox = self._client.new_inbox()
            await self._client.subscribe(f"{inbox}.*", cb=self._receive)
            self._inbox = inbox
        first, self._number = self._number, self._number + len(messages)
        # All of them before the first is sent: an early answer must not look like the last.
        waiting = {f"{self._inbox}.{first + index}": index for index in range(len(messages))}
        batch = self._batch = _Batch([None] * len(messages), dict(waiting))
        for reply, index in waiting.items():
            message = messages[index]
            try:
                await self._client.publish(message.subject, message.body, reply=reply, headers=message.headers)
            except BROKER_ERRORS as error:
                batch.waiting.pop(reply, None)
                batch.outcomes[index] = error
        if batch.waiting:
            try:
                async with asyncio.timeout(self._seconds):
                    await batch.answered.wait()
            except TimeoutError:
                for index in batch.waiting.values():
                    batch.outcomes[index] = nats.errors.TimeoutError()
        return batch.outcomes

    async def _receive(self, answer: Msg) -> None:
        batch = self._batch
        index = batch.waiting.pop(answer.subject, None)
        if index is None:
            return  # of a batch that was given up
        batch.outcomes[index] = _problem_of(answer.data, answer.headers or {})
        if not batch.waiting:
            batch.answered.set()


def _problem_of(body: bytes, headers: Mapping[str, str]) -> Exception | None:
    if not body and headers.get("Status") == _NO_RESPONDERS:
        return NoStreamResponseError()
    try:
        answer = json.loads(body)
    except ValueError:
        return JetStreamError("unreadable acknowledgement")
    return APIError.from_error(answer["error"]) if "error" in answer else None
