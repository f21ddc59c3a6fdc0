"""What the process is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The platform's variables, under the platform's names."""

    host: str
    port: int
    data: Path
    now: datetime | None
    now_anchor: datetime | None
    log_level: str = "INFO"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """``ValueError`` when the address or an instant cannot be read, or in production."""
        if environment.get("PREAU_ENV") == "production":
            message = "the simulator takes no production payment"
            raise ValueError(message)
        host, _, port = environment.get("PREAU_LISTEN", "127.0.0.1:8090").rpartition(":")
        return cls(
            host=host,
            port=int(port),
            data=_file(Path(environment.get("PREAU_SIMULATOR_DATA", "payfip.sqlite3"))),
            now=_instant(environment.get("PREAU_NOW", "")),
            now_anchor=_instant(environment.get("PREAU_NOW_ANCHOR", "")),
            log_level=environment.get("PREAU_LOG_LEVEL", "info").upper(),
        )


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        message = f"{text!r} has no time zone"
        raise ValueError(message)
    return instant


def _file(path: Path) -> Path:
    return path / "payfip.sqlite3" if path.is_dir() else path
