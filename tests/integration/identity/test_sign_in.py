import asyncio
import statistics
import time
from typing import Any
from uuid import uuid4

import pytest
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.domain.throttle import SIGN_IN_BY_ADDRESS
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.identity.world import PASSWORD, Town, World, minutes

WRONG = "wrong"


async def refused(town: Town, username: str = "parent.demo", password: str = WRONG, **more: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        await town.sign_in(username, password, **more)
    return refusal.value


async def test_signing_in_opens_a_session_and_gives_an_internal_token(world: World, family: Town) -> None:
    answer = await family.sign_in()
    household = family.households["parent.demo"]
    claims = await world.claims(answer.access_token)
    assert len(answer.session_token) == 43
    assert (claims.subject, claims.tenant_id, claims.tenant_slug) == (answer.account.id, family.number, family.slug)
    assert (claims.household_id, sorted(claims.roles)) == (household.id, ["guardian"])
    assert claims.session_id
    assert answer.session_expires_at.ToDatetime() == (world.clock.now() + minutes(120)).replace(tzinfo=None)
    assert (answer.account.first_name, answer.account.email) == ("Ada", "ada@example.org")


@pytest.mark.parametrize("name", ["Parent.Demo", " parent.demo ", "PARENT.DEMO"])
async def test_case_and_blanks_of_a_user_name_do_not_count(family: Town, name: str) -> None:
    assert (await family.sign_in(name)).account.username == "parent.demo"


@pytest.mark.parametrize("name", ["", "\x00", "parent.demo\x00", "x" * 100_000, "' OR true --"])
async def test_an_impossible_name_is_a_wrong_name(family: Town, name: str) -> None:
    assert (await refused(family, name, PASSWORD, user_agent="\x00")).reason == "SIGN_IN_FAILED"


async def test_an_odd_browser_may_sign_in(family: Town) -> None:
    assert (await family.sign_in(user_agent="\x00" + "x" * 5000, client_address="\x00")).session_token


async def test_the_same_name_in_two_towns_is_two_people(world: World, family: Town) -> None:
    other = await world.make_town()
    await other.add_household(password="Autre-Secret-99")
    one, two = await family.sign_in(), await other.sign_in(password="Autre-Secret-99")
    assert one.account.id != two.account.id
    assert (await refused(other, password=PASSWORD)).reason == "SIGN_IN_FAILED"


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(family: Town) -> None:
    known, unknown = await refused(family), await refused(family, "nobody.here")
    assert (known.kind, known.reason) == (ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED")
    assert (known.kind, known.reason, known.message, known.metadata) == (
        unknown.kind,
        unknown.reason,
        unknown.message,
        unknown.metadata,
    )


async def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    hasher = Argon2Hasher(memory_kib=16_384, iterations=2)
    stored = await hasher.hash(PASSWORD)

    async def seconds(password_hash: str | None) -> float:
        started = time.perf_counter()
        assert not await hasher.verify(password_hash, "wrong")
        return time.perf_counter() - started

    rounds = [(await seconds(stored), await seconds(None)) for _ in range(7)]
    known, unknown = (statistics.median(column) for column in zip(*rounds, strict=True))
    assert 0.5 < unknown / known < 2


async def test_five_failures_make_even_the_owner_wait_and_the_wait_ends(world: World, family: Town) -> None:
    for _ in range(5):
        assert (await refused(family)).reason == "SIGN_IN_FAILED"
    waiting = await refused(family, password=PASSWORD)
    assert (waiting.kind, waiting.reason) == (ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS")
    assert waiting.metadata["retry_at"] == (world.clock.now() + minutes(1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.clock.advance(minutes(1))
    assert (await family.sign_in()).session_token


async def test_waiting_is_not_prolonged_by_knocking(world: World, family: Town) -> None:
    for _ in range(5):
        await refused(family)
    first = await refused(family)
    world.clock.advance(minutes(0.5))
    assert (await refused(family)).metadata == first.metadata


async def test_waits_grow_but_never_past_a_quarter_of_an_hour(world: World, family: Town) -> None:
    for _ in range(5):
        await refused(family)
    waits = []
    for _ in range(6):
        wait = await refused(family)
        assert wait.reason == "TOO_MANY_ATTEMPTS"
        waited = 0
        while wait.reason == "TOO_MANY_ATTEMPTS":
            world.clock.advance(minutes(1))
            waited += 1
            wait = await refused(family)
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 15, 15]


async def test_unknown_names_wait_just_the_same(world: World, family: Town) -> None:
    known = [(await refused(family, client_address="192.0.2.10")).reason for _ in range(6)]
    unknown = [(await refused(family, "nobody.here", client_address="192.0.2.11")).reason for _ in range(6)]
    assert known == unknown == ["SIGN_IN_FAILED"] * 5 + ["TOO_MANY_ATTEMPTS"]


async def test_success_forgets_failures(family: Town) -> None:
    for _ in range(3):
        for _ in range(4):
            await refused(family)
        assert (await family.sign_in()).session_token


async def test_strangers_do_not_lock_the_owner_out_of_the_usual_address(family: Town) -> None:
    await family.sign_in(client_address="198.51.100.7")
    for _ in range(5):
        await refused(family, client_address="203.0.113.9")
    assert (await refused(family, password=PASSWORD, client_address="203.0.113.9")).reason == "TOO_MANY_ATTEMPTS"
    assert (await family.sign_in(client_address="198.51.100.7")).session_token


async def test_an_address_that_tries_many_names_waits(family: Town) -> None:
    for number in range(SIGN_IN_BY_ADDRESS.free_attempts):
        failure = await refused(family, f"name-{number}", client_address="2001:db8:5::1")
        assert failure.reason == "SIGN_IN_FAILED"
    assert (await refused(family, "one-more", client_address="2001:db8:5::2")).reason == "TOO_MANY_ATTEMPTS"
    assert (await family.sign_in(client_address="2001:db8:6::1")).session_token


async def test_parallel_guesses_do_not_slip_through(family: Town) -> None:
    outcomes = await asyncio.gather(*(refused(family) for _ in range(12)))
    reasons = sorted(outcome.reason for outcome in outcomes)
    assert reasons == ["SIGN_IN_FAILED"] * 5 + ["TOO_MANY_ATTEMPTS"] * 7


async def test_nothing_personal_or_secret_is_kept_in_clear(world: World, family: Town) -> None:
    answer = await family.sign_in(client_address="192.0.2.77")
    await refused(family, client_address="192.0.2.77")
    async with world.connect(family.number) as connection:
        sessions = await connection.fetch("SELECT * FROM session")
        counters = await connection.fetch("SELECT * FROM attempt_counter")
        accounts = await connection.fetch("SELECT password_hash FROM account")
    text = repr([dict(row) for row in (*sessions, *counters)])
    assert len(sessions) == 1
    assert len(counters) == 2
    for secret in (answer.session_token, "192.0.2.77", "parent.demo", PASSWORD):
        assert secret not in text
    assert all(row["password_hash"].startswith("$argon2id$") for row in accounts)


async def test_a_hash_of_an_older_profile_is_renewed_at_sign_in(world: World, family: Town) -> None:
    weak = await Argon2Hasher(memory_kib=64, iterations=1).hash(PASSWORD)
    async with world.connect(family.number) as connection:
        await connection.execute("UPDATE account SET password_hash = $1", weak)
    await family.sign_in()
    async with world.connect(family.number) as connection:
        renewed = await connection.fetchval("SELECT password_hash FROM account")
    assert "m=1024" in renewed
    assert (await family.sign_in()).session_token


@pytest.mark.parametrize("service", ["billing", "operator"])
async def test_only_the_gateway_signs_people_in(world: World, family: Town, service: str) -> None:
    request = pb.SignInRequest(username="parent.demo", password=PASSWORD)
    with pytest.raises(DomainError) as refusal:
        await world.call("SignIn", request, await family.token(service))
    assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_without_a_token_nobody_signs_in(world: World) -> None:
    with pytest.raises(DomainError) as refusal:
        await world.call("SignIn", pb.SignInRequest(username="parent.demo", password=PASSWORD))
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_a_repeated_sign_in_gives_the_same_session_and_nothing_secret_is_kept(world: World, family: Town) -> None:
    request_id = str(uuid4())
    first, second = await asyncio.gather(family.sign_in(request_id=request_id), family.sign_in(request_id=request_id))
    assert (first.session_token, first.session_expires_at) == (second.session_token, second.session_expires_at)
    assert (await family.exchange(second.session_token)).account.id == first.account.id
    async with world.connect(family.number) as connection:
        rows = await connection.fetch("SELECT * FROM idempotency WHERE request_id = $1", request_id)
        assert len(rows) == 1
        kept = repr(dict(rows[0]))
        for secret in (first.session_token, PASSWORD):
            assert secret not in kept
        sessions = await connection.fetchval("SELECT count(*) FROM session WHERE account_id = $1", first.account.id)
        assert sessions == 1


async def test_a_known_request_id_opens_nothing_for_another_body(family: Town) -> None:
    request_id = str(uuid4())
    await family.sign_in(request_id=request_id)
    for name, password in (("parent.demo", WRONG), ("nobody.here", PASSWORD), ("Parent.Demo", PASSWORD)):
        refusal = await refused(family, name, password, request_id=request_id)
        assert (refusal.kind, refusal.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED"), name


async def test_guessing_under_a_known_request_id_is_throttled_like_any_other(family: Town) -> None:
    request_id = str(uuid4())
    await family.sign_in(request_id=request_id)
    reasons = [(await refused(family, request_id=request_id)).reason for _ in range(30)]
    assert reasons[0] == "IDEMPOTENCY_KEY_REUSED"
    assert reasons[-1] == "TOO_MANY_ATTEMPTS"
