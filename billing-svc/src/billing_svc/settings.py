"""What the billing service is told by its environment."""

from __future__ import annotations

from preau_chassis.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """As every service, and where payments are asked for (``PREAU_PAYMENT_ADDRESS``)."""

    payment_address: str = ""
    pdf_threads: int = 2
