"""Events written before a field was added lie in streams and dead letters: they are read, and the field is absent."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau.payment.v1.payment_events_pb2 import PaymentSucceeded

OLDER: list[tuple[type[Message], str, str]] = [
    (
        InvoiceSettled,
        "paid_known_at",
        "0a0c696e766f6963655f69642d31120e686f757365686f6c645f69642d321a012b22040829102a2801",
    ),
    (
        PaymentSucceeded,
        "known_at",
        (
            "0a0c617474656d70745f69642d31120c696e766f6963655f69642d321a130829120f63757272656e63795f636f64652d3222040829102a"
            "2a0a70726f76696465722d35320e70726f76696465725f7265662d363801"
        ),
    ),
]


@pytest.mark.parametrize(("kind", "field", "wire"), OLDER, ids=lambda value: getattr(value, "__name__", None))
def test_an_event_from_before_the_field_is_read_without_it(kind: type[Message], field: str, wire: str) -> None:
    message = kind.FromString(bytes.fromhex(wire))

    assert message.SerializeToString(deterministic=True).hex() == wire
    assert [
        known.name for known in kind.DESCRIPTOR.fields if known not in {each for each, _ in message.ListFields()}
    ] == [field]
