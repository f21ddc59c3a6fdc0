"""Integration events lie in streams for weeks: their bytes stay readable, and they name nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet
from preau.agenda.v1 import agenda_events_pb2
from preau.billing.v1 import billing_events_pb2
from preau.identity.v1 import identity_events_pb2
from preau.payment.v1 import payment_events_pb2
from preau_chassis.service import ServiceDefinition

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden_events.json"
FILES = {
    "identity_svc": identity_events_pb2.DESCRIPTOR,
    "agenda_svc": agenda_events_pb2.DESCRIPTOR,
    "billing_svc": billing_events_pb2.DESCRIPTOR,
    "payment_gateway_svc": payment_events_pb2.DESCRIPTOR,
}
# Parts of events, not events.
PARTS = {"preau.agenda.v1.ReservationRows"}
TYPES: dict[str, Descriptor] = {
    message.full_name: message
    for file in FILES.values()
    for message in file.message_types_by_name.values()
    if message.full_name not in PARTS
}

PERSONAL = {
    "name", "first_name", "last_name", "full_name", "username", "password", "email", "mail", "phone", "mobile", "address",
    "street", "city", "postal", "born", "birth", "birthday", "gender", "school", "class", "guardian", "payer", "child_name",
    "siblings", "diet", "allergy", "health", "care", "income", "quotient", "iban", "bic", "card", "ip", "agent", "token",
}  # fmt: skip
# The town's own office and the activity's name: printed on every door, nobody's private matter.
PUBLIC = {
    "preau.identity.v1.TenantChanged.name",
    "preau.identity.v1.TenantChanged.office_name",
    "preau.identity.v1.TenantChanged.office_address",
    "preau.identity.v1.TenantChanged.office_phone",
    "preau.identity.v1.TenantChanged.office_email",
    "preau.agenda.v1.ActivityChanged.name",
}


def golden() -> dict[str, str]:
    """Bytes by type, every field filled, as they were first written. Lines are added, never changed."""
    lines: dict[str, str] = json.loads(GOLDEN.read_text())
    return lines


def test_every_event_has_its_golden_bytes() -> None:
    assert golden().keys() == TYPES.keys()


@pytest.mark.parametrize("name", TYPES)
def test_yesterdays_bytes_are_read_whole(name: str) -> None:
    wire = bytes.fromhex(golden()[name])
    message = GetMessageClass(TYPES[name]).FromString(wire)
    assert message.SerializeToString(deterministic=True) == wire
    assert list(_unknown(message)) == []
    unset = [field.name for field in TYPES[name].fields if field not in {known for known, _ in message.ListFields()}]
    assert not unset, "a new field needs new golden bytes; the old ones must still be read"


@pytest.mark.parametrize("package", FILES)
def test_a_service_declares_every_event_of_its_contract(package: str) -> None:
    definition: ServiceDefinition = import_module(f"{package}.bootstrap").DEFINITION
    declared = {event.DESCRIPTOR.full_name for event in definition.events}
    assert declared == {name for name, message in TYPES.items() if message.file is FILES[package]}


def test_no_event_carries_personal_data() -> None:
    fields = {field.full_name for message in TYPES.values() for field in _fields(message)}
    suspects = {name for name in fields if PERSONAL & set(name.rpartition(".")[2].split("_"))}
    assert suspects == PUBLIC


def _fields(message: Descriptor) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.file.package.startswith("preau."):
            yield from _fields(field.message_type)


def _unknown(message: Message) -> Iterator[int]:
    unknown: Any = UnknownFieldSet(message)
    yield from (field.field_number for field in unknown)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if hasattr(value, "add") else [value]:
                yield from _unknown(part)
