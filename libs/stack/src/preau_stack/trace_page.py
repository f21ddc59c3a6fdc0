"""The pages of the last traces (a list, a waterfall per trace, the same as JSON) and of the metrics (also for Prometheus)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader

from preau_stack.metric_store import MetricStore, Series, prometheus_text
from preau_stack.trace_store import Trace, TraceStore

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_MOST_LISTED = 200
# Values of attributes come from outside: nothing on this page may run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class TracePage:
    """An ASGI application over what the receiver keeps."""

    def __init__(self, store: TraceStore, metrics: MetricStore) -> None:
        self._store = store
        self._metrics = metrics
        self._pages = Environment(loader=PackageLoader("preau_stack"), autoescape=True)
        self._pages.filters["clock"] = lambda ns: f"{datetime.fromtimestamp(ns / 1e9, UTC):%H:%M:%S.%f}"[:-3]
        self._pages.filters["ms"] = lambda value: f"{value:,.1f} ms".replace(",", " ")

    async def __call__(self, scope: Scope, _receive: object, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, content_type, body = self._answer(scope["path"], parse_qs(scope["query_string"].decode()))
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", _POLICY.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})

    def _answer(self, path: str, query: dict[str, list[str]]) -> tuple[HTTPStatus, str, bytes]:
        text, errors_only = query.get("q", [""])[0], query.get("errors", [""])[0] == "1"
        match path.strip("/").split("/"):
            case [""]:
                return self._html(
                    "traces.html", traces=self._latest(text, errors_only), text=text, errors_only=errors_only
                )
            case ["api", "traces"]:
                return _json({"items": [trace.summary() for trace in self._latest(text, errors_only)]})
            case ["api", "traces", trace_id] if trace := self._store.get(trace_id):
                return _json(trace.summary() | {"spans": [asdict(span) for span in trace.spans]})
            case ["traces", trace_id] if trace := self._store.get(trace_id):
                return self._html("trace.html", trace=trace, rows=trace.rows())
            case ["series" | "metrics" as page]:
                return self._of_metrics(page, text)
            case _:
                return HTTPStatus.NOT_FOUND, _HTML, self._render("missing.html")

    def _of_metrics(self, page: str, text: str) -> tuple[HTTPStatus, str, bytes]:
        if page == "series":
            return self._html("metrics.html", series=self._series(text), text=text)
        return HTTPStatus.OK, _PROMETHEUS, prometheus_text(self._metrics.latest()).encode()

    def _latest(self, text: str, errors_only: bool) -> list[Trace]:
        return self._store.latest(errors_only=errors_only, text=text)[:_MOST_LISTED]

    def _series(self, text: str) -> list[Series]:
        found = self._metrics.latest()
        return [each for each in found if text.lower() in f"{each.prometheus_name} {each.name} {each.labels}".lower()]

    def _html(self, template: str, **values: object) -> tuple[HTTPStatus, str, bytes]:
        return HTTPStatus.OK, _HTML, self._render(template, **values)

    def _render(self, template: str, **values: object) -> bytes:
        return self._pages.get_template(template).render(**values).encode()


def _json(value: object) -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK, _JSON, json.dumps(value).encode()
