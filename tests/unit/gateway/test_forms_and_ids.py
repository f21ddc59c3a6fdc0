from __future__ import annotations

from uuid import UUID

import pytest
from gateway.auth import Visitor
from gateway.forms import Form
from gateway.idempotency import request_id_of_key, step_of
from preau.identity.v1.identity_service_pb2 import Account
from preau_kernel.errors import InvalidError

ONE = Visitor("session-1", "access", Account(id="account-1", household_id="h"))
SAME = Visitor("session-2", "access", Account(id="account-1", household_id="h"))
OTHER = Visitor("session-3", "access", Account(id="account-2", household_id="h"))


def test_a_list_keeps_each_value_once_in_order() -> None:
    form = Form([("child", "b"), ("child", "a"), ("child", "b"), ("child", " "), ("other", "c")])
    assert form.list("child") == ["b", "a"]


def test_what_is_shown_again_holds_no_secret() -> None:
    form = Form([("csrf_token", "t"), ("password", "p"), ("new_password", "q"), ("username", "u")])
    assert form.items() == [("username", "u")]
    assert form.secret("password") == "p"


def test_a_key_is_one_id_for_one_account_and_path() -> None:
    first = request_id_of_key(ONE, "/api/v1/invoices", "k")
    assert UUID(first).version == 5
    assert request_id_of_key(SAME, "/api/v1/invoices", "k") == first
    assert request_id_of_key(OTHER, "/api/v1/invoices", "k") != first
    assert request_id_of_key(ONE, "/api/v1/bulk-entries", "k") != first


def test_without_a_key_every_call_is_its_own() -> None:
    assert request_id_of_key(ONE, "/x", "") != request_id_of_key(ONE, "/x", "")


def test_a_key_may_be_long_but_not_endless() -> None:
    assert request_id_of_key(ONE, "/x", "é" * 200)
    with pytest.raises(InvalidError):
        request_id_of_key(ONE, "/x", "k" * 201)


def test_steps_of_one_act_have_ids_of_their_own() -> None:
    act = request_id_of_key(ONE, "/x", "k")
    assert step_of(act, "renew") == step_of(act, "renew") != step_of(act, "pay")
