"""What the billing service is told by its environment."""

from __future__ import annotations

from typing import ClassVar

from preau_chassis.settings import Address, ServiceSettings
from pydantic import Field


class BillingSettings(ServiceSettings):
    """As every service, and where payments are asked for (``PREAU_PAYMENT_ADDRESS``)."""

    needed: ClassVar[tuple[str, ...]] = ("identity_address", "payment_address")

    payment_address: Address = ""
    pdf_threads: int = Field(default=2, ge=1, le=32)
