"""Every state × every trigger: only the drawn edges exist."""

from __future__ import annotations

from itertools import product

import pytest
from billing_svc.domain.states import (
    ATTEMPT_TRANSITIONS,
    INVOICE_TRANSITIONS,
    LINE_TRANSITIONS,
    AttemptState,
    AttemptTrigger,
    InvoiceState,
    InvoiceTrigger,
    LineState,
    LineTrigger,
    move,
)
from preau_kernel.errors import PreconditionError

LINES = {
    "PENDING": {"invoice": "INVOICED", "cancel": "CANCELLED", "lapse": "LAPSED"},
    "INVOICED": {"settle": "SETTLED", "return": "PENDING", "cancel": "CANCELLED", "lapse": "LAPSED"},
    "SETTLED": {"cancel": "CANCELLED"},
    "CANCELLED": {},
    "LAPSED": {},
}
INVOICES: dict[str, dict[str, str]] = {
    "ISSUED": {"settle": "PAID", "credit": "CANCELLED"},
    "PAID": {},
    "CANCELLED": {},
}
ATTEMPTS: dict[str, dict[str, str]] = {
    "STARTING": {"start": "STARTED", "fail": "FAILED", "pay": "PAID"},
    "STARTED": {"fail": "FAILED", "pay": "PAID"},
    "FAILED": {"pay": "PAID"},
    "PAID": {},
}


@pytest.mark.parametrize(("state", "trigger"), list(product(LineState, LineTrigger)))
def test_a_line_moves_only_along_its_edges(state: LineState, trigger: LineTrigger) -> None:
    target = LINES[state.name].get(trigger.value)
    if target is None:
        with pytest.raises(PreconditionError, match="TRANSITION_REFUSED"):
            move(LINE_TRANSITIONS, state, trigger)
    else:
        assert move(LINE_TRANSITIONS, state, trigger) is LineState[target]


@pytest.mark.parametrize(("state", "trigger"), list(product(InvoiceState, InvoiceTrigger)))
def test_an_invoice_moves_only_along_its_edges(state: InvoiceState, trigger: InvoiceTrigger) -> None:
    target = INVOICES[state.name].get(trigger.value)
    if target is None:
        with pytest.raises(PreconditionError, match="TRANSITION_REFUSED"):
            move(INVOICE_TRANSITIONS, state, trigger)
    else:
        assert move(INVOICE_TRANSITIONS, state, trigger) is InvoiceState[target]


@pytest.mark.parametrize(("state", "trigger"), list(product(AttemptState, AttemptTrigger)))
def test_an_attempt_moves_only_along_its_edges(state: AttemptState, trigger: AttemptTrigger) -> None:
    target = ATTEMPTS[state.name].get(trigger.value)
    if target is None:
        with pytest.raises(PreconditionError, match="TRANSITION_REFUSED"):
            move(ATTEMPT_TRANSITIONS, state, trigger)
    else:
        assert move(ATTEMPT_TRANSITIONS, state, trigger) is AttemptState[target]


def test_the_stored_numbers_never_change() -> None:
    assert {one.name: int(one) for one in LineState} == {
        "PENDING": 1,
        "INVOICED": 2,
        "SETTLED": 3,
        "CANCELLED": 4,
        "LAPSED": 5,
    }
    assert {one.name: int(one) for one in InvoiceState} == {"ISSUED": 1, "PAID": 2, "CANCELLED": 3}
    assert {one.name: int(one) for one in AttemptState} == {"STARTING": 1, "STARTED": 2, "FAILED": 3, "PAID": 4}
