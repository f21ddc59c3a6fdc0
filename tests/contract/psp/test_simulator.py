"""The simulator is honest: a SOAP client that knows only its WSDL can use it, and its page is one a person can use."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import zeep
from lxml import etree
from payment_gateway_svc.adapters.psp.payfip_rules import Account, creation_fields
from payment_gateway_svc.adapters.psp.payfip_wire import build_request
from payment_gateway_svc.domain.attempt import Outcome

from tests.contract.psp.parts import ACCEPTED, Payfip

FIELDS = {
    "exer": "2025",
    "mel": "parent@example.org",
    "montant": "5400",
    "numcli": "090909",
    "objet": "Cantine",
    "refdet": "CP2025000123",
    "saisie": "T",
    "urlnotif": "http://casepilote.localhost:8080/webhooks/payfip",
    "urlredirect": "http://casepilote.localhost:8080/paiement/retour/1",
}


@pytest.fixture(scope="module")
def reference(simulator: str) -> Any:
    return zeep.Client(  # type: ignore[no-untyped-call]
        f"{simulator}/tpa/services/securite?wsdl"
    )


def test_the_adapters_message_is_the_one_a_reference_client_builds(reference: Any, payfip: Payfip) -> None:
    fields = creation_fields(payfip.order(), Account.of(payfip.settings))

    ours = etree.fromstring(build_request("creerPaiementSecurise", fields))
    theirs = reference.create_message(reference.service, "creerPaiementSecurise", arg0=fields)

    assert etree.tostring(ours, method="c14n") == etree.tostring(theirs, method="c14n")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [("recupererDetailPaiementSecurise", {"idOp": "x"}), ("recupererDetailClient", {"numCli": "090909"})],
)
def test_so_are_the_two_others(reference: Any, operation: str, fields: Any) -> None:
    ours = etree.fromstring(build_request(operation, fields))
    theirs = reference.create_message(reference.service, operation, arg0=fields)

    assert etree.tostring(ours, method="c14n") == etree.tostring(theirs, method="c14n")


def test_a_reference_client_creates_looks_up_and_describes(reference: Any, simulator: str) -> None:
    id_op = reference.service.creerPaiementSecurise(arg0=FIELDS)
    httpx.post(f"{simulator}/admin/api/payments/{id_op}/result", json={"result": "P"}).raise_for_status()

    detail = reference.service.recupererDetailPaiementSecurise(arg0={"idOp": id_op})
    client = reference.service.recupererDetailClient(arg0={"numCli": "090909"})

    assert (detail.resultrans, detail.montant, detail.idOp) == ("P", "5400", id_op)
    assert re.fullmatch(r"\d{8}", detail.dattrans)
    assert re.fullmatch(r"\d{4}", detail.heurtrans)
    assert len(detail.numauto) == 6
    assert client.numcli == "090909"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"refdet": "ABCD"}, "R3"),
        ({"refdet": "CP-2025-1"}, "R3"),
        ({"mel": None}, "A1"),
        ({"mel": "nobody"}, "A2"),
        ({"montant": "54,00"}, "M1"),
        ({"montant": "99"}, "M3"),
        ({"montant": "10000000"}, "M5"),
        ({"numcli": "12"}, "T1"),
        ({"numcli": "١٢٣٤٥٦"}, "T1"),
        ({"montant": "٥٤٠٠"}, "M1"),
        ({"numcli": "999999"}, "T2"),
        ({"numcli": "999998"}, "T4"),
        ({"saisie": "M"}, "S1"),
        ({"urlnotif": "nowhere"}, "N1"),
        ({"urlredirect": "http://x/" + "a" * 242}, "D1"),
        ({"urlnotif": "http://x:port/"}, "N1"),
    ],
)
def test_wrong_fields_are_refused_with_the_services_codes(reference: Any, change: dict[str, Any], code: str) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        reference.service.creerPaiementSecurise(arg0=FIELDS | change)

    assert caught.value.code == "S:Server"
    assert caught.value.message == "fr.gouv.finances.cp.tpa.webservice.exceptions.FonctionnelleErreur"
    assert caught.value.detail.findtext(".//code") == code


@pytest.mark.parametrize(
    "change",
    [
        {"montant": "100"},
        {"montant": "9999999"},
        {"refdet": "abc123"},
        {"refdet": "A" * 30},
        {"mel": "a@b.fr"},
        {"mel": "a" * 73 + "@b.fr.x"},
        {"urlnotif": "http://x/" + "a" * 241},
        {"urlredirect": "https://x/" + "a" * 240},
    ],
)
def test_the_limits_themselves_are_accepted(reference: Any, change: dict[str, Any]) -> None:
    assert reference.service.creerPaiementSecurise(arg0=FIELDS | change)


@pytest.mark.parametrize("id_op", ["unknown", None])
def test_an_unknown_operation_is_p1_and_an_unfinished_one_p5(reference: Any, id_op: str | None) -> None:
    known = id_op or reference.service.creerPaiementSecurise(arg0=FIELDS)

    with pytest.raises(zeep.exceptions.Fault) as caught:
        reference.service.recupererDetailPaiementSecurise(arg0={"idOp": known})

    assert caught.value.detail.findtext(".//code") == ("P1" if id_op else "P5")


@pytest.mark.parametrize("body", [b"", b"<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"x" * 70_000])
async def test_what_is_no_soap_message_is_refused_politely(payfip: Payfip, body: bytes) -> None:
    response = await payfip.browser.post("/tpa/services/securite", content=body)

    assert response.status_code in {400, 500}
    assert (await payfip.browser.get("/healthz")).status_code == 200


async def test_fields_out_of_order_are_refused_as_the_schema_is_a_sequence(payfip: Payfip) -> None:
    message = build_request("creerPaiementSecurise", FIELDS).replace(b"<exer>2025</exer>", b"")
    message = message.replace(b"</arg0>", b"<exer>2025</exer></arg0>")

    response = await payfip.browser.post("/tpa/services/securite", content=message)

    assert response.status_code == 500
    assert "TechProtocolaireErreur" in response.text


async def test_the_page_says_what_it_is_and_every_field_has_its_label(payfip: Payfip) -> None:
    page = (await payfip.open(await payfip.create())).text

    assert "Simulateur PayFiP : aucune carte n'est débitée" in page
    assert '<html lang="fr">' in page
    assert "54,00\u00a0€" in page
    assert "4111 1111 1111 1111" in page
    tree = etree.HTML(page)
    for name, label in (("number", "Numéro de carte"), ("expiry", "Expiration"), ("code", "Cryptogramme")):
        assert tree.xpath(f"string(//label[@for='{name}'])") == label
        assert tree.xpath(f"//input[@id='{name}' and @name='{name}']")
    assert tree.xpath("//button/text()") == ["Payer", "Abandonner"]
    assert tree.xpath("//script") == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number": ""}, "Saisissez le numéro de la carte."),
        ({"number": "1234"}, "Ce numéro n'est pas celui d'une carte d'essai."),
        ({"expiry": "13/30"}, "sous la forme MM/AA"),
        ({"expiry": "01/20"}, "Cette carte a expiré."),
        ({"code": "12"}, "trois chiffres"),
    ],
)
async def test_a_mistake_is_explained_beside_its_field_and_nothing_is_decided(
    payfip: Payfip, changes: dict[str, str], sentence: str
) -> None:
    redirection = await payfip.create()
    await payfip.open(redirection)
    fields = {"number": ACCEPTED, "expiry": "12/30", "code": "123", "action": "pay"} | changes

    response = await payfip.submit(redirection, **fields)

    assert response.status_code == 422
    tree = etree.HTML(response.text)
    (name,) = changes
    assert sentence in str(tree.xpath(f"string(//*[@id='{name}-error'])"))
    assert tree.xpath(f"//input[@id='{name}' and @aria-invalid='true']")
    assert tree.xpath(f"//div[@role='alert']//a[@href='#{name}']")
    assert "4111111111111111" not in response.text
    assert (await payfip.look_up(redirection)).outcome is Outcome.WAITING


async def test_a_card_cannot_be_sent_to_an_operation_that_was_never_opened(payfip: Payfip) -> None:
    redirection = await payfip.create()

    response = await payfip.submit(redirection, number=ACCEPTED, expiry="12/30", code="123", action="pay")

    assert response.status_code == 404
    assert (await payfip.look_up(redirection)).outcome is Outcome.WAITING


async def test_the_admin_page_shows_and_moves_the_switches(payfip: Payfip) -> None:
    response = await payfip.browser.post(
        "/admin", data={"action": "switches", "slow": "1.5", "drop_notification": "on"}
    )

    assert response.status_code == 303
    switches = (await payfip.browser.get("/admin/api/switches")).json()
    assert (switches["slow"], switches["drop_notification"], switches["bad_gateway"]) == (1.5, True, False)
    page = etree.HTML((await payfip.browser.get("/admin")).text)
    assert page.xpath("//input[@id='drop_notification']/@checked")
    assert all(page.xpath(f"//label[@for='{name}']") for name in switches)


async def test_another_sites_page_cannot_move_the_switches(payfip: Payfip) -> None:
    headers = {"sec-fetch-site": "cross-site"}

    response = await payfip.browser.post("/admin", data={"bad_gateway": "on"}, headers=headers)
    by_form = await payfip.browser.post("/admin/api/switches", content=b'{"bad_gateway": true}')

    assert (response.status_code, by_form.status_code) == (403, 400)
    assert not (await payfip.browser.get("/admin/api/switches")).json()["bad_gateway"]


async def test_a_notification_can_be_sent_again_by_hand(payfip: Payfip) -> None:
    redirection = await payfip.create()

    assert await payfip.admin(f"payments/{redirection.provider_ref}/notify", {}) == {"status": 200}

    assert len(payfip.town.received) == 1


async def test_a_town_that_does_not_answer_does_not_keep_the_payer(payfip: Payfip) -> None:
    redirection = await payfip.create()
    await payfip.town.stop()

    assert (await payfip.pay(redirection)).status_code == 303
