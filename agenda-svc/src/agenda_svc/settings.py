"""What this service is told, beside what every service is told."""

from __future__ import annotations

from typing import ClassVar

from preau_chassis.settings import ServiceSettings
from pydantic import Field


class AgendaSettings(ServiceSettings):
    """``PREAU_EXPIRY_SECONDS``: how often ended holds are looked for."""

    needed: ClassVar[tuple[str, ...]] = ("identity_address",)

    expiry_seconds: int = Field(default=3, ge=1, le=60)
