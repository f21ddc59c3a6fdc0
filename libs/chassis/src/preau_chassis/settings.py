"""What a process is told by its environment, read once; a bad value stops it with one line."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Literal, Self, TypeVar

from pydantic import AwareDatetime, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_DEVELOPMENT_KEY = "development-page-token-key"


class SettingsError(Exception):
    """The environment cannot be used as it is; the text names the variable."""


class ServiceSettings(BaseSettings):
    """The settings every service process has; a service adds its own in a subclass. Prefix ``PREAU_``."""

    model_config = SettingsConfigDict(env_prefix="PREAU_", frozen=True, extra="forbid", env_ignore_empty=True)

    env: Literal["development", "test", "production"] = "development"
    now: AwareDatetime | None = None
    now_anchor: AwareDatetime | None = None
    database_url: SecretStr = SecretStr("")
    work_database_url: SecretStr = SecretStr("")
    owner_database_url: SecretStr = SecretStr("")
    nats_url: str = "nats://127.0.0.1:4222"
    listen: str = "127.0.0.1:50051"
    identity_address: str = ""
    service_secret: SecretStr = SecretStr("")
    otlp_endpoint: str = ""
    trace_ratio: float = Field(default=0.05, ge=0.0, le=1.0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: int = Field(default=8, ge=1, le=64)
    page_token_key: SecretStr = SecretStr(_DEVELOPMENT_KEY)
    stream_replicas: int = Field(default=1, ge=1, le=5)

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.env == "production":
            if self.now is not None:
                raise ValueError("PREAU_NOW is refused when PREAU_ENV is production")
            if self.page_token_key.get_secret_value() == _DEVELOPMENT_KEY:
                raise ValueError("PREAU_PAGE_TOKEN_KEY must be set when PREAU_ENV is production")
        return self

    def required(self, name: str) -> str:
        """The text of a setting this process cannot do without, or ``SettingsError``."""
        value = getattr(self, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if not text:
            raise SettingsError(f"PREAU_{name.upper()} is not set")
        return text

    def demo_start(self) -> tuple[datetime, datetime | None] | None:
        """The instant the demonstration's clock starts at and the machine's instant it was set at, if any."""
        return None if self.now is None else (self.now, self.now_anchor)


Settings = TypeVar("Settings", bound=BaseSettings)


def load_settings(kind: type[Settings]) -> Settings:
    """Read the environment into ``kind``. ``SettingsError`` with one line per bad variable; values are never shown."""
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{prefix}{name}: {said}" if name else said)
        raise SettingsError("; ".join(lines)) from None


def load_settings_or_exit(kind: type[Settings]) -> Settings:
    """As ``load_settings``; a bad environment ends the process with status 2 and one line on stderr."""
    try:
        return load_settings(kind)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
