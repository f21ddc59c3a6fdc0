"""Events at rest: bytes written by yesterday's code must still be read, and say the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from billing_svc.adapters.publisher import to_message
from billing_svc.bootstrap import DEFINITION
from billing_svc.domain.events import (
    BillingEvent,
    FamilyAccountCredited,
    InvoiceCancelled,
    InvoiceIssued,
    InvoiceSettled,
)
from google.protobuf.message import Message
from preau.billing.v1 import billing_events_pb2 as pb
from preau_chassis.messaging import subject_of
from preau_kernel.ids import TenantSlug

AT = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)

GOLDEN: list[tuple[BillingEvent, str, str]] = [
    (
        InvoiceIssued("invoice-1", "CP-2025-000001", "household-1", 5400, AT),
        "evt.casepilote.billing.invoice.issued.v1",
        "0a09696e766f6963652d31120e43502d323032352d3030303030311a0b686f757365686f6c642d31220808982a12034555522a0608d08d97c506",
    ),
    (
        InvoiceSettled("invoice-1", "household-1", (7, 8, 300), AT, is_late=True),
        "evt.casepilote.billing.invoice.settled.v1",
        "0a09696e766f6963652d31120b686f757365686f6c642d311a040708ac02220608d08d97c5062801",
    ),
    (
        InvoiceSettled("invoice-1", "household-1", (7, 8, 300), AT, paid_known_at=AT),
        "evt.casepilote.billing.invoice.settled.v1",
        "0a09696e766f6963652d31120b686f757365686f6c642d311a040708ac02220608d08d97c506320608d08d97c506",
    ),
    (
        InvoiceCancelled("invoice-1", "note-1", "household-1", is_reopened=True),
        "evt.casepilote.billing.invoice.cancelled.v1",
        "0a09696e766f6963652d3112066e6f74652d311a0b686f757365686f6c642d312001",
    ),
    (
        FamilyAccountCredited("household-1", 240, "LATE_PAYMENT"),
        "evt.casepilote.billing.family_account.credited.v1",
        "0a0b686f757365686f6c642d31120808f00112034555521a0c4c4154455f5041594d454e54",
    ),
]


@pytest.mark.parametrize(("event", "subject", "golden"), GOLDEN, ids=lambda value: type(value).__name__)
def test_golden_bytes_still_say_the_same(event: BillingEvent, subject: str, golden: str) -> None:
    message = to_message(event)
    read: Message = type(message).FromString(bytes.fromhex(golden))
    assert read == message
    assert subject_of(TenantSlug("casepilote"), message) == subject


def test_every_published_type_is_declared_and_golden() -> None:
    declared = {kind.DESCRIPTOR.full_name for kind in DEFINITION.events}
    assert declared == {to_message(event).DESCRIPTOR.full_name for event, _, _ in GOLDEN}
    assert declared == {message.full_name for message in pb.DESCRIPTOR.message_types_by_name.values()}
