"""What the reading SQL functions answer, as the application's readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agenda_svc.adapters.db.places import Places
from agenda_svc.application.ports import Reading, StoredAnswer
from agenda_svc.domain.offer import Offer, Row
from agenda_svc.domain.states import LIVE, Status

_STATUS = {status.value: status for status in Status}


def to_reading(record: Any, rows: list[Row], places: Places | None = None) -> Reading:
    stored_digest = record["stored_hash"]
    stored = None
    if stored_digest is not None:
        stored = StoredAnswer(bytes(stored_digest), bytes(record["stored_response"] or b""))
    household_key = record["household_key"]
    if household_key is None:
        return Reading(record["rules_version"], stored)
    children = {str(each): key for each, key in _pairs(record["child_ids"], record["child_keys"])}
    enrolments: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
    if record["enrolled_children"] is not None:
        for child, activity, first, last in zip(
            record["enrolled_children"],
            record["enrolled_activities"],
            record["enrolled_first"],
            record["enrolled_last"],
            strict=True,
        ):
            enrolments[child, activity] = (*enrolments.get((child, activity), ()), (first, last))
    offer = Offer(
        household_key=household_key,
        revision=record["revision"],
        children=children,
        places=dict(_pairs(record["session_keys"], record["places"])) if places is None else places,
        enrolments=enrolments,
        live={row.slot: row for row in rows if row.status in LIVE},
        child_ids={key: each for each, key in children.items()},
    )
    return Reading(record["rules_version"], stored, offer, rows)


def _pairs(keys: Sequence[Any] | None, values: Sequence[Any] | None) -> Sequence[tuple[Any, Any]]:
    return [] if keys is None or values is None else list(zip(keys, values, strict=True))


def to_rows(record: Any, *closing: str) -> list[Row]:
    """The rows; ``closing`` names the columns of what only rows of any state come with."""
    if record["row_ids"] is None:
        return []
    own = record["household_key"]
    return list(
        map(
            Row,
            record["row_ids"],
            record["row_children"],
            record["row_sessions"],
            [_STATUS[status] for status in record["row_statuses"]],
            record["row_holds"],
            record["row_created"],
            record["row_entries"],
            [household == own for household in record["row_households"]],
            *(record[column] for column in closing),
        )
    )


def to_closed_rows(record: Any) -> list[Row]:
    """Rows in any state, with when they were closed and what has become of them since."""
    return to_rows(record, "row_closed", "row_lapses")
