"""SOAP 1.1, document/literal, as the real service speaks it: qualified operations, unqualified fields."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element as Element

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
OPERATIONS = (
    "http://securite.service.tpa.cp.finances.gouv.fr/services/mas_securite/"
    "contrat_paiement_securise/PaiementSecuriseService"
)
_EXCEPTIONS = "fr.gouv.finances.cp.tpa.webservice.exceptions"
FUNCTIONAL = "FonctionnelleErreur"
PROTOCOL = "TechProtocolaireErreur"
UNAVAILABLE = "TechIndisponibiliteErreur"


class SoapFaultError(Exception):
    """A refusal in the service's own words."""

    def __init__(self, code: str, label: str, kind: str = FUNCTIONAL) -> None:
        super().__init__(code)
        self.code = code
        self.label = label
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Call:
    """An operation and its fields, as text."""

    operation: str
    fields: dict[str, str]


def read_call(body: bytes) -> Call:
    """``SoapFaultError`` when the body is not an envelope with one qualified operation and its ``arg0``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise SoapFaultError("XML", "Message illisible", PROTOCOL) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFaultError("XML", "DTD interdite", PROTOCOL)
    operation = root.find(f"{{{ENVELOPE}}}Body/*")
    argument = None if operation is None else operation.find("arg0")
    if operation is None or argument is None or not str(operation.tag).startswith(f"{{{OPERATIONS}}}"):
        raise SoapFaultError("XML", "Opération inconnue", PROTOCOL)
    fields = {str(child.tag): (child.text or "").strip() for child in argument}
    if list(fields) != sorted(fields, key=str.lower):
        # The schema is a sequence in alphabetical order; the real service answers a parsing fault.
        raise SoapFaultError("XML", "Champs hors séquence", PROTOCOL)
    return Call(str(operation.tag).rpartition("}")[2], fields)


def answer(operation: str, fields: dict[str, str]) -> bytes:
    """The ``<operation>Response`` envelope."""
    envelope, body = _envelope()
    response = etree.SubElement(body, f"{{{OPERATIONS}}}{operation}Response", nsmap={"ns2": OPERATIONS})
    _append(etree.SubElement(response, "return"), fields)
    return _bytes(envelope)


def fault(error: SoapFaultError) -> bytes:
    """The fault envelope; HTTP status 500 goes with it."""
    envelope, body = _envelope()
    element = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    etree.SubElement(element, "faultcode").text = "S:Server"
    etree.SubElement(element, "faultstring").text = f"{_EXCEPTIONS}.{error.kind}"
    detail = etree.SubElement(element, "detail")
    _append(
        etree.SubElement(detail, f"{{{OPERATIONS}}}{error.kind}", nsmap={"ns2": OPERATIONS}),
        {
            "code": error.code,
            "descriptif": error.label,
            "libelle": error.label,
            "message": error.label,
            "severite": "2",
        },
    )
    return _bytes(envelope)


def _envelope() -> tuple[Element, Element]:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"S": ENVELOPE})
    return envelope, etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")


def _append(parent: Element, fields: dict[str, str]) -> None:
    for name in sorted(fields, key=str.lower):
        etree.SubElement(parent, name).text = fields[name]


def _bytes(envelope: Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
