"""The SOAP messages, byte for byte, and answers that must not be believed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lxml import etree
from payment_gateway_svc.adapters.psp import payfip_rules as rules
from payment_gateway_svc.adapters.psp.payfip_wire import (
    OPERATIONS,
    PayfipFaultError,
    UnreadableAnswerError,
    build_request,
    read_response,
)
from payment_gateway_svc.application.ports import ProviderSettings

from tests.unit.payment.fakes import make_order

GOLDEN = (
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Body>'
    '<ns0:creerPaiementSecurise xmlns:ns0="http://securite.service.tpa.cp.finances.gouv.fr/services/mas_securite/'
    'contrat_paiement_securise/PaiementSecuriseService"><arg0><exer>2025</exer><mel>parent@example.org</mel>'
    "<montant>5400</montant><numcli>090909</numcli><objet>Cantine</objet><refdet>CP2025000123</refdet>"
    "<saisie>T</saisie><urlnotif>http://casepilote.localhost:8080/webhooks/payfip</urlnotif>"
    "<urlredirect>http://casepilote.localhost:8080/paiement/retour/{attempt_id}</urlredirect></arg0>"
    "</ns0:creerPaiementSecurise></soap-env:Body></soap-env:Envelope>"
)
OPERATION = "recupererDetailPaiementSecurise"


def envelope(content: str, prologue: str = "") -> bytes:
    return (
        f'{prologue}<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>{content}</S:Body></S:Envelope>'
    ).encode()


def answer(fields: str, prologue: str = "") -> bytes:
    return envelope(
        f'<n:{OPERATION}Response xmlns:n="{OPERATIONS}"><return>{fields}</return></n:{OPERATION}Response>', prologue
    )


def test_the_creation_message_is_the_one_the_service_is_known_to_accept() -> None:
    account = rules.Account.of(ProviderSettings("payfip", {"client_number": "090909", "mode": "T"}))

    message = build_request("creerPaiementSecurise", rules.creation_fields(make_order(), account))

    assert etree.tostring(etree.fromstring(message), method="c14n").decode() == GOLDEN


def test_an_empty_field_is_left_out() -> None:
    assert b"objet" not in build_request("creerPaiementSecurise", {"exer": "2025", "objet": ""})


def test_values_are_escaped() -> None:
    message = build_request("creerPaiementSecurise", {"urlredirect": "http://x/?a=1&b=<c>"})

    assert etree.fromstring(message).findtext(".//urlredirect") == "http://x/?a=1&b=<c>"


def test_fields_are_read_by_name_whether_or_not_the_default_namespace_reaches_them() -> None:
    for fields in ("<idOp>x</idOp>", '<idOp xmlns="http://securite.service.tpa.cp.finances.gouv.fr/reponse">x</idOp>'):
        assert read_response(OPERATION, answer(fields)) == {"idOp": "x"}


def test_a_fault_gives_its_kind_and_code() -> None:
    fault = envelope(
        "<S:Fault><faultcode>S:Server</faultcode><faultstring>fr.gouv.finances.cp.tpa.webservice.exceptions."
        f'FonctionnelleErreur</faultstring><detail><n:FonctionnelleErreur xmlns:n="{OPERATIONS}"><code>P5</code>'
        "<severite>2</severite></n:FonctionnelleErreur></detail></S:Fault>"
    )

    with pytest.raises(PayfipFaultError) as caught:
        read_response(OPERATION, fault)

    assert (caught.value.kind, caught.value.code, caught.value.is_technical) == ("FonctionnelleErreur", "P5", False)


@pytest.mark.parametrize("name", ["TechDysfonctionnementErreur", "TechIndisponibiliteErreur", "TechProtocolaireErreur"])
def test_a_technical_fault_says_nothing_about_the_operation(name: str) -> None:
    fault = envelope(f'<S:Fault><detail><n:{name} xmlns:n="{OPERATIONS}"><code>P1</code></n:{name}></detail></S:Fault>')

    with pytest.raises(PayfipFaultError) as caught:
        read_response(OPERATION, fault)

    assert caught.value.is_technical


def test_a_fault_that_goes_on_and_on_is_cut_short() -> None:
    # It is written to the log, to the trace and to the headers of our own answer.
    with pytest.raises(PayfipFaultError) as caught:
        read_response(
            OPERATION,
            envelope(f"<S:Fault><detail><{'k' * 9000}><code>{'c' * 9000}</code></{'k' * 9000}></detail></S:Fault>"),
        )

    assert len(str(caught.value)) < 100


def test_a_fault_without_detail_is_technical() -> None:
    with pytest.raises(PayfipFaultError) as caught:
        read_response(OPERATION, envelope("<S:Fault><faultstring>oops</faultstring></S:Fault>"))

    assert caught.value.is_technical


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"\x00\x01",
        b"<a",
        envelope("<other/>"),
        envelope(f'<n:{OPERATION}Response xmlns:n="{OPERATIONS}"/>'),
        envelope(f"<{OPERATION}Response><return/></{OPERATION}Response>"),
    ],
)
def test_what_is_no_answer_of_the_service_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_response(OPERATION, body)


def test_an_external_entity_is_refused_and_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    hostile = answer("<resultrans>&x;</resultrans>", f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>')

    with pytest.raises(UnreadableAnswerError) as caught:
        read_response(OPERATION, hostile)

    assert "secret" not in str(caught.value)


def test_a_document_type_alone_is_refused() -> None:
    with pytest.raises(UnreadableAnswerError):
        read_response(OPERATION, answer("<resultrans>P</resultrans>", "<!DOCTYPE a>"))


def test_a_billion_laughs_are_refused_at_once() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    hostile = answer("<resultrans>&l11;</resultrans>", f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]>')
    started = time.monotonic()

    with pytest.raises(UnreadableAnswerError):
        read_response(OPERATION, hostile)

    assert time.monotonic() - started < 1
