"""What counts as a sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

from identity_svc.domain.errors import SignInBusyError, SignInFailedError, TooManyAttemptsError
from identity_svc.entrypoints.measures import count_refused_sign_in
from preau_chassis.testing import recorded_metrics
from preau_kernel.errors import ForbiddenError, UnavailableError


def test_each_way_of_being_sent_away_is_an_outcome_and_our_own_faults_are_not() -> None:
    errors = [
        SignInFailedError(),
        TooManyAttemptsError(datetime(2025, 9, 1, tzinfo=UTC)),
        SignInBusyError(3),
        UnavailableError("DATABASE_UNAVAILABLE"),
        ForbiddenError(),
    ]
    with recorded_metrics() as recorded:
        for error in errors:
            count_refused_sign_in("casepilote", error)
        outcomes = {each["preau.outcome"] for each in recorded.attributes("preau.sign_ins")}
        assert outcomes == {"refused", "throttled", "busy"}
