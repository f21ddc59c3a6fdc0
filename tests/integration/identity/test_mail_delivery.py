"""Letters leave through a real SMTP conversation, and wait when nobody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from identity_svc.adapters.letters import SmtpSender
from identity_svc.application.letter_ports import LetterSendError
from identity_svc.application.send_mail import retry_after
from identity_svc.domain.mail import Letter
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.testing import recorded_metrics
from preau_kernel.clock import FixedClock
from preau_stack.databases import ServiceDatabase
from preau_stack.ports import free_ports

from tests.integration.identity.world import START, Town, minutes, running_world

# Nothing that other tests queue is due yet.
BEFORE = START - timedelta(days=10)


class Mailbox:
    """As much of RFC 5321 as a client needs."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.refusal = b""
        self.takes_passwords = False
        self.passwords: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                answer = b"250-test\r\n250 AUTH PLAIN" if self.takes_passwords else b"250 test"
            elif verb == b"AUTH":
                self.passwords.append(line)
                answer = b"235 welcome"
            elif verb == b"RCPT" and self.refusal:
                answer = self.refusal
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                self.letters.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                answer = b"250 kept"
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                answer = b"250 ok"
            writer.write(answer + b"\r\n")
        writer.close()


@asynccontextmanager
async def mail_server(port: int) -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    server = await asyncio.start_server(mailbox.serve, "127.0.0.1", port)
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def town_with_smtp(database: ServiceDatabase, folder: Path, **changes: Any) -> AsyncIterator[tuple[Town, int]]:
    (port,) = free_ports(1)
    smtp_url = f"smtp://127.0.0.1:{port}"
    async with running_world(database, folder, FixedClock(BEFORE), smtp_url=smtp_url, **changes) as world:
        town = await world.make_town(slug=f"smtp-{port}", contact=pb.Contact(email="scolaire@mairie.example"))
        await town.add_household()
        request = pb.RequestPasswordResetRequest(username="parent.demo", reset_url=town.reset_url)
        await world.call("RequestPasswordReset", request, await town.token())
        yield town, port


async def state(town: Town) -> dict[str, Any]:
    async with town.world.connect(town.number) as connection:
        row = await connection.fetchrow("SELECT attempts, outcome, due_at, reset_url FROM mail")
    return dict(row)


@pytest.fixture
def keys(parts: Any) -> Path:
    return Path(parts.environment("identity")["PREAU_SIGNING_KEY_DIR"])


async def test_a_letter_is_sent_by_smtp(identity_database: ServiceDatabase, keys: Path, tmp_path: Path) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, port):
        async with mail_server(port) as mailbox:
            await town.world.run_job("send-letters")
            await town.world.run_job("send-letters")
        (raw,) = mailbox.letters
        letter = message_from_bytes(raw, policy=default)
        assert letter["To"] == "ada@example.org"
        assert letter["Reply-To"] == "scolaire@mairie.example"
        assert letter["Subject"] == "Case-Pilote : choisir un nouveau mot de passe"
        assert (await state(town))["outcome"] == "sent"


async def test_a_letter_waits_while_the_server_is_away_and_leaves_when_it_is_back(
    identity_database: ServiceDatabase, keys: Path, tmp_path: Path
) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, port):
        clock = town.world.clock
        await town.world.run_job("send-letters")
        waiting = await state(town)
        assert (waiting["attempts"], waiting["outcome"]) == (1, None)
        assert waiting["due_at"] == clock.now() + retry_after(1)
        async with mail_server(port) as mailbox:
            await town.world.run_job("send-letters")
            assert mailbox.letters == []
            mailbox.refusal = b"451 later"
            clock.advance(minutes(0.25))
            await town.world.run_job("send-letters")
            assert (await state(town))["attempts"] == 2
            mailbox.refusal = b""
            clock.advance(minutes(0.5))
            await town.world.run_job("send-letters")
            assert len(mailbox.letters) == 1
        assert (await state(town))["outcome"] == "sent"


@pytest.mark.parametrize(
    ("refusal", "outcome"), [(b"550 5.1.1 no such user", "failed"), (b"554 5.7.1 relaying denied", None)]
)
async def test_a_letter_to_nobody_is_given_up_at_once_and_one_that_we_may_not_send_waits(
    identity_database: ServiceDatabase, keys: Path, tmp_path: Path, refusal: bytes, outcome: str | None
) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, port):
        async with mail_server(port) as mailbox:
            mailbox.refusal = refusal
            await town.world.run_job("send-letters")
        assert (await state(town))["outcome"] == outcome


async def test_an_address_that_is_none_holds_no_other_letter_back(
    identity_database: ServiceDatabase, keys: Path, tmp_path: Path
) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, port):
        # Kept by an earlier version, which took it for an address.
        async with town.world.connect(town.number) as connection:
            await connection.execute("UPDATE account SET email = 'a@[c.fr'")
        await town.add_household("other.parent", email="b@c.fr")
        request = pb.RequestPasswordResetRequest(username="other.parent", reset_url=town.reset_url)
        await town.world.call("RequestPasswordReset", request, await town.token())
        async with mail_server(port) as mailbox:
            await town.world.run_job("send-letters")
        assert len(mailbox.letters) == 1
        async with town.world.connect(town.number) as connection:
            outcomes = await connection.fetchval("SELECT array_agg(outcome ORDER BY id) FROM mail")
        assert outcomes == ["dropped", "sent"]


async def test_letters_that_wait_longer_than_five_minutes_are_shown(
    identity_database: ServiceDatabase, keys: Path, tmp_path: Path
) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, port):
        with recorded_metrics() as recorded:

            async def late() -> float:
                await town.world.run_job("send-letters")
                await town.world.run_job("watch-letters")
                return recorded.value("preau.letters.late")

            assert await late() == 0
            town.world.clock.advance(minutes(6))
            assert await late() == 1
            town.world.clock.advance(minutes(1))
            async with mail_server(port):
                assert await late() == 0


async def test_a_letter_is_given_up_after_half_a_day_and_emptied(
    identity_database: ServiceDatabase, keys: Path, tmp_path: Path
) -> None:
    async with town_with_smtp(identity_database, tmp_path, signing_key_dir=keys) as (town, _):
        town.world.clock.advance(minutes(12 * 60 + 1))
        await town.world.run_job("send-letters")
        assert await state(town) | {"due_at": None} == {
            "attempts": 1,
            "outcome": "failed",
            "due_at": None,
            "reset_url": "",
        }


def test_waits_between_attempts_grow_up_to_half_an_hour() -> None:
    assert [retry_after(attempts).total_seconds() for attempts in (1, 2, 3, 8, 50)] == [15, 30, 60, 1800, 1800]


async def test_a_password_never_goes_in_the_clear() -> None:
    (port,) = free_ports(1)
    letter = Letter("ada@example.org", "Case-Pilote", "", "Bonjour", "Bonjour", "<p>Bonjour")
    async with mail_server(port) as mailbox:
        mailbox.takes_passwords = True
        with pytest.raises(LetterSendError):
            await SmtpSender(f"smtp://ada:secret@127.0.0.1:{port}", "a@example.org").send(letter, "1")
        assert (mailbox.passwords, mailbox.letters) == ([], [])
        await SmtpSender(f"smtp://127.0.0.1:{port}", "a@example.org").send(letter, "2")
        assert len(mailbox.letters) == 1


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_a_wrong_server_address_stops_the_service(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://host:port"):
        SmtpSender(url, "noreply@preau.example")
