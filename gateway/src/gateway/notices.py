"""One sentence from a page to the next one, in a short signed cookie: no state on the server."""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway.security import AnyResponse, Connection, read_cookie, write_cookie
from gateway.signing import Signer

NOTICE_COOKIE = "preau_notice"
_SECONDS = 120
_MOST = 4
_LONGEST = 3_000

Tone = Literal["success", "info", "warning", "error"]


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """What to say once, and the way on. ``action_fields`` makes the action a form instead of a link."""

    tone: Tone
    text: str
    action_label: str = ""
    action_href: str = ""
    action_fields: tuple[tuple[str, str], ...] = ()


_decoder = msgspec.json.Decoder(list[Notice])
_encoder = msgspec.json.Encoder()


def signer_of(connection: Connection) -> Signer:
    signer: Signer = connection.app.state.notice_signer
    return signer


def add_notice(response: AnyResponse, connection: Connection, *notices: Notice) -> None:
    """Show ``notices`` on the next full page of this browser."""
    sealed = signer_of(connection).seal(_encoder.encode(notices[:_MOST]))
    if len(sealed) <= _LONGEST:
        write_cookie(response, connection, NOTICE_COOKIE, sealed, max_age=_SECONDS)


def read_notices(connection: Connection) -> list[Notice]:
    """What the page before left to say."""
    sealed = read_cookie(connection, NOTICE_COOKIE)
    payload = signer_of(connection).open(sealed) if sealed else None
    if payload is None:
        return []
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError:
        return []


def clear_notices(response: AnyResponse, connection: Connection) -> None:
    write_cookie(response, connection, NOTICE_COOKIE, "", max_age=0)
