"""Changes of households as the arguments of the SQL functions that write them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

from preau_chassis.outbox import OutboxEvent, outbox_event
from preau_kernel.context import Context

from agenda_svc.adapters.publisher import to_message
from agenda_svc.application.ports import Change
from agenda_svc.domain.states import TRANSITIONS, Status

APPLY_ONE = f"SELECT agenda_apply_change({', '.join(f'${number}' for number in range(1, 26))})"
APPLY_MANY = f"SELECT agenda_apply_entries({', '.join(f'${number}' for number in range(1, 22))})"
_SOURCES = {
    target: sorted({source for (source, _), edge in TRANSITIONS.items() if edge.target is target and source})
    for target in Status
}


@dataclass(frozen=True, slots=True)
class Write:
    """A change and its event as it goes to the outbox, made where the trace of the request is known."""

    tenant_id: int
    change: Change
    event: OutboxEvent | None

    @classmethod
    def of(cls, ctx: Context, change: Change) -> Self:
        event = None if change.event is None else outbox_event(ctx, to_message(change.event))
        return cls(ctx.tenant_id, change, event)

    @property
    def only_creates(self) -> bool:
        """Whether it is of the kind that can be written together with others."""
        change = self.change
        return bool(self.event and change.command and change.new_ids) and not (change.moved or change.lapsed)


def arguments_of_one(write: Write) -> tuple[Any, ...]:
    """For ``agenda_apply_change``."""
    change, event = write.change, write.event
    command = change.command
    keys = sorted(key for key, delta in change.counters.items() if delta)
    slots = change.new_slots
    moved_to = change.moved_to
    return (
        write.tenant_id,
        change.household_key,
        change.revision,
        command and command.method,
        command and command.request_id,
        command and command.digest,
        change.response,
        change.now,
        change.hold_expires_at,
        change.entry_id,
        change.new_ids or None,
        [child for child, _ in slots] if slots else None,
        [key for _, key in slots] if slots else None,
        [row.id for row in change.moved] or None,
        None if moved_to is None else _SOURCES[moved_to],
        moved_to,
        [row.id for row in change.lapsed] or None,
        change.lapse,
        keys or None,
        [change.counters[key] for key in keys] or None,
        *((event.event_id, event.subject, event.type, event.body, event.traceparent) if event else (None,) * 5),
    )


def arguments_of_many(writes: Sequence[Write]) -> tuple[Any, ...]:
    """For ``agenda_apply_entries``: changes of one town that only create, of a household each."""
    writes = sorted(writes, key=lambda write: write.change.household_key)
    changes = [write.change for write in writes]
    commands = [change.command for change in changes if change.command]
    events = [write.event for write in writes if write.event]
    slots = [slot for change in changes for slot in change.new_slots]
    counters: Counter[int] = Counter()
    for change in changes:
        counters.update(change.counters)
    keys = sorted(counters)
    return (
        writes[0].tenant_id,
        [change.household_key for change in changes],
        [change.revision for change in changes],
        [command.method for command in commands],
        [command.request_id for command in commands],
        [command.digest for command in commands],
        [change.response for change in changes],
        [change.now for change in changes],
        [change.hold_expires_at for change in changes],
        [change.entry_id for change in changes],
        list(chain.from_iterable(change.new_ids for change in changes)),
        [owner for owner, change in enumerate(changes, 1) for _ in change.new_ids],
        [child for child, _ in slots],
        [key for _, key in slots],
        keys,
        [counters[key] for key in keys],
        [event.event_id for event in events],
        [event.subject for event in events],
        [event.type for event in events],
        [event.body for event in events],
        [event.traceparent for event in events],
    )
