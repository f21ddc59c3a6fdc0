"""One JSON object a line on stdout. Field names are allow-listed: what is not known to be harmless is not written."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

_ALLOWED = {
    "account_id", "acked", "activity_id", "attempt", "attempt_id", "code", "component", "consumer", "count", "created",
    "credit_note_id", "delay_seconds", "delivery", "dropped", "duration_ms", "error", "error_id", "error_type", "event",
    "event_id", "event_type", "exception", "household_id", "invoice_id", "invoice_number", "job", "kind", "lag", "level", "limit", "listen",
    "method", "metric", "minor_units", "outcome", "payment_id", "port", "provider", "reason", "refdet", "removed",
    "request_id", "reservation_count", "revision", "rows", "rpc", "run", "sequence", "service", "session_count", "signal", "size",
    "skipped", "status", "stream", "subject", "tenant", "till", "timestamp", "town", "trace_id", "verb", "version",
}  # fmt: skip

_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


def allow_fields(*names: str) -> None:
    """Let a service write further field names. Never one that holds a person's data."""
    _ALLOWED.update(names)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: ``log.info("reservation.confirmed", count=72)``, an event name and fields, never a sentence."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(component=name)
    return logger


def bind(**fields: str | int) -> None:
    """Add fields to every line of the current task."""
    structlog.contextvars.bind_contextvars(**fields)


def configure_logs(service: str, level: str = "info", *, with_words: bool = True) -> None:
    """Set up both structlog and the standard library's logging. Called once, by ``run``.

    ``with_words`` keeps the messages of exceptions, which may quote a person's data: off in production.
    """
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _describe_exception(with_words=with_words),
            _deny_unknown_fields,
            _stamp(service),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter(service, with_words=with_words))
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)


def exception_text(error: BaseException | None, *, with_words: bool) -> str:
    """The stack of ``error`` and of what caused it, with or without what they say."""
    if error is None:
        return ""
    if with_words:
        return "".join(traceback.format_exception(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    passed = traceback.extract_tb(error.__traceback__)
    frames = "".join(f"{frame.filename}:{frame.lineno} {frame.name}\n" for frame in passed)
    above = f"{exception_text(cause, with_words=False)}\nthen\n" if cause is not None else ""
    return f"{above}{frames}{type(error).__module__}.{type(error).__qualname__}"


def _describe_exception(*, with_words: bool) -> structlog.typing.Processor:
    def describe(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        error = fields.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()[1]
        if isinstance(error, BaseException):
            fields["exception"] = exception_text(error, with_words=with_words)
        return fields

    return describe


def _deny_unknown_fields(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if fields.keys() <= _ALLOWED:
        return fields
    denied = sorted(fields.keys() - _ALLOWED)
    for name in denied:
        del fields[name]
    fields["dropped"] = denied
    return fields


def _stamp(service: str) -> structlog.typing.Processor:
    def stamp(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields["service"] = service
        fields["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        return fields

    return stamp


def _render(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> str:
    return _encode(fields)


class _JsonFormatter(logging.Formatter):
    """Lines of libraries: the logger's name and the constant part of the message, not its arguments."""

    def __init__(self, service: str, *, with_words: bool) -> None:
        super().__init__()
        self._service = service
        self._with_words = with_words

    def format(self, record: logging.LogRecord) -> str:
        said = str(record.msg)
        if not self._with_words:
            # asyncio's further lines quote what a lost task raised.
            said = said.partition("\n")[0]
        fields: dict[str, Any] = {"event": said, "component": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[0] is not None:
            fields["error_type"] = record.exc_info[0].__name__
            fields["exception"] = exception_text(record.exc_info[1], with_words=self._with_words)
        fields["service"] = self._service
        fields["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        return _encode(fields)
