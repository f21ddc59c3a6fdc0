"""The letters this service writes, in French; a subject starts with the town's name, and no link signs anyone in."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from identity_svc.domain.tenants import Tenant

_LAYOUT = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>{subject}</title></head>
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


def link_with_token(reset_url: str, token: str) -> str:
    """The address of the page that takes the token."""
    parts = urlsplit(reset_url)
    query = "&".join(part for part in (parts.query, urlencode({"token": token})) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def password_reset_letter(tenant: Tenant, recipient: str, link: str, minutes: int) -> Letter:
    """« Choisir un nouveau mot de passe »."""
    before = "Vous avez demandé à choisir un nouveau mot de passe pour votre compte."
    after = (
        f"Ce lien sert une seule fois, pendant {minutes} minutes. Si vous n'avez rien demandé, "
        "ignorez ce message : votre mot de passe n'a pas changé."
    )
    return _letter(
        tenant,
        recipient,
        "choisir un nouveau mot de passe",
        ("Bonjour,", before, "Pour le choisir, ouvrez cette page :", link, after),
        link,
    )


def password_changed_letter(tenant: Tenant, recipient: str) -> Letter:
    """« Votre mot de passe a été changé »."""
    warning = (
        "Si ce n'est pas vous, choisissez tout de suite un nouveau mot de passe avec « Mot de passe oublié ? », "
        "et prévenez-nous."
    )
    return _letter(
        tenant,
        recipient,
        "votre mot de passe a été changé",
        ("Bonjour,", "Le mot de passe de votre compte vient d'être changé.", warning),
        "",
    )


def _letter(tenant: Tenant, recipient: str, title: str, paragraphs: tuple[str, ...], link: str) -> Letter:
    subject = f"{tenant.name} : {title}"
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
        reply_to=contact.email,
        subject=subject,
        text="\n\n".join(paragraphs) + "\n\n-- \n" + "\n".join(signature) + "\n",
        html=_LAYOUT.format(
            subject=escape(subject),
            colour=tenant.theme.primary,
            town=escape(tenant.name),
            body=body,
            signature="<br>".join(escape(part) for part in signature),
        ),
    )
