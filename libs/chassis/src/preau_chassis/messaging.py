"""NATS: a connection that survives the broker, streams by rule, subjects and headers by rule."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import nats
import nats.errors
from google.protobuf.message import Message
from nats.aio.client import Client as Nats
from nats.js import api
from nats.js.errors import BadRequestError
from nats.protocol.parser import PERMISSIONS_ERR

from preau_chassis.logs import get_logger

_log = get_logger("nats")

DEAD_LETTER_STREAM = "DLQ"
_DAY = 86_400.0
_STREAM_AGE = 30 * _DAY
_DEAD_LETTER_AGE = 90 * _DAY
_DUPLICATE_WINDOW = 120.0
_NAME = re.compile(r"preau\.(?P<service>[a-z]+)\.(?P<version>v[0-9]+)\.(?P<name>[A-Za-z]+)")
_WORDS = re.compile(r"[A-Z][a-z0-9]*")
_NAME_IN_USE = 10058
_TELL_SECONDS = 30.0

BROKER_ERRORS = (nats.errors.Error, OSError)
"""What a call on the connection raises while the broker is away, JetStream's refusals and time-outs included."""
BROKER_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class EventName:
    """Where events of one protobuf type go."""

    service: str
    aggregate: str
    event: str
    version: str

    def subject(self, town: str) -> str:
        """``evt.<town>.<service>.<aggregate>.<event>.<version>``."""
        return f"evt.{town}.{self.service}.{self.aggregate}.{self.event}.{self.version}"


@lru_cache(maxsize=256)
def event_name(full_name: str) -> EventName:
    """``preau.agenda.v1.ReservationsHeld`` is the event ``held`` of the aggregate ``reservations``."""
    match = _NAME.fullmatch(full_name)
    words = _WORDS.findall(match["name"]) if match else []
    if match is None or len(words) < 2:  # noqa: PLR2004 - an aggregate and an event
        raise ValueError(f"not an event type: {full_name}")
    *aggregate, happened = (word.lower() for word in words)
    return EventName(match["service"], "_".join(aggregate), happened, match["version"])


def subject_of(town: str, message: Message | type[Message]) -> str:
    """The subject on which this town's ``message`` is published."""
    return event_name(message.DESCRIPTOR.full_name).subject(town)


def event_headers(
    *, event_id: UUID, type_name: str, service: str, tenant_id: int, at: datetime, traceparent: str
) -> dict[str, str]:
    """The CloudEvents attributes of an event in binary mode, and ours."""
    headers = {
        "Nats-Msg-Id": str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-type": type_name,
        "ce-source": f"preau/{service}",
        "ce-time": at.isoformat(),
        "preau-tenant": str(tenant_id),
    }
    if traceparent:
        headers["traceparent"] = traceparent
    return headers


class _LastingClient(Nats):
    """The library closes for good when a server says why it ends a connection (credentials that ended, for one): nobody
    would connect again. What a user may not do it says in the same way, and the connection stays.
    """

    async def _process_err(self, err_msg: str) -> None:
        if PERMISSIONS_ERR in err_msg:
            await super()._process_err(err_msg)
        else:
            await self._process_op_err(nats.errors.Error(f"nats: {err_msg}"))


async def connect_nats(url: str, name: str, login: Mapping[str, Any] | None = None) -> Nats:
    """Connect, waiting for the broker as long as it takes; afterwards reconnect for ever.

    ``url`` is one address or several with commas between them; ``login`` is what ``broker_login.login_options`` gives.
    """
    client = _LastingClient()
    told = -_TELL_SECONDS

    async def on_error(error: Exception) -> None:
        nonlocal told
        if "authorization" in str(error).lower() and time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            _log.error("nats.refused")
        _log.debug("nats.error", error_type=type(error).__name__)

    async def on_disconnected() -> None:
        if not client.is_closed:
            _log.warning("nats.disconnected")

    async def on_reconnected() -> None:
        _log.info("nats.reconnected")

    await client.connect(
        [one.strip() for one in url.split(",")],
        name=name,
        **(login or {}),
        allow_reconnect=True,
        max_reconnect_attempts=-1,
        reconnect_time_wait=cast("int", 0.25),
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        pending_size=8 * 1024 * 1024,
        error_cb=on_error,
        disconnected_cb=on_disconnected,
        reconnected_cb=on_reconnected,
    )
    return client


async def close_nats(client: Nats) -> None:
    """Flush what is pending if the broker is there, then close; never hangs."""
    if client.is_closed:
        return
    try:
        async with asyncio.timeout(2):
            if client.is_connected:
                await client.flush(1)
            await client.close()
    except BROKER_ERRORS:
        _log.debug("nats.close_failed")


def stream_of(service: str) -> str:
    """The stream that holds a service's events."""
    return service.upper()


async def ensure_stream(client: Nats, stream: str, *, replicas: int = 1) -> None:
    """Create the stream of a service (``AGENDA`` takes ``evt.*.agenda.>``) or the dead-letter stream, or bring it up to date."""
    dead = stream == DEAD_LETTER_STREAM
    config = api.StreamConfig(
        name=stream,
        subjects=["dlq.>"] if dead else [f"evt.*.{stream.lower()}.>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        num_replicas=replicas,
        max_age=_DEAD_LETTER_AGE if dead else _STREAM_AGE,
        duplicate_window=_DUPLICATE_WINDOW,
        max_msg_size=4 * 1024 * 1024,
    )
    manager = client.jsm()
    try:
        await manager.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _NAME_IN_USE:
            raise
        await manager.update_stream(config)
