from __future__ import annotations

from datetime import UTC, datetime

import pytest
from gateway.problems import STATUS_OF, problem_of
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from preau_kernel.errors import DomainError, ErrorKind, InvalidError

NOW = datetime(2025, 8, 20, 13, tzinfo=UTC)


def test_every_kind_has_one_status() -> None:
    assert set(STATUS_OF) == set(ErrorKind)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.INVALID, 422),
        (ErrorKind.UNAUTHENTICATED, 401),
        (ErrorKind.FORBIDDEN, 403),
        (ErrorKind.NOT_FOUND, 404),
        (ErrorKind.EXISTS, 409),
        (ErrorKind.PRECONDITION, 409),
        (ErrorKind.CONFLICT, 409),
        (ErrorKind.QUOTA, 429),
        (ErrorKind.UNAVAILABLE, 503),
        (ErrorKind.TIMEOUT, 504),
        (ErrorKind.BUG, 500),
    ],
)
def test_a_kind_becomes_its_status_and_keeps_its_reason(kind: ErrorKind, status: int) -> None:
    problem = problem_of(DomainError(kind, "SOME_REASON"), NOW)
    assert problem.status == status
    assert problem.reason == ("INTERNAL" if kind is ErrorKind.BUG else "SOME_REASON")


def test_an_invalid_field_is_named() -> None:
    assert problem_of(InvalidError("PERIOD_REVERSED", "to"), NOW).errors == (("to", "PERIOD_REVERSED"),)


def test_litestars_400_for_a_wrong_value_becomes_422() -> None:
    error = ValidationException(
        extra=[{"key": "weekdays.0", "message": "Expected `int`"}, {"key": "data", "message": "x"}]
    )
    problem = problem_of(error, NOW)
    assert (problem.status, problem.reason) == (422, "INVALID_PAYLOAD")
    assert problem.errors == (("weekdays.0", "Expected `int`"), ("", "x"))


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (NotFoundException(), 404, "NOT_FOUND"),
        (HTTPException(status_code=415), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (HTTPException(status_code=413), 413, "PAYLOAD_TOO_LARGE"),
        (HTTPException(status_code=400), 400, "MALFORMED_REQUEST"),
        (HTTPException(status_code=418), 500, "INTERNAL"),
        (RecursionError(), 400, "MALFORMED_REQUEST"),
        (KeyError("secret"), 500, "INTERNAL"),
    ],
)
def test_what_is_no_domain_error_has_a_reason_too(error: Exception, status: int, reason: str) -> None:
    problem = problem_of(error, NOW)
    assert (problem.status, problem.reason) == (status, reason)


def test_throttling_says_how_many_seconds_to_wait() -> None:
    error = DomainError(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", retry_at="2025-08-20T13:05:00+00:00")
    assert problem_of(error, NOW).headers["Retry-After"] == "301"
    past = DomainError(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", retry_at="2025-08-20T12:00:00+00:00")
    assert problem_of(past, NOW).headers["Retry-After"] == "1"
    unknown = DomainError(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", retry_at="soon")
    assert problem_of(unknown, NOW).headers["Retry-After"] == "60"
