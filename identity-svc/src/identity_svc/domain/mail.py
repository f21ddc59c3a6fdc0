"""The letters this service writes, in French or English; a subject starts with the town's name, no link signs anyone in."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from identity_svc.domain.people import is_email
from identity_svc.domain.tenants import Tenant

_LAYOUT = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family:sans-serif;line-height:1.5;color:#1b1b1b;background:#ffffff">
<p style="font-size:1.25em;font-weight:bold;color:{colour}">{town}</p>
{body}
<p style="color:#595959">{signature}</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail, ready to be sent."""

    recipient: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Words:
    language: str
    colon: str
    hello: str
    reset_title: str
    reset_before: str
    reset_open: str
    reset_after: str
    changed_title: str
    changed: str
    changed_warning: str


_FRENCH = _Words(
    language="fr",
    colon=" : ",
    hello="Bonjour,",
    reset_title="choisir un nouveau mot de passe",
    reset_before="Vous avez demandé à choisir un nouveau mot de passe pour votre compte.",
    reset_open="Pour le choisir, ouvrez cette page :",
    reset_after=(
        "Ce lien sert une seule fois, pendant {minutes} minutes. Si vous n'avez rien demandé, "
        "ignorez ce message : votre mot de passe n'a pas changé."
    ),
    changed_title="votre mot de passe a été changé",
    changed="Le mot de passe de votre compte vient d'être changé.",
    changed_warning=(
        "Si ce n'est pas vous, choisissez tout de suite un nouveau mot de passe avec « Mot de passe oublié ? », "
        "et prévenez-nous."
    ),
)
_ENGLISH = _Words(
    language="en",
    colon=": ",
    hello="Hello,",
    reset_title="choose a new password",
    reset_before="You asked to choose a new password for your account.",
    reset_open="To choose it, open this page:",
    reset_after=(
        "This link works once, for {minutes} minutes. If you asked for nothing, "
        "ignore this message: your password has not changed."
    ),
    changed_title="your password was changed",
    changed="The password of your account has just been changed.",
    changed_warning="If this was not you, choose a new password at once with “Forgotten password?”, and tell us.",
)


def link_with_token(reset_url: str, token: str) -> str:
    """The address of the page that takes the token."""
    parts = urlsplit(reset_url)
    query = "&".join(part for part in (parts.query, urlencode({"token": token})) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def password_reset_letter(tenant: Tenant, recipient: str, language: str, link: str, minutes: int) -> Letter:
    """« Choisir un nouveau mot de passe »; ``language`` is the reader's, empty for the town's."""
    words = _words(tenant, language)
    after = words.reset_after.format(minutes=minutes)
    paragraphs = (words.hello, words.reset_before, words.reset_open, link, after)
    return _letter(tenant, recipient, words, words.reset_title, paragraphs, link)


def password_changed_letter(tenant: Tenant, recipient: str, language: str) -> Letter:
    """« Votre mot de passe a été changé »; ``language`` is the reader's, empty for the town's."""
    words = _words(tenant, language)
    paragraphs = (words.hello, words.changed, words.changed_warning)
    return _letter(tenant, recipient, words, words.changed_title, paragraphs, "")


def _words(tenant: Tenant, language: str) -> _Words:
    return _ENGLISH if (language or tenant.locale).split("-")[0] == "en" else _FRENCH


def _letter(
    tenant: Tenant, recipient: str, words: _Words, title: str, paragraphs: tuple[str, ...], link: str
) -> Letter:
    subject = f"{tenant.name}{words.colon}{title}"
    contact = tenant.contact
    signature = [part for part in (contact.office_name, tenant.name, contact.phone, contact.email) if part]
    body = "\n".join(
        f'<p><a href="{escape(text)}" style="color:{tenant.theme.primary}">{escape(text)}</a></p>'
        if link and text == link
        else f"<p>{escape(text)}</p>"
        for text in paragraphs
    )
    return Letter(
        recipient=recipient,
        sender_name=tenant.name,
        reply_to=contact.email if is_email(contact.email) else "",
        subject=subject,
        text="\n\n".join(paragraphs) + "\n\n-- \n" + "\n".join(signature) + "\n",
        html=_LAYOUT.format(
            language=words.language,
            subject=escape(subject),
            colour=tenant.theme.primary,
            town=escape(tenant.name),
            body=body,
            signature="<br>".join(escape(part) for part in signature),
        ),
    )
