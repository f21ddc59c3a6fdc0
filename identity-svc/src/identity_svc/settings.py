"""What this service is told, beside what every service is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from preau_chassis.settings import ServiceSettings, SettingsError
from pydantic import AfterValidator, Field, SecretStr, model_validator

WEAKEST_MEMORY_KIB = 7_168
WEAKEST_WORK_KIB = 7_168 * 5
"""argon2id in production: the least memory, and the least memory times iterations, of those OWASP's Password Storage
Cheat Sheet gives as equivalent (46 MiB once, 19 twice, 12 three times, 9 four times, 7 five times)."""


def _mail_server(secret: SecretStr) -> SecretStr:
    problem = "must be smtp://user:password@host:587 or smtps://user:password@host:465"
    try:
        parts = urlsplit(secret.get_secret_value())
        is_server = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(problem) from None
    if secret.get_secret_value() and not is_server:
        raise ValueError(problem)
    return secret


class IdentitySettings(ServiceSettings):
    """``PREAU_SERVICE_SECRETS`` is JSON, one secret per calling service; letters need an SMTP server or a folder."""

    needed: ClassVar[tuple[str, ...]] = ("signing_key_dir",)

    service_secrets: dict[str, SecretStr] = Field(default_factory=dict)
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] = SecretStr("")
    mail_dir: Path | None = None
    mail_from: str = Field(default="ne-pas-repondre@preau.localhost", pattern=r"^[^@\s]+@[^@\s]+$")
    signing_key_dir: Path | None = None
    session_idle_minutes: int = Field(default=120, ge=5, le=24 * 60)
    session_longest_minutes: int = Field(default=12 * 60, ge=5, le=7 * 24 * 60)
    password_memory_kib: int = Field(default=19_456, ge=64)
    password_iterations: int = Field(default=2, ge=1, le=100)
    password_lanes: int = Field(default=1, ge=1, le=16)
    password_hashes_at_once: int = Field(default=2, ge=1, le=32)

    @model_validator(mode="after")
    def _passwords_are_slow_in_production(self) -> Self:
        if self.password_memory_kib < 8 * self.password_lanes:
            raise ValueError("PREAU_PASSWORD_MEMORY_KIB is under 8 KiB for each of PREAU_PASSWORD_LANES")
        if self.env == "production":
            if self.password_memory_kib < WEAKEST_MEMORY_KIB:
                raise ValueError("PREAU_PASSWORD_MEMORY_KIB is too low for PREAU_ENV production")
            if self.password_memory_kib * self.password_iterations < WEAKEST_WORK_KIB:
                raise ValueError("PREAU_PASSWORD_ITERATIONS is too low for PREAU_PASSWORD_MEMORY_KIB in production")
        return self

    def require_for(self, verb: str) -> None:
        super().require_for(verb)
        if verb not in {"migrate", "replay"} and self.mail_dir is None and not self.smtp_url.get_secret_value():
            raise SettingsError("PREAU_SMTP_URL or PREAU_MAIL_DIR is not set")

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_longest(self) -> timedelta:
        return timedelta(minutes=self.session_longest_minutes)
