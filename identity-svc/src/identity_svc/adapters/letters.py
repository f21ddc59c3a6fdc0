"""Letters by SMTP, or as files in a folder when no server is set."""

from __future__ import annotations

import asyncio
import os
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from identity_svc.application.letter_ports import LetterRefusedError, LetterSendError
from identity_svc.domain.mail import Letter

TIMEOUT_SECONDS = 15.0
# RFC 3463, 3.2. Other refusals for good are of us (no relaying, a bad sender): an operator may mend what they are about.
_NO_SUCH_ADDRESS = "5.1."


def to_message(letter: Letter, sender: str, message_id: str) -> EmailMessage:
    """Text and HTML; the same letter sent twice has the same Message-ID."""
    message = EmailMessage(policy=SMTP)
    user, _, domain = sender.partition("@")
    message["From"] = Address(letter.sender_name, user, domain)
    message["To"] = letter.recipient
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    message["Subject"] = letter.subject
    message["Date"] = localtime()
    message["Message-ID"] = f"<{message_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


class SmtpSender:
    """``smtp://user:password@host:587`` (STARTTLS, when offered to who gives no password) or ``smtps://…:465``."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            message = "an SMTP address is smtp://host:port or smtps://host:port"
            raise ValueError(message)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._is_tls else 587)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, letter: Letter, message_id: str) -> None:
        try:
            await aiosmtplib.send(
                to_message(letter, self._sender, message_id),
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._is_tls,
                # A password never goes in the clear: a server that takes one so gets no letter.
                start_tls=True if self._password and not self._is_tls else None,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            is_final = all(refused.message.startswith(_NO_SUCH_ADDRESS) for refused in error.recipients)
            raise (LetterRefusedError if is_final else LetterSendError) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise LetterSendError from error


class FileSender:
    """One ``.eml`` file per letter, which any mail program opens."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Letter, message_id: str) -> None:
        content = to_message(letter, self._sender, message_id).as_bytes()
        try:
            await asyncio.to_thread(self._write, f"{message_id}.eml", content)
        except OSError as error:
            raise LetterSendError from error

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{name}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(self._folder / name)
