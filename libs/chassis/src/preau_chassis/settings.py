"""What a process is told by its environment, read once; a bad value stops it with one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableError

from preau_chassis.variables import unknown_variables

_DEVELOPMENT_KEY = "development-page-token-key"
_SHORTEST_KEY = 16
_HIGHEST_PORT = 65_535


class SettingsError(Exception):
    """The environment cannot be used as it is; the text names the variable."""


def _host_and_port(text: str) -> str:
    port = text.rpartition(":")[2]
    if text and not (":" in text and port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ValueError("must be host:port")
    return text


def _database_url(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() and not secret.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must be postgresql://user:password@host:port/database")
    return secret


def _broker_url(secret: SecretStr) -> SecretStr:
    for url in secret.get_secret_value().split(","):
        if not url.strip().startswith(("nats://", "tls://", "ws://", "wss://")):
            raise ValueError("must be nats://host:port or tls://host:port, several with commas between them")
    return secret


def _http_url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must be http://host:port or https://host:port")
    return text


Address = Annotated[str, AfterValidator(_host_and_port)]
"""``host:port``, or empty when it is not known."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]


class ServiceSettings(BaseSettings):
    """The settings every service process has; a service adds its own in a subclass. Prefix ``PREAU_``."""

    model_config = SettingsConfigDict(env_prefix="PREAU_", frozen=True, extra="forbid", env_ignore_empty=True)

    needed: ClassVar[tuple[str, ...]] = ()
    """What a service cannot run without, beside its database and the broker."""

    env: Literal["development", "test", "production"] = "development"
    now: AwareDatetime | None = None
    now_anchor: AwareDatetime | None = None
    database_url: DatabaseUrl = SecretStr("")
    work_database_url: DatabaseUrl = SecretStr("")
    owner_database_url: DatabaseUrl = SecretStr("")
    nats_url: BrokerUrl = SecretStr("nats://127.0.0.1:4222")
    nats_user: str = ""
    nats_password: SecretStr = SecretStr("")
    nats_token: SecretStr = SecretStr("")
    nats_credentials_file: Path | None = None
    listen: Address = "127.0.0.1:50051"
    identity_address: Address = ""
    service_secret: SecretStr = SecretStr("")
    otlp_endpoint: HttpUrl = ""
    trace_ratio: float = Field(default=0.05, ge=0.0, le=1.0)
    trace_slow_seconds: float = Field(default=1.0, gt=0.0, le=60.0)
    metrics_seconds: float = Field(default=10.0, ge=0.0, le=300.0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: int = Field(default=8, ge=1, le=64)
    page_token_key: SecretStr = SecretStr(_DEVELOPMENT_KEY)
    stream_replicas: int = Field(default=1, ge=1, le=5)

    @model_validator(mode="after")
    def _one_way_to_the_broker(self) -> Self:
        if bool(self.nats_user) != bool(self.nats_password.get_secret_value()):
            raise ValueError("PREAU_NATS_USER and PREAU_NATS_PASSWORD are set together or not at all")
        file = self.nats_credentials_file
        ways = (self.nats_user, self.nats_token.get_secret_value(), file)
        if sum(map(bool, ways)) > 1:
            raise ValueError("PREAU_NATS_USER, PREAU_NATS_TOKEN and PREAU_NATS_CREDENTIALS_FILE exclude each other")
        if file is not None and not file.is_file():
            raise ValueError("PREAU_NATS_CREDENTIALS_FILE names no file")
        return self

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.env == "production":
            if self.now is not None:
                raise ValueError("PREAU_NOW is refused when PREAU_ENV is production")
            key = self.page_token_key.get_secret_value()
            if key == _DEVELOPMENT_KEY or len(key) < _SHORTEST_KEY:
                wanted = f"must be set to {_SHORTEST_KEY} characters or more"
                raise ValueError(f"PREAU_PAGE_TOKEN_KEY {wanted} when PREAU_ENV is production")
        return self

    def required(self, name: str) -> str:
        """The text of a setting this process cannot do without, or ``SettingsError``."""
        value = getattr(self, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        if not text:
            raise SettingsError(f"PREAU_{name.upper()} is not set")
        return text

    def require_for(self, verb: str) -> None:
        """``SettingsError``, in one line, unless everything is set without which ``verb`` would stop later."""
        names = {
            "migrate": ("owner_database_url", "nats_url"),
            "replay": ("nats_url",),
            "serve": ("database_url", "nats_url", *self.needed),
        }.get(verb, ("database_url", "work_database_url", "nats_url", *self.needed))
        problems = []
        for name in names:
            try:
                self.required(name)
            except SettingsError as error:
                problems.append(str(error))
        if problems:
            raise SettingsError("; ".join(problems))


Settings = TypeVar("Settings", bound=BaseSettings)


def load_settings(kind: type[Settings]) -> Settings:
    """Read the environment into ``kind``. ``SettingsError`` in one line that names each bad, missing or unknown variable;
    values are never shown.
    """
    prefix = str(kind.model_config.get("env_prefix", ""))
    problems = unknown_variables(os.environ, prefix, kind.model_fields)
    try:
        settings = kind()
    except UnreadableError as error:
        names = [name for name in kind.model_fields if f'"{name}"' in str(error)]
        problems += [f"{prefix}{name.upper()}: must be JSON" for name in names] or ["the environment cannot be read"]
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            said = problem["msg"].removeprefix("Value error, ")
            # Only the variable: what is inside a value, its keys too, is not to be seen.
            problems.append(f"{prefix}{str(problem['loc'][0]).upper()}: {said}" if problem["loc"] else said)
    else:
        if not problems:
            return settings
    raise SettingsError("; ".join(dict.fromkeys(problems)).replace("\n", " ")) from None


def load_settings_or_exit(kind: type[Settings]) -> Settings:
    """As ``load_settings``; a bad environment ends the process with status 2 and one line on stderr."""
    try:
        return load_settings(kind)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
