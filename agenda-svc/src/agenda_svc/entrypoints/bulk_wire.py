"""Between the messages of a bulk entry and what it asks for and does."""

from __future__ import annotations

from collections.abc import Iterable

from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import date_from_wire

from agenda_svc.application.bulk_entry import Action, BulkEntry, BulkOutcome
from agenda_svc.domain.days import activity_in, day_in
from agenda_svc.domain.offer import Slot
from agenda_svc.domain.periodicity import Periodicity
from agenda_svc.domain.refusals import Refusal
from agenda_svc.entrypoints.wire import activity_ids, child_ids, member, to_date, to_refusal, to_timestamp


def bulk_entry(message: pb.BulkEntry) -> BulkEntry:
    return BulkEntry.checked(
        child_ids=child_ids(message.child_ids),
        action=member(Action, message.action),
        first=date_from_wire(getattr(message, "from"), "from"),
        last=date_from_wire(message.to, "to"),
        activity_ids=activity_ids(message.activity_ids),
        periodicity=member(Periodicity, message.periodicity),
        weekdays=message.weekdays,
    )


def _bulk_rows(outcome: BulkOutcome, slots: Iterable[Slot]) -> list[pb.BulkRows]:
    """Grouped by child and activity, in the order of the slots."""
    groups: dict[tuple[int, int], list[Date]] = {}
    dates: dict[int, Date] = {}
    for child_key, key in slots:
        day = day_in(key)
        date = dates.get(day)
        if date is None:
            date = dates[day] = to_date(day)
        groups.setdefault((child_key, activity_in(key)), []).append(date)
    by_key = outcome.rules.by_key
    return [
        pb.BulkRows(child_id=outcome.child_ids[child], activity_id=by_key[activity].id, days=days)
        for (child, activity), days in groups.items()
    ]


def _skipped(outcome: BulkOutcome) -> list[pb.SkippedRow]:
    by_key, child_ids = outcome.rules.by_key, outcome.child_ids
    # A closed day skips a row for each activity, all for one reason: the parts are made once.
    dates: dict[int, Date] = {}
    refusals: dict[int, pb.Refusal] = {}
    rows: list[pb.SkippedRow] = []
    for (child_key, key), refusal in outcome.skipped:
        day = day_in(key)
        date = dates.get(day) or dates.setdefault(day, to_date(day))
        told = refusals.get(id(refusal)) or refusals.setdefault(id(refusal), to_refusal(refusal))
        activity_id = by_key[activity_in(key)].id
        rows.append(pb.SkippedRow(child_id=child_ids[child_key], activity_id=activity_id, day=date, refusal=told))
    return rows


def _skipped_days(outcome: BulkOutcome) -> list[pb.SkippedDays]:
    """A closed day skips a row for each activity, a holiday a dozen of them, all for one reason."""
    # Refusals are few objects used for many rows; telling them apart by value would cost more than it saves.
    groups: dict[tuple[int, int, int], tuple[Refusal, list[int]]] = {}
    for (child_key, key), refusal in outcome.skipped:
        group = groups.setdefault((child_key, activity_in(key), id(refusal)), (refusal, []))
        group[1].append(day_in(key))
    by_key = outcome.rules.by_key
    return [
        pb.SkippedDays(
            child_id=outcome.child_ids[child_key],
            activity_id=by_key[activity_key].id,
            days=days,
            refusal=to_refusal(refusal),
        )
        for (child_key, activity_key, _), (refusal, days) in groups.items()
    ]


def to_bulk_response(outcome: BulkOutcome) -> pb.ApplyBulkEntryResponse:
    message = _counts(outcome)
    message.created.extend(_bulk_rows(outcome, outcome.created))
    message.removed.extend(_bulk_rows(outcome, (row.slot for row in outcome.removed)))
    message.skipped.extend(_skipped(outcome))
    return message


def to_preview_response(outcome: BulkOutcome) -> pb.PreviewBulkEntryResponse:
    return pb.PreviewBulkEntryResponse(
        created=_bulk_rows(outcome, outcome.created),
        removed=_bulk_rows(outcome, (row.slot for row in outcome.removed)),
        skipped=_skipped(outcome),
        missing_required_activity_ids=outcome.missing_required,
        revision=outcome.revision,
    )


def to_compact_response(outcome: BulkOutcome) -> pb.ApplyBulkEntryResponse:
    message = _counts(outcome)
    message.skipped_days.extend(_skipped_days(outcome))
    return message


def _counts(outcome: BulkOutcome) -> pb.ApplyBulkEntryResponse:
    return pb.ApplyBulkEntryResponse(
        created_count=len(outcome.created),
        removed_count=len(outcome.removed),
        revision=outcome.revision,
        entry_id=str(outcome.entry_id) if outcome.entry_id else "",
        hold_expires_at=to_timestamp(outcome.hold_expires_at),
        undo_until=to_timestamp(outcome.undo_until),
    )
