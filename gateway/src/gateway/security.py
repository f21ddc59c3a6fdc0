"""Headers, cookie flags and addresses: what the browser is told and what it is asked."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.response import Response

from gateway.settings import GatewaySettings

Connection = ASGIConnection[Any, Any, Any, Any]
AnyResponse = Response[Any]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
_USER_AGENT_LENGTH = 300

COMMON_HEADERS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Same-origin, not no-referrer: with the latter browsers send "Origin: null" with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", _PERMISSIONS.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
HSTS_HEADER: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


def settings_of(connection: Connection) -> GatewaySettings:
    settings: GatewaySettings = connection.app.state.settings
    return settings


def scheme_of(connection: Connection) -> str:
    """What the browser used: the setting, or what the trusted proxy says."""
    settings = settings_of(connection)
    if settings.trust_forwarded:
        forwarded = connection.headers.get("x-forwarded-proto", "")
        if forwarded in {"http", "https"}:
            return forwarded
    return settings.public_scheme


def is_secure(connection: Connection) -> bool:
    return scheme_of(connection) == "https"


def origin_of(connection: Connection) -> str:
    """Scheme, host and port as the browser sees them; the host is one that identity knows."""
    return f"{scheme_of(connection)}://{connection.headers['host'].lower()}"


def client_address(connection: Connection) -> str:
    """The browser's address: what the nearest proxy saw when there is one, else the peer."""
    if settings_of(connection).trust_forwarded:
        forwarded = connection.headers.get("x-forwarded-for", "")
        nearest = forwarded.rpartition(",")[2].strip()
        if nearest:
            return nearest[:64]
    return connection.client.host if connection.client else ""


def user_agent(connection: Connection) -> str:
    """What the browser says of itself, shortened and without control characters."""
    text = connection.headers.get("user-agent", "")[:_USER_AGENT_LENGTH]
    return "".join(char for char in text if char.isprintable())


def cookie_name(connection: Connection, name: str) -> str:
    """``__Host-`` over HTTPS, where browsers honour it; the plain name on a developer's machine."""
    return f"__Host-{name}" if is_secure(connection) else name


def read_cookie(connection: Connection, name: str) -> str:
    return connection.cookies.get(cookie_name(connection, name)) or ""


def write_cookie(
    response: AnyResponse, connection: Connection, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie for this host alone; ``max_age`` 0 removes it, ``None`` lasts as long as the browser."""
    response.set_cookie(
        key=cookie_name(connection, name),
        value=value,
        max_age=max_age,
        path="/",
        secure=is_secure(connection),
        httponly=True,
        samesite="lax",
    )
