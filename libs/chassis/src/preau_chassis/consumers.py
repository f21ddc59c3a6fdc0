"""What a service says about the events it reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from nats.aio.msg import Msg
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, tenant_slug

from preau_chassis.database import UnitOfWork

Handler = Callable[[UnitOfWork, Any, "Envelope"], Awaitable[None]]
JointHandler = Callable[[UnitOfWork, Sequence[tuple[Any, "Envelope"]]], Awaitable[None]]


class RetryLater(Exception):  # noqa: N818 - not an error: a handler's way to say "not yet"
    """Deliver this message again, in ``seconds`` at the earliest; later the more often it was said."""

    def __init__(self, seconds: float = 0.2) -> None:
        super().__init__(f"retry in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message besides its body. ``context`` is the system's, in the event's town."""

    event_id: UUID
    type: str
    subject: str
    context: Context
    at: datetime
    delivery: int
    sequence: int


@dataclass(frozen=True)
class Consumer:
    """A durable reader of one stream: which subjects, and what to do with each type of event.

    A handler is called inside a unit of work of the event's town, which commits after it.
    Types without a handler are passed over. ``group`` messages of one town at most share a unit of work when they wait
    anyway, if all are of the ``grouped`` types; if one of them fails, all are done again one by one, so their handlers
    must leave nothing behind but their rows, and take no lock that a command waits for (a document's number).
    ``joint`` names the handler that takes messages of a type that follow each other in such a group at once.
    """

    durable: str
    stream: str
    subjects: tuple[str, ...]
    handlers: Mapping[type[Message], Handler]
    group: int = 1
    grouped: tuple[type[Message], ...] = ()
    joint: Mapping[type[Message], JointHandler] = field(default_factory=dict)
    types: Mapping[str, type[Message]] = field(init=False, repr=False)
    grouped_types: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", {kind.DESCRIPTOR.full_name: kind for kind in self.handlers})
        object.__setattr__(self, "grouped_types", frozenset(kind.DESCRIPTOR.full_name for kind in self.grouped))


def header_of(message: Msg, name: str) -> str:
    """A header's text; empty when it is missing."""
    return (message.headers or {}).get(name, "")


def envelope_of(message: Msg, type_name: str) -> Envelope:
    """What a message says about itself. ``KeyError`` or ``ValueError`` when the headers or the subject are not ours."""
    headers = message.headers or {}
    town = tenant_slug(message.subject.split(".")[1])
    return Envelope(
        event_id=UUID(headers["ce-id"]),
        type=type_name,
        subject=message.subject,
        context=Context.system(TenantId(int(headers["preau-tenant"])), town),
        at=datetime.fromisoformat(headers["ce-time"]).astimezone(UTC),
        delivery=message.metadata.num_delivered,
        sequence=message.metadata.sequence.stream,
    )
