from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from identity_svc.adapters.letters import FileSender, to_message
from identity_svc.domain.mail import link_with_token, password_changed_letter, password_reset_letter
from identity_svc.domain.tenants import Contact, Tenant
from preau_kernel.ids import TenantId, TenantSlug

TOWN = Tenant(
    TenantId(1),
    TenantSlug("casepilote"),
    "Case-Pilote",
    "America/Martinique",
    contact=Contact("Service scolaire", "0596 00 00 00", "scolaire@case-pilote.example", "", "<1> rue de l'École"),
)
LINK = "https://casepilote.example/nouveau-mot-de-passe?token=abc"


def test_a_subject_starts_with_the_town_s_name() -> None:
    assert password_reset_letter(TOWN, "a@b.fr", "", LINK, 60).subject.startswith("Case-Pilote : ")
    assert password_changed_letter(TOWN, "a@b.fr", "").subject.startswith("Case-Pilote : ")


def test_the_link_is_in_both_texts_and_the_letter_says_how_long_it_serves() -> None:
    letter = password_reset_letter(TOWN, "a@b.fr", "", LINK, 60)
    assert LINK in letter.text
    assert f'href="{LINK}"' in letter.html
    assert "pendant 60 minutes" in letter.text
    assert '<html lang="fr">' in letter.html


@pytest.mark.parametrize(
    ("language", "locale", "is_english"),
    [("", "fr", False), ("en-GB", "fr", True), ("", "en", True), ("fr", "en", False), ("de", "fr", False)],
)
def test_a_letter_is_in_the_reader_s_language_or_else_in_the_town_s(
    language: str, locale: str, is_english: bool
) -> None:
    town = replace(TOWN, locale=locale)
    link, changed = (
        password_reset_letter(town, "a@b.fr", language, LINK, 60),
        password_changed_letter(town, "a@b.fr", language),
    )
    hello, lang = ("Hello,", "en") if is_english else ("Bonjour,", "fr")
    for letter in (link, changed):
        assert letter.text.startswith(hello)
        assert f'<html lang="{lang}">' in letter.html
    assert ("for 60 minutes" in link.text) == is_english
    # The page's own words.
    assert ("Forgotten password?" if is_english else "Mot de passe oublié ?") in changed.text
    assert changed.subject.startswith("Case-Pilote: " if is_english else "Case-Pilote : ")


def test_text_is_escaped_in_html() -> None:
    letter = password_reset_letter(TOWN, "a@b.fr", "", 'https://x.example/?a="><script>', 60)
    assert "<script>" not in letter.html


def test_the_token_joins_an_address_with_or_without_a_query() -> None:
    assert link_with_token("https://x.fr/p", "t-1_") == "https://x.fr/p?token=t-1_"
    assert link_with_token("https://x.fr/p?lang=en#top", "t") == "https://x.fr/p?lang=en&token=t"


def test_a_message_has_text_and_html_and_answers_go_to_the_office() -> None:
    message = to_message(password_reset_letter(TOWN, "a@b.fr", "", LINK, 60), "noreply@preau.example", "casepilote-1")
    assert message["To"] == "a@b.fr"
    assert message["From"] == "Case-Pilote <noreply@preau.example>"
    assert message["Reply-To"] == "scolaire@case-pilote.example"
    assert message["Message-ID"] == "<casepilote-1@preau.example>"
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


async def test_without_a_server_a_letter_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "mail", "noreply@preau.example")
    letter = password_reset_letter(TOWN, "a@b.fr", "", LINK, 60)
    await sender.send(letter, "casepilote-1")
    await sender.send(letter, "casepilote-1")
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == "casepilote-1.eml"
    assert path.stat().st_mode & 0o777 == 0o600
    message = message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    assert body is not None
    assert LINK in body.get_content()
