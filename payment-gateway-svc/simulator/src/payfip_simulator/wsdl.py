"""The service's description, enough for a SOAP client that has never heard of us."""

from __future__ import annotations

from lxml import etree

from payfip_simulator.soap import OPERATIONS

_REQUEST = "http://securite.service.tpa.cp.finances.gouv.fr/requete"
_RESPONSE = "http://securite.service.tpa.cp.finances.gouv.fr/reponse"
_FAULTS = (
    "FonctionnelleErreur",
    "TechDysfonctionnementErreur",
    "TechIndisponibiliteErreur",
    "TechProtocolaireErreur",
)
_CREATION = ("exer", "mel", "montant", "numcli", "objet", "refdet", "saisie", "urlnotif", "urlredirect")
_DETAIL = (
    "dattrans", "exer", "heurtrans", "idOp", "mel", "montant",
    "numauto", "numcli", "objet", "refdet", "resultrans", "saisie",
)  # fmt: skip
_CLIENT = ("libelleN1", "libelleN2", "libelleN3", "numcli")
_OPERATIONS = {
    "creerPaiementSecurise": (
        ("CreerPaiementSecuriseRequest", _CREATION),
        ("CreerPaiementSecuriseResponse", ("idOp",)),
    ),
    "recupererDetailClient": (
        ("RecupererDetailClientRequest", ("numCli",)),
        ("RecupererDetailClientResponse", _CLIENT),
    ),
    "recupererDetailPaiementSecurise": (
        ("RecupererDetailPaiementSecuriseRequest", ("idOp",)),
        ("RecupererDetailPaiementSecuriseResponse", _DETAIL),
    ),
}


def wsdl(address: str) -> bytes:
    """The WSDL 1.1 document of the service at ``address``."""
    text = f"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="{OPERATIONS}" xmlns:req="{_REQUEST}"
 xmlns:rep="{_RESPONSE}" name="PaiementSecuriseService" targetNamespace="{OPERATIONS}">
<wsdl:types>
<xs:schema targetNamespace="{_REQUEST}">{"".join(_type(*pair[0]) for pair in _OPERATIONS.values())}</xs:schema>
<xs:schema targetNamespace="{_RESPONSE}">{"".join(_type(*pair[1]) for pair in _OPERATIONS.values())}</xs:schema>
<xs:schema targetNamespace="{OPERATIONS}">
<xs:import namespace="{_REQUEST}"/><xs:import namespace="{_RESPONSE}"/>
{"".join(_elements(name) for name in _OPERATIONS)}{"".join(_fault_element(name) for name in _FAULTS)}
</xs:schema>
</wsdl:types>
{"".join(_messages(name) for name in _OPERATIONS)}
{"".join(_message(name, name, "fault") for name in _FAULTS)}
<wsdl:portType name="PaiementSecuriseService">{"".join(_port(name) for name in _OPERATIONS)}</wsdl:portType>
<wsdl:binding name="PaiementSecuriseServicePortBinding" type="tns:PaiementSecuriseService">
<soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
{"".join(_binding(name) for name in _OPERATIONS)}
</wsdl:binding>
<wsdl:service name="PaiementSecuriseService">
<wsdl:port name="PaiementSecuriseServicePort" binding="tns:PaiementSecuriseServicePortBinding">
<soap:address location=""/>
</wsdl:port>
</wsdl:service>
</wsdl:definitions>"""
    document = etree.fromstring(text.encode())
    location = document.find(".//{http://schemas.xmlsoap.org/wsdl/soap/}address")
    if location is not None:
        location.set("location", address)
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8")


def _type(name: str, fields: tuple[str, ...]) -> str:
    elements = "".join(f'<xs:element name="{field}" type="xs:string" minOccurs="0"/>' for field in fields)
    return f'<xs:complexType name="{name}"><xs:sequence>{elements}</xs:sequence></xs:complexType>'


def _elements(operation: str) -> str:
    (request, _), (response, _) = _OPERATIONS[operation]
    return _wrapper(operation, "arg0", f"req:{request}") + _wrapper(f"{operation}Response", "return", f"rep:{response}")


def _wrapper(element: str, child: str, kind: str) -> str:
    return (
        f'<xs:element name="{element}"><xs:complexType><xs:sequence>'
        f'<xs:element name="{child}" type="{kind}" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>'
    )


def _fault_element(name: str) -> str:
    texts = "".join(
        f'<xs:element name="{field}" type="xs:string" minOccurs="0"/>'
        for field in ("code", "descriptif", "libelle", "message")
    )
    return (
        f'<xs:element name="{name}"><xs:complexType><xs:sequence>{texts}'
        '<xs:element name="severite" type="xs:int"/></xs:sequence></xs:complexType></xs:element>'
    )


def _messages(operation: str) -> str:
    response = f"{operation}Response"
    return _message(operation, operation, "parameters") + _message(response, response, "parameters")


def _message(name: str, element: str, part: str) -> str:
    return f'<wsdl:message name="{name}"><wsdl:part name="{part}" element="tns:{element}"/></wsdl:message>'


def _port(operation: str) -> str:
    faults = "".join(f'<wsdl:fault name="{name}" message="tns:{name}"/>' for name in _FAULTS)
    return (
        f'<wsdl:operation name="{operation}"><wsdl:input message="tns:{operation}"/>'
        f'<wsdl:output message="tns:{operation}Response"/>{faults}</wsdl:operation>'
    )


def _binding(operation: str) -> str:
    faults = "".join(
        f'<wsdl:fault name="{name}"><soap:fault name="{name}" use="literal"/></wsdl:fault>' for name in _FAULTS
    )
    literal = '<soap:body use="literal"/>'
    return (
        f'<wsdl:operation name="{operation}"><soap:operation soapAction=""/><wsdl:input>{literal}</wsdl:input>'
        f"<wsdl:output>{literal}</wsdl:output>{faults}</wsdl:operation>"
    )
