"""Look-ups in the log and in the metrics, for whoever runs the platform. ERROR means a person must act."""

from __future__ import annotations

from uuid import UUID

from preau_chassis.logs import get_logger
from preau_kernel.context import Context

from payment_gateway_svc.adapters.measures import count_end
from payment_gateway_svc.domain.attempt import Applied
from payment_gateway_svc.domain.events import PaymentFailed, PaymentMismatched, PaymentSucceeded

_LOG = get_logger(__name__)


class TelemetryRecorder:
    """Ids and outcomes, never a person's data."""

    def recorded(self, context: Context, applied: Applied) -> None:
        for event in applied.events:
            attempt_id = str(event.attempt_id)
            match event:
                case PaymentSucceeded():
                    _LOG.info("payment.succeeded", attempt_id=attempt_id, provider=event.provider)
                    count_end(context.tenant_slug, applied.attempt)
                case PaymentFailed():
                    _LOG.info("payment.failed", attempt_id=attempt_id, outcome=event.outcome)
                    count_end(context.tenant_slug, applied.attempt)
                case PaymentMismatched():
                    _LOG.error("payment.mismatched", attempt_id=attempt_id, reason=",".join(event.fields))

    def failed(self, attempt_id: UUID, reason: str) -> None:
        _LOG.warning("payment.look_up_failed", attempt_id=str(attempt_id), reason=reason)

    def test_mode_in_production(self, provider: str) -> None:
        _LOG.warning("provider.test_mode_in_production", provider=provider)
