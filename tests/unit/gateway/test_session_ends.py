"""When a session ends, and what may be claimed about why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.auth import Sessions, Visitor
from gateway.rendering import session_left
from gateway.town import Contact, Town
from gateway.words import sentence_for
from preau.identity.v1.identity_service_pb2 import Account, SignInResponse
from preau_kernel.errors import DomainError, ErrorKind

NOON = datetime(2025, 9, 1, 12, 0, tzinfo=UTC)
IDLE = timedelta(hours=2)
TOWN = Town(
    1, "casepilote", "Case-Pilote", ZoneInfo("America/Martinique"), "fr", "", "", Contact("", "", "", "", ""), "", 60,
    False, "none", (), "",
)  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant


class Identity:
    """Identity, when every session is over."""

    async def exchange_session(self, token: str, request: Any) -> Any:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED")


class Services:
    identity = Identity()

    async def service_token(self, slug: str) -> str:
        return f"service:{slug}"


def signed_in(clock: Clock, ends_at: datetime) -> Sessions:
    sessions = Sessions(Services(), clock)  # type: ignore[arg-type]
    for token, end in (("other", NOON + IDLE), ("mine", ends_at)):
        answer = SignInResponse(session_token=token, account=Account(id="a"))
        answer.session_expires_at.FromDatetime(end)
        # The internal token is over at once, so that the next request asks identity.
        answer.access_expires_at.FromDatetime(NOON)
        sessions.remember(TOWN, answer)
    return sessions


async def test_a_session_left_alone_too_long_says_how_long() -> None:
    clock = Clock()
    sessions = signed_in(clock, NOON + IDLE)
    clock.instant = NOON + IDLE + timedelta(minutes=5)
    visitor = await sessions.visitor(TOWN, "mine", is_bearer=False)
    assert (visitor.is_signed_in, visitor.had_session, visitor.idle_minutes) == (False, True, 120)
    sentence = sentence_for("SESSION_EXPIRED", {"idle_minutes": "120"}, None, "fr")
    assert sentence.startswith("Vous avez été déconnecté(e) après 2\u00a0heures sans activité.")


async def test_a_session_closed_elsewhere_is_not_called_idle() -> None:
    clock = Clock()
    sessions = signed_in(clock, NOON + IDLE)
    clock.instant = NOON + timedelta(minutes=20)
    assert (await sessions.visitor(TOWN, "mine", is_bearer=False)).idle_minutes == 0
    assert sentence_for("SESSION_EXPIRED", {}, None, "fr").startswith("Vous avez été déconnecté(e). Reconnectez-vous")


async def test_a_session_at_its_fixed_end_is_not_called_idle() -> None:
    clock = Clock()
    sessions = signed_in(clock, NOON + timedelta(minutes=30))
    clock.instant = NOON + timedelta(minutes=40)
    assert (await sessions.visitor(TOWN, "mine", is_bearer=False)).idle_minutes == 0


def test_the_time_left_is_counted_for_who_is_signed_in() -> None:
    visitor = Visitor("s", "t", Account(id="a"), session_ends_at=NOON + timedelta(minutes=4))
    assert session_left(visitor, NOON) == 240
    assert session_left(visitor, NOON + timedelta(hours=1)) == 0
    assert session_left(Visitor(), NOON) == 0
