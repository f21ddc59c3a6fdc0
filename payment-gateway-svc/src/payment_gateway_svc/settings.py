"""This service's settings."""

from __future__ import annotations

import binascii
import re
from typing import ClassVar, Self

from preau_chassis.settings import ServiceSettings
from pydantic import Field, SecretStr, model_validator

from payment_gateway_svc.adapters.secret_box import SecretBox


class PaymentSettings(ServiceSettings):
    """``encryption_old_keys``: former keys, comma-separated, kept until every town's settings were sealed again.
    ``provider_hosts``: where a provider may be, beside its own addresses, comma-separated; outside production it may be anywhere.
    """

    needed: ClassVar[tuple[str, ...]] = ("identity_address", "encryption_key")

    encryption_key: SecretStr = SecretStr("")
    encryption_old_keys: SecretStr = SecretStr("")
    provider_hosts: str = ""
    provider_timeout_seconds: float = Field(default=10.0, gt=0, le=15.0)
    notification_patience_seconds: float = Field(default=4.0, gt=0, le=15.0)
    poll_concurrency: int = Field(default=4, ge=1, le=20)

    @model_validator(mode="after")
    def _keys_are_keys(self) -> Self:
        if self.encryption_key.get_secret_value():
            self.secret_box()
        return self

    @model_validator(mode="after")
    def _hosts_are_hosts(self) -> Self:
        if not all(re.fullmatch(r"[a-z0-9.-]+", host) for host in self._provider_hosts):
            raise ValueError("PREAU_PROVIDER_HOSTS must be host names, without scheme or port, commas between them")
        return self

    @property
    def allowed_provider_hosts(self) -> frozenset[str] | None:
        """The hosts a town's account may name beside its provider's own; nothing where any host may be named."""
        return self._provider_hosts if self.env == "production" else None

    @property
    def _provider_hosts(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.provider_hosts.split(",") if host.strip())

    def secret_box(self) -> SecretBox:
        """The keys of the provider settings; ``ValueError`` when one is not base64 of 32 bytes."""
        old = [text.strip() for text in self.encryption_old_keys.get_secret_value().split(",") if text.strip()]
        try:
            return SecretBox.from_base64(self.encryption_key.get_secret_value(), *old)
        except (binascii.Error, ValueError):
            raise ValueError("PREAU_ENCRYPTION_KEY and PREAU_ENCRYPTION_OLD_KEYS must be base64 of 32 bytes") from None
