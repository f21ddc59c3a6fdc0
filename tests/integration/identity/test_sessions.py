import asyncio

import pytest
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.identity.world import Town, World, minutes


async def expired(town: Town, session_token: str) -> bool:
    try:
        await town.exchange(session_token)
    except DomainError as error:
        return (error.kind, error.reason) == (ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED")
    return False


async def test_a_session_is_traded_for_a_token_of_the_same_person(world: World, family: Town) -> None:
    opened = await family.sign_in()
    traded = await family.exchange(opened.session_token)
    one, two = await world.claims(opened.access_token), await world.claims(traded.access_token)
    assert (one.subject, one.session_id, one.household_id) == (two.subject, two.session_id, two.household_id)
    assert traded.account == opened.account
    assert traded.access_expires_at.ToDatetime() == (world.clock.now() + minutes(5)).replace(tzinfo=None)


async def test_a_session_slides_while_it_is_used(world: World, family: Town) -> None:
    opened = await family.sign_in()
    for _ in range(3):
        world.clock.advance(minutes(90))
        traded = await family.exchange(opened.session_token)
        assert traded.session_expires_at.ToDatetime() == (world.clock.now() + minutes(120)).replace(tzinfo=None)


async def test_a_session_ends_after_two_idle_hours(world: World, family: Town) -> None:
    opened = await family.sign_in()
    world.clock.advance(minutes(120))
    assert await expired(family, opened.session_token)


async def test_no_use_keeps_a_session_past_its_twelfth_hour(world: World, family: Town) -> None:
    opened = await family.sign_in()
    for _ in range(11):
        world.clock.advance(minutes(60))
        traded = await family.exchange(opened.session_token)
    assert traded.session_expires_at.ToDatetime() == (world.clock.now() + minutes(60)).replace(tzinfo=None)
    world.clock.advance(minutes(60))
    assert await expired(family, opened.session_token)


async def test_two_uses_in_a_minute_write_once(world: World, family: Town) -> None:
    opened = await family.sign_in()
    world.clock.advance(minutes(5))
    versions = []
    for _ in range(3):
        await family.exchange(opened.session_token)
        async with world.connect(family.number) as connection:
            versions.append(await connection.fetchval("SELECT xmin::text FROM session"))
    assert len(set(versions)) == 1


async def test_a_session_of_one_town_is_unknown_in_another(world: World, family: Town) -> None:
    opened = await family.sign_in()
    other = await world.make_town()
    assert await expired(other, opened.session_token)
    assert not await expired(family, opened.session_token)


@pytest.mark.parametrize("token", ["", "x", "é" * 50, "A" * 43])
async def test_a_made_up_session_is_no_session(family: Town, token: str) -> None:
    assert await expired(family, token)


async def test_signing_out_ends_the_session_and_may_be_repeated(world: World, family: Town) -> None:
    opened, other = await family.sign_in(), await family.sign_in()
    for _ in range(2):
        request = pb.SignOutRequest(session_token=opened.session_token)
        await world.call("SignOut", request, await family.token())
    assert await expired(family, opened.session_token)
    assert not await expired(family, other.session_token)


async def test_a_parent_may_sign_out_with_the_parent_s_own_token(world: World, family: Town) -> None:
    opened = await family.sign_in()
    await world.call("SignOut", pb.SignOutRequest(session_token=opened.session_token), opened.access_token)
    assert await expired(family, opened.session_token)


async def test_the_owner_sees_open_sessions_latest_first(world: World, family: Town) -> None:
    phone = await family.sign_in(user_agent="Phone")
    world.clock.advance(minutes(10))
    desk = await family.sign_in(user_agent="Desk")
    world.clock.advance(minutes(10))
    fresh = await family.exchange(phone.session_token)
    closed = await family.sign_in(user_agent="Closed")
    await world.call("SignOut", pb.SignOutRequest(session_token=closed.session_token), await family.token())
    listed = (await world.call("ListSessions", pb.ListSessionsRequest(), fresh.access_token)).sessions
    assert [(session.user_agent, session.is_current) for session in listed] == [("Phone", True), ("Desk", False)]
    assert listed[0].last_seen_at.ToDatetime() == world.clock.now().replace(tzinfo=None)
    assert listed[0].created_at.ToDatetime() < listed[1].created_at.ToDatetime()
    assert desk.session_token


async def test_of_thousands_of_sessions_the_latest_hundred_are_listed(world: World, family: Town) -> None:
    opened = await family.sign_in()
    async with world.connect(family.number) as connection:
        await connection.execute(
            "INSERT INTO session (tenant_id, token_hash, account_id, address_hash, user_agent, created_at, last_seen_at,"
            " idle_ends_at, ends_at) SELECT tenant_id, int4send(n), account_id, address_hash, 'Program', created_at,"
            " last_seen_at - interval '1 second' * n, idle_ends_at, ends_at FROM session, generate_series(1, 300) AS n"
        )
    listed = (await world.call("ListSessions", pb.ListSessionsRequest(), opened.access_token)).sessions
    assert len(listed) == 100
    assert listed[0].is_current


async def test_an_owner_closes_one_session(world: World, family: Town) -> None:
    here, there = await family.sign_in(), await family.sign_in()
    there_id = (await world.claims(there.access_token)).session_id
    await world.call("CloseSession", pb.CloseSessionRequest(id=there_id), here.access_token)
    assert await expired(family, there.session_token)
    assert not await expired(family, here.session_token)
    with pytest.raises(DomainError) as refusal:
        await world.call("CloseSession", pb.CloseSessionRequest(id=there_id), here.access_token)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "SESSION_NOT_FOUND")


async def test_nobody_closes_somebody_else_s_session(world: World, family: Town) -> None:
    await family.add_household("voisin.demo")
    mine, theirs = await family.sign_in(), await family.sign_in("voisin.demo")
    their_id = (await world.claims(theirs.access_token)).session_id
    with pytest.raises(DomainError) as refusal:
        await world.call("CloseSession", pb.CloseSessionRequest(id=their_id), mine.access_token)
    assert refusal.value.reason == "SESSION_NOT_FOUND"
    assert not await expired(family, theirs.session_token)


@pytest.mark.parametrize("session_id", ["", "x", "-1", "²", "9" * 30])
async def test_an_impossible_session_is_not_found(world: World, family: Town, session_id: str) -> None:
    token = (await family.sign_in()).access_token
    with pytest.raises(DomainError) as refusal:
        await world.call("CloseSession", pb.CloseSessionRequest(id=session_id), token)
    assert refusal.value.reason == "SESSION_NOT_FOUND"


async def test_a_service_has_no_sessions_and_a_parent_trades_none(world: World, family: Town) -> None:
    opened = await family.sign_in()
    for method, request, token in (
        ("ListSessions", pb.ListSessionsRequest(), await family.token()),
        ("CloseSession", pb.CloseSessionRequest(id="1"), await family.token()),
        ("ExchangeSession", pb.ExchangeSessionRequest(session_token=opened.session_token), opened.access_token),
        ("SignOut", pb.SignOutRequest(session_token=opened.session_token), await family.token("billing")),
    ):
        with pytest.raises(DomainError) as refusal:
            await world.call(method, request, token)
        assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_parallel_uses_of_one_session_all_succeed(world: World, family: Town) -> None:
    opened = await family.sign_in()
    world.clock.advance(minutes(5))
    answers = await asyncio.gather(*(family.exchange(opened.session_token) for _ in range(20)))
    assert {answer.account.id for answer in answers} == {opened.account.id}


async def test_housekeeping_forgets_links_letters_and_counters_after_two_days(world: World, family: Town) -> None:
    async def ask() -> None:
        request = pb.RequestPasswordResetRequest(
            username="parent.demo", reset_url=family.reset_url, client_address="192.0.2.5"
        )
        await world.call("RequestPasswordReset", request, await family.token())
        await world.run_job("send-letters")

    async def kept() -> list[int]:
        await world.run_job("purge-expired")
        async with world.connect(family.number) as connection:
            tables = ("password_reset", "mail", "attempt_counter")
            return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]

    await ask()
    world.clock.advance(minutes(60 * 47))
    assert await kept() == [1, 1, 2]
    world.clock.advance(minutes(60 * 3))
    await ask()
    # The two counters are the same ones, begun anew.
    assert await kept() == [1, 1, 2]
    world.clock.advance(minutes(60 * 50))
    assert await kept() == [0, 0, 0]


async def test_housekeeping_deletes_what_has_served_and_nothing_else(world: World, family: Town) -> None:
    await family.sign_in()
    world.clock.advance(minutes(60 * 24 * 31))
    kept = await family.sign_in()
    await world.run_job("purge-expired")
    async with world.connect(family.number) as connection:
        assert await connection.fetchval("SELECT count(*) FROM session") == 1
    assert not await expired(family, kept.session_token)
