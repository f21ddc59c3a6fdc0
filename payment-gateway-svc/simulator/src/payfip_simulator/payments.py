"""What the simulator knows of one operation, and the rules of the real service's clock."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum

OPENING_LIMIT = timedelta(minutes=15)
RESULT_KEPT = timedelta(days=365)


class State(Enum):
    """Where an operation is; the last five are the letters of ``resultrans``."""

    CREATED = "created"
    OPENED = "opened"
    PAID_BY_CARD = "P"
    PAID_BY_DEBIT = "V"
    CARD_REFUSED = "R"
    DEBIT_REFUSED = "Z"
    ABANDONED = "A"

    @property
    def is_final(self) -> bool:
        return self not in {State.CREATED, State.OPENED}


@dataclass(slots=True)
class Payment:
    """One idOp, with the fields it was created with."""

    id_op: str
    exer: str
    mel: str
    montant: str
    numcli: str
    objet: str
    refdet: str
    saisie: str
    urlnotif: str
    urlredirect: str
    created_at: datetime
    state: State = State.CREATED
    concluded_at: datetime | None = None
    numauto: str = ""

    def is_purged(self, now: datetime, last_night: datetime) -> bool:
        """Never reached the page before the night, or a result older than a year."""
        if self.state is State.CREATED:
            return self.created_at < last_night
        return self.concluded_at is not None and self.concluded_at < now - RESULT_KEPT

    def refusal_to_open(self, now: datetime) -> str:
        """P3 when used, P4 when too old, empty when the page may be shown."""
        if self.state.is_final:
            return "P3"
        if now - self.created_at > OPENING_LIMIT:
            return "P4"
        return ""

    def conclude(self, state: State, now: datetime) -> None:
        """The end of the operation, with an authorisation number shaped like the real ones."""
        digits = f"{int(self.id_op.replace('-', ''), 16) % 10**12:012d}"
        self.state, self.concluded_at = state, now
        if state is State.PAID_BY_CARD:
            self.numauto = digits[:6]
        elif state is State.PAID_BY_DEBIT:
            self.numauto = f"{digits}-tip"

    def as_json(self) -> dict[str, str | None]:
        record = asdict(self)
        record["state"] = self.state.value
        record["created_at"] = self.created_at.isoformat()
        record["concluded_at"] = self.concluded_at.isoformat() if self.concluded_at else None
        return record
