"""Domain events as other services receive them."""

from __future__ import annotations

from google.protobuf.message import Message
from preau.identity.v1 import identity_events_pb2 as events

from identity_svc.domain.events import DomainEvent, TenantChanged


def integration_event(event: DomainEvent) -> Message:
    """Ids and settings only."""
    if isinstance(event, TenantChanged):
        tenant = event.tenant
        return events.TenantChanged(
            number=tenant.number,
            slug=tenant.slug,
            name=tenant.name,
            time_zone=tenant.time_zone,
            hold_minutes=tenant.hold_minutes,
            is_production=tenant.is_production,
            office_name=tenant.contact.office_name,
            office_address=tenant.contact.address,
            office_phone=tenant.contact.phone,
            office_email=tenant.contact.email,
            version=tenant.version,
        )
    return events.HouseholdChanged(
        household_id=str(event.household_id),
        child_ids=[str(child_id) for child_id in event.child_ids],
        is_resident=event.is_resident,
        version=event.version,
    )
