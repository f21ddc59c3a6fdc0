"""Everything the gateway is told from outside, read once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, Self

from preau_chassis.settings import Address, HttpUrl
from preau_kernel.clock import Clock, OffsetClock, SystemClock
from pydantic import AwareDatetime, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRET_LENGTH = 32


class GatewaySettings(BaseSettings):
    """Environment variables with the prefix ``PREAU_``."""

    model_config = SettingsConfigDict(env_prefix="PREAU_", frozen=True, extra="forbid", env_ignore_empty=True)

    env: Literal["development", "test", "production"] = "development"
    now: AwareDatetime | None = None
    now_anchor: AwareDatetime | None = None
    listen: Address = "127.0.0.1:8080"
    identity_address: Address
    agenda_address: Address
    billing_address: Address
    payment_address: Address
    service_secret: SecretStr
    cookie_secret: SecretStr
    """Signs form tokens and short cookies; changing it signs nobody out but empties notices and open forms."""
    public_scheme: Literal["http", "https"] = "http"
    """What browsers see: ``https`` makes cookies Secure and sends HSTS."""
    trust_forwarded: bool = False
    """Whether a proxy in front sets X-Forwarded-For and X-Forwarded-Proto, and strips those that browsers send."""
    otlp_endpoint: HttpUrl = ""
    trace_ratio: float = Field(default=0.05, ge=0.0, le=1.0)
    trace_slow_seconds: float = Field(default=1.0, gt=0.0, le=60.0)
    metrics_seconds: float = Field(default=10.0, ge=0.0, le=300.0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _be_safe_in_production(self) -> Self:
        if self.env == "production":
            if self.now is not None:
                message = "PREAU_NOW is refused in production"
                raise ValueError(message)
            if len(self.cookie_secret.get_secret_value()) < _SECRET_LENGTH:
                message = f"PREAU_COOKIE_SECRET needs {_SECRET_LENGTH} characters in production"
                raise ValueError(message)
        return self

    @property
    def host_and_port(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host or "127.0.0.1", int(port)

    def clock(self) -> Clock:
        """The platform's clock: the machine's, or the demonstration's."""
        if self.now is None:
            return SystemClock()
        return OffsetClock(self.now, self.now_anchor or datetime.now(UTC))
