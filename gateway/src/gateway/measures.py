"""What the gateway counts of every answer: by route for the platform, by town for the town's service level."""

from __future__ import annotations

from preau_chassis.metrics import counter, histogram

_SECONDS_PROMISED = 1.0
_SERVER_FAULT = 500
_ASSETS = frozenset({"/static/{name}", "/theme.css"})
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

_answered = histogram("http.server.request.duration", "s", "One page or API call answered.")
_of_town = counter("preau.town.requests", "{request}", "Pages and API calls of a town.")


def measure(*, method: str, route: str, status: int, tenant: str, seconds: float) -> None:
    """Count one answer. ``route`` is the template, empty when there was none; ``tenant`` is empty outside a town.

    Values come from a short list each: what a browser may say freely must not make series.
    """
    if route in _ASSETS:
        return
    _answered.record(
        seconds,
        {
            "http.route": route,
            "http.request.method": method if method in _METHODS else "_OTHER",
            "http.response.status_code": status,
        },
    )
    if tenant:
        _of_town.add(1, {"preau.tenant": tenant, "preau.outcome": _outcome(status, seconds)})


def _outcome(status: int, seconds: float) -> str:
    if not status or status >= _SERVER_FAULT:
        return "failed"
    return "good" if seconds <= _SECONDS_PROMISED else "slow"
