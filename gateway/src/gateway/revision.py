"""Read your writes: the household's last agenda revision travels with the browser, in a signed cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.security import AnyResponse, Connection, read_cookie, write_cookie
from gateway.signing import Signer

if TYPE_CHECKING:
    from gateway.auth import Visitor

REVISION_COOKIE = "preau_revision"
_SECONDS = 3600


def _signer(connection: Connection) -> Signer:
    signer: Signer = connection.app.state.revision_signer
    return signer


def remember_revision(response: AnyResponse, connection: Connection, visitor: Visitor, revision: int) -> None:
    """Keep ``revision`` for the pages that follow, unless a later one is known already."""
    if revision > known_revision(connection, visitor):
        sealed = _signer(connection).seal(str(revision).encode(), visitor.household_id)
        write_cookie(response, connection, REVISION_COOKIE, sealed, max_age=_SECONDS)


def known_revision(connection: Connection, visitor: Visitor) -> int:
    """The last revision this browser saw of its household, 0 when it saw none."""
    sealed = read_cookie(connection, REVISION_COOKIE)
    payload = _signer(connection).open(sealed, visitor.household_id) if sealed else None
    return int(payload) if payload else 0
