"""One attempt to collect one amount, and what each answer of the provider does to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from preau_kernel.money import Money

from payment_gateway_svc.domain.events import PaymentEvent, PaymentFailed, PaymentMismatched, PaymentSucceeded
from payment_gateway_svc.domain.states import Edge, Emits, PaymentState, Trigger, edge

UNASKED_LIMIT = timedelta(minutes=30)
"""After this an attempt the provider was never asked for is over."""

WAITING_LIMIT = timedelta(minutes=120)
"""Until then "not known yet" may still become a payment."""

POLLING_LIMIT = timedelta(days=7)
"""After this nobody asks any more on their own account."""

CANCELLED_POLLING_LIMIT = WAITING_LIMIT
"""A payer who went back may still have paid in another tab of the bank's page."""


_OVER = frozenset({PaymentState.PAID, PaymentState.REVERSED})
"""No answer changes these any more."""


class Outcome(Enum):
    """What the provider says of an attempt, in our words."""

    PAID = "paid"
    DENIED = "denied"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    # A result our table does not know: never an end.
    UNKNOWN = "unknown"
    # The operation can no longer be paid.
    STALE = "stale"
    # The provider has forgotten it.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class LookUp:
    """A provider's answer. ``facts`` are the fields that must equal the attempt's, in the provider's words."""

    outcome: Outcome
    facts: Mapping[str, str] = field(default_factory=dict)
    amount: Money | None = None
    settled_at: datetime | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Redirection:
    """Where the provider wants the browser, and what its look-up must say."""

    provider_ref: str
    url: str
    expires_at: datetime
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PaymentAttempt:
    """An attempt as recorded."""

    id: UUID
    invoice_id: str
    household_id: str
    amount: Money
    debt_reference: str
    provider: str
    created_at: datetime
    state: PaymentState = PaymentState.CREATED
    provider_ref: str = ""
    payment_url: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    settled_at: datetime | None = None
    checked_at: datetime | None = None
    is_test: bool = False
    is_unreachable: bool = False
    is_forgotten: bool = False
    mismatched_fields: tuple[str, ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether the provider knows of it."""
        return bool(self.provider_ref)

    @property
    def needs_look_up(self) -> bool:
        """Whether an answer of the provider could change anything. What it has forgotten may yet be notified as paid."""
        return self.is_asked and self.state not in _OVER

    def belongs_to(self, household_id: str) -> bool:
        """Whether this household may see it; an attempt made by a service for nobody in particular is open."""
        return not self.household_id or not household_id or self.household_id == household_id


@dataclass(frozen=True, slots=True)
class Applied:
    """The attempt after something happened, and what is to be told."""

    attempt: PaymentAttempt
    events: tuple[PaymentEvent, ...] = ()


def redirected(attempt: PaymentAttempt, redirection: Redirection) -> PaymentAttempt:
    """The attempt once the provider has accepted it; unchanged when it already has, or is over."""
    step = edge(attempt.state, Trigger.REDIRECT)
    if step is None:
        return attempt
    return replace(
        attempt,
        state=step.to,
        provider_ref=redirection.provider_ref,
        payment_url=redirection.url,
        expires_at=redirection.expires_at,
        facts=dict(redirection.facts),
        is_unreachable=False,
    )


def expired_unasked(attempt: PaymentAttempt, now: datetime) -> Applied:
    """An attempt the provider never heard of does not stay open for ever."""
    if attempt.is_asked or now - attempt.created_at < UNASKED_LIMIT:
        return Applied(attempt)
    return _take(attempt, Trigger.EXPIRE, None, now)


def looked_up(attempt: PaymentAttempt, answer: LookUp, now: datetime) -> Applied:
    """The attempt after an answer of the provider; the same answer twice tells nothing twice."""
    checked = replace(
        attempt,
        checked_at=now,
        is_unreachable=False,
        is_forgotten=answer.outcome is Outcome.GONE,
    )
    differing = _differing(attempt, answer)
    if differing:
        return _mismatched(checked, answer, differing)
    trigger = _trigger(answer.outcome, now - attempt.created_at)
    return _take(checked, trigger, answer, now)


def unreachable(attempt: PaymentAttempt, now: datetime) -> PaymentAttempt:
    """The attempt when the provider did not answer: as it was, and older than it should be unless it is over for good."""
    if attempt.state in _OVER:
        return attempt
    return replace(attempt, checked_at=now, is_unreachable=True)


def _trigger(outcome: Outcome, age: timedelta) -> Trigger:
    match outcome:
        case Outcome.PAID:
            return Trigger.PAY
        case Outcome.DENIED:
            return Trigger.DENY
        case Outcome.CANCELLED:
            return Trigger.CANCEL
        case Outcome.STALE | Outcome.GONE:
            return Trigger.EXPIRE
        case Outcome.WAITING:
            return Trigger.WAIT if age < WAITING_LIMIT else Trigger.EXPIRE
        case Outcome.UNKNOWN:
            return Trigger.PUZZLE


def _differing(attempt: PaymentAttempt, answer: LookUp) -> tuple[str, ...]:
    if answer.outcome in {Outcome.WAITING, Outcome.STALE, Outcome.GONE}:
        return ()
    return tuple(name for name, value in sorted(attempt.facts.items()) if answer.facts.get(name) != value)


def _mismatched(attempt: PaymentAttempt, answer: LookUp, fields: tuple[str, ...]) -> Applied:
    step = edge(attempt.state, Trigger.MISMATCH)
    if step is None:
        return Applied(attempt)
    changed = replace(attempt, state=step.to, mismatched_fields=fields)
    if fields == attempt.mismatched_fields:
        return Applied(changed)
    actual = answer.amount or Money.zero(attempt.amount.currency)
    return Applied(changed, (PaymentMismatched(attempt.id, attempt.invoice_id, fields, attempt.amount, actual),))


def _take(attempt: PaymentAttempt, trigger: Trigger, answer: LookUp | None, now: datetime) -> Applied:
    step = edge(attempt.state, trigger)
    if step is None:
        return Applied(attempt)
    changed = replace(attempt, state=step.to)
    if answer is not None and step.to is PaymentState.PAID:
        changed = replace(changed, settled_at=answer.settled_at or now, is_test=answer.is_test)
    return Applied(changed, _events(changed, step, now))


def _events(attempt: PaymentAttempt, step: Edge, now: datetime) -> tuple[PaymentEvent, ...]:
    if step.emits is Emits.SUCCEEDED:
        settled_at = attempt.settled_at or now
        succeeded = PaymentSucceeded(
            attempt.id,
            attempt.invoice_id,
            attempt.amount,
            settled_at,
            attempt.provider,
            attempt.provider_ref,
            attempt.is_test,
            now,
        )
        return (succeeded,)
    if step.emits is Emits.FAILED:
        return (PaymentFailed(attempt.id, attempt.invoice_id, step.to.name),)
    return ()
