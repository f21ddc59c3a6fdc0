"""What the gateway counts on in identity."""

from __future__ import annotations

from preau.identity.v1.identity_service_pb2 import (
    ExchangeSessionRequest,
    GetHouseholdRequest,
    SignInRequest,
    SignOutRequest,
)
from preau_kernel.errors import ErrorKind

from tests.contract.grpc.gateway_contract import Contract, refused


async def expect_a_wrong_password_is_refused_like_an_unknown_name(contract: Contract) -> None:
    token = await contract.clients.service_token(contract.town)
    sign_in = contract.clients.identity.sign_in
    for username in (contract.username, "nobody-of-that-name"):
        request = SignInRequest(username=username, password="not the password", client_address="192.0.2.7")
        error = await refused(sign_in(token, request), ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED")
        assert not error.metadata


async def expect_signing_in_brings_session_internal_token_and_household(contract: Contract) -> None:
    answer = await contract.sign_in()
    assert answer.session_token.isascii()
    assert len(answer.session_token) <= 500
    assert answer.access_token
    assert answer.access_expires_at.seconds > 0
    assert answer.account.household_id
    assert answer.account.username == contract.username


async def expect_a_session_is_exchanged_for_a_token_of_the_same_account(contract: Contract) -> None:
    opened = await contract.sign_in()
    token = await contract.clients.service_token(contract.town)
    request = ExchangeSessionRequest(session_token=opened.session_token)
    answer = await contract.clients.identity.exchange_session(token, request)
    assert answer.account.id == opened.account.id
    assert answer.access_expires_at.seconds > 0


async def expect_a_session_is_unknown_in_another_town(contract: Contract) -> None:
    opened = await contract.sign_in()
    elsewhere = await contract.clients.service_token(contract.other_town)
    request = ExchangeSessionRequest(session_token=opened.session_token)
    call = contract.clients.identity.exchange_session(elsewhere, request)
    await refused(call, ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED")


async def expect_a_closed_session_is_over(contract: Contract) -> None:
    opened = await contract.sign_in()
    request = SignOutRequest(session_token=opened.session_token)
    await contract.clients.identity.sign_out(opened.access_token, request)
    await contract.clients.identity.sign_out(opened.access_token, request)
    token = await contract.clients.service_token(contract.town)
    again = ExchangeSessionRequest(session_token=opened.session_token)
    await refused(
        contract.clients.identity.exchange_session(token, again), ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED"
    )


async def expect_the_household_has_children_with_first_names(contract: Contract) -> None:
    answer = await contract.clients.identity.get_household(await contract.token(), GetHouseholdRequest())
    assert answer.household.id
    assert answer.household.children
    assert all(child.id and child.first_name for child in answer.household.children)
