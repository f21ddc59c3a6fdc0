"""PayFiP's SOAP 1.1 messages: document/literal, operations qualified, fields unqualified and in alphabetical order."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree
from lxml.etree import _Element as Element

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
OPERATIONS = (
    "http://securite.service.tpa.cp.finances.gouv.fr/services/mas_securite/"
    "contrat_paiement_securise/PaiementSecuriseService"
)
FUNCTIONAL_FAULT = "FonctionnelleErreur"
_LONGEST_WORD = 40


class UnreadableAnswerError(Exception):
    """Not an answer of the service: broken, hostile, or somebody else's."""


class PayfipFaultError(Exception):
    """The service refuses. ``kind`` is the detail's name, ``code`` its code (R3, P5, …)."""

    def __init__(self, kind: str, code: str) -> None:
        # Both go to the log, the trace and the headers of our own answer: whatever was sent, they stay short.
        self.kind = kind[:_LONGEST_WORD]
        self.code = code[:_LONGEST_WORD]
        super().__init__(f"{self.kind} {self.code}")

    @property
    def is_technical(self) -> bool:
        """Whether it says nothing about the operation: try again later."""
        return self.kind != FUNCTIONAL_FAULT


def build_request(operation: str, fields: Mapping[str, str]) -> bytes:
    """The envelope of a call. Empty fields are left out, as every field is optional in the schema."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap-env": ENVELOPE})
    body = etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")
    call = etree.SubElement(body, f"{{{OPERATIONS}}}{operation}", nsmap={"ns0": OPERATIONS})
    argument = etree.SubElement(call, "arg0")
    for name in sorted(fields, key=str.lower):
        if fields[name]:
            etree.SubElement(argument, name).text = fields[name]
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def read_response(operation: str, body: bytes) -> dict[str, str]:
    """The fields of ``return``. ``PayfipFaultError`` for a fault, ``UnreadableAnswerError`` for anything else."""
    content = _body(body)
    fault = content.find(f"{{{ENVELOPE}}}Fault")
    if fault is not None:
        raise _fault(fault)
    response = content.find(f"{{{OPERATIONS}}}{operation}Response")
    returned = None if response is None else _child(response, "return")
    if returned is None:
        raise UnreadableAnswerError("no return element")
    return _fields(returned)


def _body(document: bytes) -> Element:
    # A parser of its own each time: no entity is resolved, no DTD loaded, no address followed, no giant accepted.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UnreadableAnswerError("not XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableAnswerError("a document type is never needed")
    content = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or content is None:
        raise UnreadableAnswerError("not a SOAP envelope")
    return content


def _fault(fault: Element) -> PayfipFaultError:
    detail = _child(fault, "detail")
    if detail is None or len(detail) == 0:
        return PayfipFaultError(_text(_child(fault, "faultstring")).rpartition(".")[2] or "Fault", "")
    error = detail[0]
    return PayfipFaultError(_local_name(error), _fields(error).get("code", ""))


def _child(parent: Element, name: str) -> Element | None:
    # By local name: servers differ on whether the default namespace reaches the fields.
    return next((child for child in parent if _local_name(child) == name), None)


def _fields(parent: Element) -> dict[str, str]:
    return {_local_name(child): _text(child) for child in parent if isinstance(child.tag, str)}


def _local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()
