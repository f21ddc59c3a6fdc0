"""What is counted where a call is answered (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from preau_chassis.metrics import counter
from preau_kernel.errors import DomainError

from identity_svc.domain.errors import SignInBusyError, SignInFailedError, TooManyAttemptsError

_SIGN_INS = counter("preau.sign_ins", "{attempt}", "Sign-ins: done, refused, throttled or busy.")
_OUTCOMES: dict[type[DomainError], str] = {
    SignInFailedError: "refused",
    TooManyAttemptsError: "throttled",
    SignInBusyError: "busy",
}


def count_sign_in(town: str) -> None:
    """Count a session that was opened."""
    _SIGN_INS.add(1, {"preau.tenant": town, "preau.outcome": "done"})


def count_refused_sign_in(town: str, error: DomainError) -> None:
    """Count an attempt that was sent away; what fails for another reason is no outcome of a sign-in."""
    outcome = _OUTCOMES.get(type(error))
    if outcome is not None:
        _SIGN_INS.add(1, {"preau.tenant": town, "preau.outcome": outcome})
