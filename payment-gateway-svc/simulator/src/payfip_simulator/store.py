"""Where operations, switches and the clock's advance are kept, so that a restart loses nothing."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from payfip_simulator.payments import Payment, State
from payfip_simulator.switches import Switches

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (id_op TEXT PRIMARY KEY, created_at TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """A small SQLite file; every write is on disk before the answer leaves."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def save(self, payment: Payment) -> None:
        self._connection.execute(
            "INSERT INTO payment VALUES (?, ?, ?) ON CONFLICT (id_op) DO UPDATE SET document = excluded.document",
            (payment.id_op, payment.created_at.isoformat(), json.dumps(payment.as_json())),
        )

    def find(self, id_op: str) -> Payment | None:
        row = self._connection.execute("SELECT document FROM payment WHERE id_op = ?", (id_op,)).fetchone()
        return _payment(row[0]) if row else None

    def latest(self, limit: int = 100) -> list[Payment]:
        rows = self._connection.execute("SELECT document FROM payment ORDER BY rowid DESC LIMIT ?", (limit,))
        return [_payment(row[0]) for row in rows]

    def delete(self, id_op: str) -> None:
        self._connection.execute("DELETE FROM payment WHERE id_op = ?", (id_op,))

    def delete_unopened(self) -> int:
        """The night's purge: what never reached the page."""
        unopened = "DELETE FROM payment WHERE json_extract(document, '$.state') = ?"
        return self._connection.execute(unopened, (State.CREATED.value,)).rowcount

    def clear(self) -> None:
        self._connection.executescript("DELETE FROM payment; DELETE FROM setting;")

    @property
    def switches(self) -> Switches:
        return Switches().changed(json.loads(self._setting("switches", "{}")))

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._set("switches", json.dumps({name: getattr(switches, name) for name in Switches.__slots__}))

    @property
    def advanced(self) -> timedelta:
        return timedelta(seconds=float(self._setting("advanced_seconds", "0")))

    @advanced.setter
    def advanced(self, delta: timedelta) -> None:
        self._set("advanced_seconds", str(delta.total_seconds()))

    def _setting(self, name: str, default: str) -> str:
        row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def _set(self, name: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )


def _payment(document: str) -> Payment:
    record = json.loads(document)
    record["state"] = State(record["state"])
    record["created_at"] = datetime.fromisoformat(record["created_at"])
    if record["concluded_at"]:
        record["concluded_at"] = datetime.fromisoformat(record["concluded_at"])
    return Payment(**record)
