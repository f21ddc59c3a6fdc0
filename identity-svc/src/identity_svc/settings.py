"""What this service is told, beside what every service is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from preau_chassis.settings import ServiceSettings
from pydantic import Field, SecretStr, model_validator

WEAKEST_IN_PRODUCTION_KIB = 19_456
"""OWASP's least memory for argon2id."""


class IdentitySettings(ServiceSettings):
    """``PREAU_SERVICE_SECRETS`` is JSON, one secret per calling service; letters need an SMTP server or a folder."""

    service_secrets: dict[str, SecretStr] = Field(default_factory=dict)
    smtp_url: SecretStr = SecretStr("")
    mail_dir: Path | None = None
    mail_from: str = Field(default="ne-pas-repondre@preau.localhost", pattern=r"^[^@\s]+@[^@\s]+$")
    signing_key_dir: Path | None = None
    session_idle_minutes: int = Field(default=120, ge=5, le=24 * 60)
    session_longest_minutes: int = Field(default=12 * 60, ge=5, le=7 * 24 * 60)
    password_memory_kib: int = Field(default=65_536, ge=64)
    password_hashes_at_once: int = Field(default=2, ge=1, le=32)

    @model_validator(mode="after")
    def _passwords_are_slow_in_production(self) -> Self:
        if self.env == "production" and self.password_memory_kib < WEAKEST_IN_PRODUCTION_KIB:
            raise ValueError("PREAU_PASSWORD_MEMORY_KIB is too low for PREAU_ENV production")
        return self

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_longest(self) -> timedelta:
        return timedelta(minutes=self.session_longest_minutes)
