"""Reasons are API: the code and docs/problems/index.md say the same."""

from __future__ import annotations

from tests.contract.repo.reasons import collect, documented, rows

COMMAND = "python -m tests.contract.repo.reasons > docs/problems/index.md"


def test_every_reason_in_the_code_is_documented() -> None:
    missing = {each.reason for each in collect()} - documented().keys()
    assert not missing, f"run: {COMMAND}"


def test_every_documented_reason_is_still_given() -> None:
    gone = documented().keys() - {each.reason for each in collect()}
    assert not gone, "removing a reason breaks clients; if that is meant, run: " + COMMAND


def test_kinds_statuses_and_sentences_are_those_of_the_code() -> None:
    said = documented()
    for reason, kinds, statuses, services, sentence in rows():
        assert said[reason] == (kinds, statuses, services, sentence), f"run: {COMMAND}"


def test_the_index_is_sorted() -> None:
    assert list(documented()) == sorted(documented())


def test_the_sentences_of_the_source_are_for_reasons_that_exist() -> None:
    from gateway.words import SENTENCES

    given = {each.reason for each in collect()} | {"TIMEOUT"}
    assert SENTENCES.keys() <= given, SENTENCES.keys() - given
