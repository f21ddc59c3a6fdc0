"""A pull subscription that always has a request open, and a fresh one after every reconnection.

The client library's own ``fetch`` waits for a whole batch or a time-out; here a message is handed over as it comes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

import nats.errors
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from preau_chassis.pulse import Beat, no_beat

_BATCH = 64
_EXPIRES_SECONDS = 20.0
_HEARTBEAT_SECONDS = 2.0
_SILENCE_SECONDS = 6.0
_LOOK_SECONDS = 1.0
_HEARTBEAT = "100"
_EXPIRED = "408"


class PullSubscription:
    """Messages of one durable consumer, ``_BATCH`` at most on their way at a time."""

    def __init__(
        self, client: Nats, stream: str, durable: str, *, beat: Beat = no_beat, on_answer: Callable[[], None] = no_beat
    ) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._beat = beat
        self._on_answer = on_answer
        self._arrived = asyncio.Event()
        self._asked = 0
        self._heard = 0.0
        self._is_over = False
        self.waiting: deque[Msg] = deque()
        """Delivered and not yet handed over."""

    async def messages(self) -> AsyncGenerator[Msg, None]:
        """Messages in order. Ends when the connection was replaced, the server is silent, or the consumer is gone."""
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, cb=self._receive)
        reconnects = self._client.stats["reconnects"]
        told = self._heard = time.monotonic()
        try:
            while True:
                while self.waiting:
                    self._beat()
                    yield self.waiting.popleft()
                if self._heard > told:
                    # A fetch came back, and whoever handles its messages is not stuck in one.
                    told = self._heard
                    self._beat()
                is_stale = self._is_over or self._client.stats["reconnects"] != reconnects
                if is_stale or time.monotonic() - self._heard > _SILENCE_SECONDS:
                    return
                if self._asked <= _BATCH // 2:
                    await self._ask(inbox, _BATCH - self._asked)
                    self._asked = _BATCH
                self._arrived.clear()
                if not self.waiting and not self._is_over:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_SECONDS):
                            await self._arrived.wait()
        finally:
            await self._close(subscription)

    async def _receive(self, message: Msg) -> None:
        self._heard = time.monotonic()
        self._on_answer()
        headers = message.headers or {}
        status = headers.get("Status", "") if not message.data else ""
        if not status:
            self._asked -= 1
            self.waiting.append(message)
        elif status == _EXPIRED:
            self._asked -= int(headers.get("Nats-Pending-Messages", "0"))
        elif status != _HEARTBEAT:
            self._is_over = True
        self._arrived.set()

    async def _ask(self, inbox: str, count: int) -> None:
        request = {
            "batch": count,
            "expires": int(_EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(_HEARTBEAT_SECONDS * 1e9),
        }
        await self._client.publish(self._next, json.dumps(request).encode(), reply=inbox)

    async def _close(self, subscription: Subscription) -> None:
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()
        # What nobody read goes back at once; otherwise it would come again only after the acknowledgement time.
        while self.waiting:
            message = self.waiting.popleft()
            with suppress(nats.errors.Error):
                await message.nak()
