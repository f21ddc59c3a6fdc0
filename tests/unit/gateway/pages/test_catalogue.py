"""Every sentence exists in English, says the same facts, and what is vendored is what the manifest names."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from babel.messages.pofile import read_po
from gateway.lexicon import LOCALE_DIRECTORY, lexicon
from gateway.words import SENTENCES

from tests.unit.gateway.pages.catalogue import SOURCE, Message, messages

FACTS = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def english() -> dict[Message, tuple[str, ...]]:
    with (LOCALE_DIRECTORY / "en" / "LC_MESSAGES" / "gateway.po").open("rb") as file:
        catalog = read_po(file, locale="en")
    return {
        tuple(item.id) if isinstance(item.id, (tuple, list)) else item.id: item.string
        if isinstance(item.string, tuple)
        else (str(item.string),)
        for item in catalog
        if item.id and not item.fuzzy
    }


def facts_in(text: str) -> set[str]:
    return {first or second for first, second in FACTS.findall(text)}


def test_every_sentence_has_an_english_translation() -> None:
    known = english()
    missing = [key for key in messages() if not all(known.get(key, ("",)))]
    assert missing == []


def test_no_translation_is_left_over() -> None:
    assert sorted(map(str, set(english()) - set(messages()))) == []


def test_a_translation_keeps_the_facts_of_its_sentence() -> None:
    for key, translations in english().items():
        source = key if isinstance(key, str) else key[1]
        for text in translations[-1:]:
            assert facts_in(text) == facts_in(source), key


def test_the_catalogue_is_compiled_at_start() -> None:
    assert lexicon("en").say("Se connecter") == "Sign in"
    assert lexicon("de").say("Se connecter") == "Se connecter"


@pytest.mark.parametrize(("number", "text"), [(0, "0 place"), (1, "1 place"), (2, "2 places")])
def test_french_counts_zero_as_one(number: int, text: str) -> None:
    assert lexicon("fr").count("%(num)s place", "%(num)s places", number) == text


def test_every_refusal_ends_with_a_wording_that_needs_little() -> None:
    for reason, wordings in SENTENCES.items():
        needs = [len(facts_in(wording)) for wording in wordings]
        assert needs == sorted(needs, reverse=True), reason


def test_vendored_files_are_those_of_the_manifest() -> None:
    manifest = json.loads((SOURCE / "web" / "vendor_src" / "manifest.json").read_text())
    folder = SOURCE / "web" / "static" / "vendor"
    assert {path.name for path in folder.iterdir()} == set(manifest["files"])
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"], name


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    for path in (SOURCE / "web" / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|hx-on|javascript:", text), path.name
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            assert "ui.tokens(" in form, path.name
