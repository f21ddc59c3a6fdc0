"""Every error, once: a problem document (RFC 9457) for programs, a page with a plain sentence for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from preau_chassis.logs import get_logger
from preau_kernel.errors import DomainError, ErrorKind

from gateway.auth import Visitor, forget_visitor, recall_visitor
from gateway.language import DEFAULT_LANGUAGE, language_of
from gateway.lexicon import lexicon, unglued
from gateway.problem import Problem
from gateway.rendering import error_page, plain_error, redirect
from gateway.request_sentences import TO_PROGRAMS
from gateway.resume import form_page
from gateway.words import SENTENCES, say_reason, sentence_for, title_for

if TYPE_CHECKING:
    from gateway.town import Town

PROBLEM_TYPE: Final = "application/problem+json"
_NOT_SO: Final = 405

STATUS_OF: Final = {
    ErrorKind.INVALID: 422,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.EXISTS: 409,
    ErrorKind.PRECONDITION: 409,
    ErrorKind.CONFLICT: 409,
    ErrorKind.QUOTA: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.BUG: 500,
}
_HTTP_REASONS: Final = {
    400: ("MALFORMED_REQUEST", "invalid"),
    401: ("SIGN_IN_REQUIRED", "unauthenticated"),
    403: ("FORBIDDEN", "forbidden"),
    404: ("NOT_FOUND", "not_found"),
    405: ("METHOD_NOT_ALLOWED", "invalid"),
    413: ("PAYLOAD_TOO_LARGE", "invalid"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "invalid"),
    429: ("TOO_MANY_REQUESTS", "quota"),
    503: ("UNAVAILABLE", "unavailable"),
}
_ABSENT_BY_FIELD: Final = {
    "child_id": "CHILD_NOT_FOUND",
    "activity_id": "ACTIVITY_NOT_FOUND",
    "entry_id": "ENTRY_NOT_FOUND",
    "invoice_id": "INVOICE_NOT_FOUND",
}
_ABSENT_BY_PATH: Final = (
    ("/bulk-entries/", "ENTRY_NOT_FOUND"),
    ("/reservations", "RESERVATION_NOT_FOUND"),
    ("/invoices/", "INVOICE_NOT_FOUND"),
    ("/factures/", "INVOICE_NOT_FOUND"),
    ("/payments/", "PAYMENT_NOT_FOUND"),
    ("/paiement/", "PAYMENT_NOT_FOUND"),
)
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_NOT_FACTS: Final = frozenset({"field", "child_name"})
_HEADERS: Final = {"idempotency_key": "Idempotency-Key"}
_RETRY_SECONDS: Final = {ErrorKind.CONFLICT: 1, ErrorKind.UNAVAILABLE: 3, ErrorKind.TIMEOUT: 3}
_LOG = get_logger("gateway")


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of the payload."""

    field: str
    reason: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error answer of the JSON API."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    reason: str
    trace_id: str
    errors: list[FieldError] = []
    metadata: dict[str, str] = {}


def problem_of(error: Exception, now: datetime, path: str = "") -> Problem:
    """The one mapping from whatever was raised to status, reason and facts."""
    if isinstance(error, DomainError):
        return _of_domain_error(error, now, path)
    if isinstance(error, ValidationException):
        return Problem(422, "invalid", "INVALID_PAYLOAD", errors=_field_errors(error.extra))
    if isinstance(error, HTTPException) and error.status_code in _HTTP_REASONS:
        reason, kind = _HTTP_REASONS[error.status_code]
        return Problem(error.status_code, kind, reason, headers=dict(error.headers or {}))
    if isinstance(error, RecursionError):
        # JSON nested deeper than the decoder follows; it says nothing that could be a payload of ours.
        return Problem(400, "invalid", "MALFORMED_REQUEST")
    return Problem(500, "bug", "INTERNAL")


def _of_domain_error(error: DomainError, now: datetime, path: str) -> Problem:
    if error.reason == "INVALID_ID":
        # What cannot be an id names nothing that exists.
        return Problem(404, "not_found", _absent(error.metadata.get("field", ""), path), error.metadata)
    if error.reason.startswith("TOKEN_"):
        # Between us and a service: nothing a visitor did, and the next call brings a fresh token.
        return Problem(503, "unavailable", "UNAVAILABLE", headers={"Retry-After": "1"})
    status = STATUS_OF[error.kind]
    errors: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = {}
    if error.kind is ErrorKind.INVALID:
        errors = ((error.metadata.get("field", ""), error.message),)
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.kind in _RETRY_SECONDS:
        wait = error.metadata.get("retry_after_seconds", "")
        headers["Retry-After"] = wait if wait.isdigit() else str(_RETRY_SECONDS[error.kind])
    if error.kind is ErrorKind.QUOTA:
        headers["Retry-After"] = str(_seconds_until(error.metadata.get("retry_at", ""), now))
    reason = "INTERNAL" if error.kind is ErrorKind.BUG else error.reason
    return Problem(status, error.kind.value, reason, error.metadata, errors, headers, error.message)


def _absent(field: str, path: str) -> str:
    """The reason for an id that names nothing: by its field, or by the address it is a part of."""
    if reason := _ABSENT_BY_FIELD.get(field.partition("[")[0].removesuffix("s")):
        return reason
    return next((reason for part, reason in _ABSENT_BY_PATH if part in path), "NOT_FOUND")


def _seconds_until(instant: str, now: datetime) -> int:
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        return 60
    return max(1, int(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()) + 1)


def _field_errors(extra: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(extra, list):
        return ()
    found = []
    for item in extra:
        if isinstance(item, dict):
            name, message = str(item.get("key", "")).removeprefix("data."), str(item.get("message", ""))
            missing = _MISSING.search(message)
            if missing:
                name = f"{name}.{missing[1]}".removeprefix("data.").lstrip(".")
            found.append((_HEADERS.get(name, "" if name == "data" else name), message))
    return tuple(found)


def handle_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's handler for every exception, raised anywhere."""
    app_state = request.app.state
    state: dict[str, Any] = request.scope["state"]
    problem = problem_of(error, app_state.clock.now(), request.scope["path"])
    trace_id = state.get("trace_id", "")
    if isinstance(error, DomainError) and error.reason.startswith("TOKEN_"):
        _LOG.warning("token.refused", reason=error.reason, trace_id=trace_id)
        forget_visitor(request)
    if problem.reason == "INTERNAL":
        _LOG.error("request.failed", error_type=type(error).__qualname__, trace_id=trace_id, exc_info=error)
        state["failure"] = error
    if request.scope["path"].startswith(("/api/", "/schema", "/webhooks/", "/health/")):
        return _as_document(request, problem, trace_id)
    if problem.status == _NOT_SO and request.method == "GET":
        # A telephone that opens its tabs again asks so for the page that answered a form.
        return redirect(request, form_page(request.scope["path"], []))
    recall_visitor(request)
    told = problem_in_words(request, problem, trace_id)
    try:
        return error_page(request, told)
    except Exception as broken:  # noqa: BLE001 - the page that says what failed must not fail itself
        _LOG.error("error_page.failed", error_type=type(broken).__qualname__, trace_id=trace_id, exc_info=broken)
        return plain_error(told)


def problem_in_words(
    request: Request[Any, Any, Any], problem: Problem, trace_id: str, *, is_api: bool = False
) -> Problem:
    """The problem with the sentence people read, in their language; programs are told the fields' names too."""
    state: dict[str, Any] = request.scope["state"]
    town: Town | None = state.get("town")
    visitor: Visitor = state.get("visitor") or Visitor()
    try:
        # A program says what it reads with each call.
        account = None if is_api else visitor.account
        language = language_of(request, town, account.language if account else "")
    except ValueError:
        language = DEFAULT_LANGUAGE
    metadata = {**problem.metadata, "trace_id": trace_id}
    return Problem(
        problem.status,
        problem.kind,
        problem.reason,
        metadata,
        problem.errors,
        problem.headers,
        problem.message,
        title_for(problem.kind, language, problem.reason),
        _sentence(problem, metadata, town, language, request.app.state.clock.now(), is_api=is_api),
        trace_id,
        request.scope["path"],
    )


def _sentence(
    problem: Problem, metadata: dict[str, str], town: Town | None, language: str, now: datetime, *, is_api: bool
) -> str:
    """As ``sentence_for``; a reason without words of its own gets those of its kind."""
    if is_api and problem.reason in TO_PROGRAMS:
        return lexicon(language).say(TO_PROGRAMS[problem.reason])
    if problem.reason in SENTENCES:
        return sentence_for(problem.reason, metadata, town, language, now)
    fields = ", ".join(name for name, _ in problem.errors if name) if is_api else ""
    return say_reason(problem.reason, {"field": fields}, lexicon(language), problem.kind)


def _detail_of(told: Problem, detail: str) -> str:
    """The decoder's own words for a payload's field; for a rule, the sentence."""
    return detail if detail and told.reason == "INVALID_PAYLOAD" else unglued(told.sentence)


def _as_document(request: Request[Any, Any, Any], problem: Problem, trace_id: str) -> Response[bytes]:
    told = problem_in_words(request, problem, trace_id, is_api=True)
    document = ProblemDocument(
        type="/problems/" + told.reason.lower().replace("_", "-"),
        title=told.title,
        status=told.status,
        detail=unglued(told.sentence),
        instance=request.scope["path"],
        reason=told.reason,
        trace_id=trace_id,
        errors=[FieldError(name, told.reason, _detail_of(told, detail)) for name, detail in told.errors],
        metadata={key: value for key, value in problem.metadata.items() if key not in _NOT_FACTS},
    )
    return Response(
        msgspec.json.encode(document),
        status_code=told.status,
        media_type=PROBLEM_TYPE,
        headers=dict(told.headers),
    )
