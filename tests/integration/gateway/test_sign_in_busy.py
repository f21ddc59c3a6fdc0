"""At a town's opening hour more people sign in than passwords can be checked: who is sent away hears when to come back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from gateway.app import create_app
from preau_kernel.errors import DomainError, ErrorKind

from tests.fixtures.fake_world import World
from tests.integration.gateway.conftest import client_of, running, settings_for

CROWD = "Beaucoup de familles se connectent en ce moment."


def busy() -> DomainError:
    return DomainError(ErrorKind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds="9")


@pytest.fixture
async def browser(fakes: tuple[World, str], world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at Case-Pilote's own pages."""
    async with running(create_app(settings_for(fakes[1]))) as live, client_of(live) as client:
        yield client


async def test_a_program_is_told_when_to_come_back(anyone: httpx.AsyncClient, world: World) -> None:
    world.refusals["SignIn"] = busy()
    answer = await anyone.post("/api/v1/sessions", json={"username": "parent.demo", "password": "x"})
    assert (answer.status_code, answer.json()["reason"]) == (503, "SIGN_IN_BUSY")
    assert answer.headers["retry-after"] == "9"
    assert CROWD in answer.json()["detail"]


async def test_a_parent_finds_the_form_again_with_a_sentence_and_the_name_typed(
    browser: httpx.AsyncClient, world: World
) -> None:
    page = await browser.get("/connexion")
    found = re.search(r'name="([^"]*csrf[^"]*)"\s+value="([^"]+)"', page.text)
    assert found, page.text
    world.refusals["SignIn"] = busy()
    form = {found[1]: found[2], "identifiant": "parent.demo", "password": "secret-of-mine"}
    answer = await browser.post("/connexion", data=form)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "9"
    assert CROWD in answer.text
    assert 'value="parent.demo"' in answer.text
    assert "secret-of-mine" not in answer.text
