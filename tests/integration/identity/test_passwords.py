import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.identity.world import PASSWORD, Town, World, minutes

NEW_PASSWORD = "Nouveau-Secret-77"


async def change(world: World, token: str, current: str = PASSWORD, new: str = NEW_PASSWORD) -> None:
    await world.call("ChangePassword", pb.ChangePasswordRequest(current_password=current, new_password=new), token)


async def ask_for_link(
    town: Town, username: str = "parent.demo", reset_url: str = "", client_address: str = "192.0.2.1"
) -> None:
    request = pb.RequestPasswordResetRequest(
        username=username, reset_url=reset_url or town.reset_url, client_address=client_address
    )
    await town.world.call("RequestPasswordReset", request, await town.token())


async def reset(town: Town, token: str, new: str = NEW_PASSWORD) -> None:
    await town.world.call("ResetPassword", pb.ResetPasswordRequest(token=token, new_password=new), await town.token())


async def letters_of(town: Town) -> list[EmailMessage]:
    await town.world.run_job("send-letters")
    return [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in town.world.letters()
        if path.name.startswith(f"{town.slug}-")
    ]


def content(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def token_in(letter: EmailMessage) -> str:
    found = re.search(r"\?token=([\w-]+)", content(letter, "plain"))
    assert found
    return found[1]


async def queue(town: Town) -> list[dict[str, Any]]:
    async with town.world.connect(town.number) as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM mail ORDER BY id")]


async def test_changing_the_password_closes_the_other_sessions_and_tells_the_owner(world: World, family: Town) -> None:
    here, there = await family.sign_in(), await family.sign_in()
    await change(world, here.access_token)
    assert (await family.exchange(here.session_token)).account.id
    with pytest.raises(DomainError) as refusal:
        await family.exchange(there.session_token)
    assert refusal.value.reason == "SESSION_EXPIRED"
    with pytest.raises(DomainError):
        await family.sign_in()
    assert (await family.sign_in(password=NEW_PASSWORD)).session_token
    (letter,) = await letters_of(family)
    assert letter["Subject"] == "Case-Pilote : votre mot de passe a été changé"
    assert letter["To"] == "ada@example.org"


async def test_the_current_password_is_asked_for_and_guessing_it_is_slowed_down(world: World, family: Town) -> None:
    token = (await family.sign_in()).access_token
    reasons = []
    for _ in range(6):
        with pytest.raises(DomainError) as refusal:
            await change(world, token, current="wrong")
        reasons.append(refusal.value.reason)
    assert reasons == ["SIGN_IN_FAILED"] * 5 + ["TOO_MANY_ATTEMPTS"]


async def test_a_weak_new_password_is_refused_with_its_problem(world: World, family: Town) -> None:
    token = (await family.sign_in()).access_token
    with pytest.raises(DomainError) as refusal:
        await change(world, token, new="court")
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.INVALID, "PASSWORD_TOO_WEAK")
    assert refusal.value.metadata["problem"] == "too_short"
    assert refusal.value.metadata["minimum_length"] == "12"


async def test_the_link_in_the_letter_sets_a_new_password_once_and_ends_every_session(
    world: World, family: Town
) -> None:
    opened = await family.sign_in()
    await ask_for_link(family)
    (letter,) = await letters_of(family)
    assert letter["Subject"].startswith("Case-Pilote : ")
    assert f"{family.reset_url}?token=" in content(letter, "html")
    token = await token_in(letter)
    await reset(family, token)
    assert (await family.sign_in(password=NEW_PASSWORD)).session_token
    with pytest.raises(DomainError) as refusal:
        await family.exchange(opened.session_token)
    assert refusal.value.reason == "SESSION_EXPIRED"
    with pytest.raises(DomainError) as refusal:
        await reset(family, token, "Encore-Un-Secret-1")
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.PRECONDITION, "RESET_LINK_INVALID")


async def test_letters_are_in_the_language_that_the_owner_chose(world: World, family: Town) -> None:
    opened = await family.sign_in()
    await world.call("UpdateAccount", pb.UpdateAccountRequest(language="en"), opened.access_token)
    await ask_for_link(family)
    await change(world, opened.access_token)
    subjects = {str(letter["Subject"]) for letter in await letters_of(family)}
    assert subjects == {"Case-Pilote: choose a new password", "Case-Pilote: your password was changed"}


async def test_an_unknown_name_is_answered_and_stored_alike_and_gets_no_letter(family: Town) -> None:
    await ask_for_link(family, "parent.demo", client_address="192.0.2.1")
    await ask_for_link(family, "nobody.here", client_address="192.0.2.2")
    await ask_for_link(family, "\x00" * 5000, client_address="192.0.2.3")
    known, unknown, impossible = await queue(family)
    assert impossible["outcome"] is None
    assert {key for key in known if known[key] != unknown[key]} == {"id", "username_key"}
    assert len(await letters_of(family)) == 1
    assert [row["outcome"] for row in await queue(family)] == ["sent", "dropped", "dropped"]


async def test_nothing_personal_stays_in_the_queue_and_no_link_is_kept_in_clear(world: World, family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    (row,) = await queue(family)
    assert (row["username_key"], row["account_id"], row["reset_url"]) == ("", None, "")
    async with world.connect(family.number) as connection:
        kept = await connection.fetchval("SELECT token_hash FROM password_reset")
    assert token.encode() not in kept
    assert len(kept) == 32


async def test_a_link_is_too_old_after_an_hour(world: World, family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    world.clock.advance(minutes(60))
    with pytest.raises(DomainError) as refusal:
        await reset(family, token)
    assert refusal.value.reason == "RESET_LINK_INVALID"


async def test_using_one_link_spends_the_others(family: Town) -> None:
    await ask_for_link(family)
    await ask_for_link(family)
    first, second = [await token_in(letter) for letter in await letters_of(family)]
    await reset(family, second)
    with pytest.raises(DomainError) as refusal:
        await reset(family, first)
    assert refusal.value.reason == "RESET_LINK_INVALID"


async def test_a_link_sent_to_the_former_address_serves_no_more(world: World, family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    signed_in = (await family.sign_in()).access_token
    await world.call("UpdateAccount", pb.UpdateAccountRequest(language="fr"), signed_in)
    await world.call("UpdateAccount", pb.UpdateAccountRequest(email="ada@new.example"), signed_in)
    with pytest.raises(DomainError) as refusal:
        await reset(family, token)
    assert refusal.value.reason == "RESET_LINK_INVALID"


async def test_a_weak_password_does_not_spend_the_link(family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    with pytest.raises(DomainError) as refusal:
        await reset(family, token, "parent.demo-2025")
    assert refusal.value.metadata["problem"] == "contains_username"
    await reset(family, token)


async def test_a_link_of_one_town_serves_in_no_other(world: World, family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    other = await world.make_town()
    with pytest.raises(DomainError) as refusal:
        await reset(other, token)
    assert refusal.value.reason == "RESET_LINK_INVALID"


async def test_a_new_password_ends_the_wait_of_a_locked_name(family: Town) -> None:
    await ask_for_link(family)
    token = await token_in((await letters_of(family))[0])
    for _ in range(5):
        with pytest.raises(DomainError):
            await family.sign_in(password="wrong", client_address="203.0.113.5")
    await reset(family, token)
    assert (await family.sign_in(password=NEW_PASSWORD, client_address="203.0.113.6")).session_token


@pytest.mark.parametrize("username", ["parent.demo", "nobody.here"])
async def test_letters_are_not_sent_without_end(world: World, family: Town, username: str) -> None:
    for _ in range(3):
        await ask_for_link(family, username)
    with pytest.raises(DomainError) as refusal:
        await ask_for_link(family, username)
    assert refusal.value.reason == "TOO_MANY_ATTEMPTS"
    assert refusal.value.metadata["retry_at"] == (world.clock.now() + minutes(15)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_strangers_who_ask_for_links_do_not_keep_the_owner_from_one(family: Town) -> None:
    await family.sign_in(client_address="198.51.100.7")
    for _ in range(3):
        await ask_for_link(family, client_address="203.0.113.9")
    with pytest.raises(DomainError) as refusal:
        await ask_for_link(family, client_address="203.0.113.10")
    assert refusal.value.reason == "TOO_MANY_ATTEMPTS"
    await ask_for_link(family, client_address="198.51.100.7")


@pytest.mark.parametrize(
    "reset_url",
    [
        "http://evil.example/nouveau-mot-de-passe",
        "javascript://x/",
        "//x",
        "http://",
        "",
        "http://[",
        "http://user@{slug}.localhost/",
        "http://{slug}.localhost/\x00",
    ],
)
async def test_a_link_leads_to_the_town_s_own_site_only(world: World, family: Town, reset_url: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await world.call(
            "RequestPasswordReset",
            pb.RequestPasswordResetRequest(username="parent.demo", reset_url=reset_url.format(slug=family.slug)),
            await family.token(),
        )
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.INVALID, "RESET_URL_INVALID")


async def test_another_town_s_site_is_not_this_town_s(world: World, family: Town) -> None:
    other = await world.make_town()
    with pytest.raises(DomainError) as refusal:
        await ask_for_link(family, reset_url=other.reset_url)
    assert refusal.value.reason == "RESET_URL_INVALID"


async def test_only_the_gateway_asks_for_links(world: World, family: Town) -> None:
    for method, request in (
        ("RequestPasswordReset", pb.RequestPasswordResetRequest(username="x", reset_url=family.reset_url)),
        ("ResetPassword", pb.ResetPasswordRequest(token="x", new_password=NEW_PASSWORD)),
    ):
        with pytest.raises(DomainError) as refusal:
            await world.call(method, request, await family.token("agenda"))
        assert refusal.value.kind is ErrorKind.FORBIDDEN
