"""The three operations of the web service, and what its switches do to them."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from payfip_simulator import rules
from payfip_simulator.clock import PARIS, Clock
from payfip_simulator.payments import Payment, State
from payfip_simulator.soap import PROTOCOL, UNAVAILABLE, Call, SoapFaultError, answer, fault, read_call
from payfip_simulator.store import Store
from payfip_simulator.web import Request, Response
from payfip_simulator.wsdl import wsdl

_XML = "text/xml; charset=utf-8"
_UNKNOWN_RESULT = "K"


class SoapService:
    """``/tpa/services/securite``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def description(self, request: Request) -> Response:
        address = f"http://{request.headers.get('host', 'localhost')}{request.path}"
        return Response(wsdl(address), content_type=_XML)

    async def call(self, request: Request) -> Response:
        switches = self._store.switches
        if switches.slow:
            await asyncio.sleep(switches.slow)
        if switches.bad_gateway:
            return Response(b"<html><body>502 Bad Gateway</body></html>", 502)
        try:
            if switches.technical_fault:
                raise SoapFaultError("TECH", "Service momentanément indisponible", UNAVAILABLE)
            call = read_call(request.body)
            return Response(answer(call.operation, self._run(call)), content_type=_XML)
        except SoapFaultError as error:
            return Response(fault(error), 500, _XML)

    def find(self, id_op: str) -> Payment | None:
        """The operation, unless the night has taken it."""
        payment = self._store.find(id_op)
        if payment and payment.is_purged(self._clock.now(), self._clock.last_night()):
            self._store.delete(id_op)
            return None
        return payment

    def _run(self, call: Call) -> dict[str, str]:
        if call.operation == "creerPaiementSecurise":
            return self._create(call.fields)
        if call.operation == "recupererDetailPaiementSecurise":
            return self._detail(call.fields.get("idOp", ""))
        if call.operation == "recupererDetailClient":
            return self._client(call.fields.get("numCli", ""))
        raise SoapFaultError("XML", "Opération inconnue", PROTOCOL)

    def _create(self, fields: dict[str, str]) -> dict[str, str]:
        rules.check_creation(fields)
        payment = Payment(
            id_op=str(uuid4()),
            exer=fields["exer"],
            mel=fields["mel"],
            montant=fields["montant"],
            numcli=fields["numcli"],
            objet=fields.get("objet", ""),
            refdet=fields["refdet"],
            saisie=fields["saisie"],
            urlnotif=fields["urlnotif"],
            urlredirect=fields["urlredirect"],
            created_at=self._clock.now(),
        )
        self._store.save(payment)
        return {"idOp": payment.id_op}

    def _detail(self, id_op: str) -> dict[str, str]:
        payment = self.find(id_op)
        if payment is None:
            raise rules.refusal("P1")
        if not payment.state.is_final or payment.concluded_at is None:
            raise rules.refusal("P5")
        switches = self._store.switches
        concluded = payment.concluded_at.astimezone(PARIS)
        detail = {
            "dattrans": concluded.strftime("%d%m%Y"),
            "exer": payment.exer,
            "heurtrans": concluded.strftime("%H%M"),
            "idOp": payment.id_op,
            "mel": payment.mel,
            "montant": str(int(payment.montant) + 100) if switches.wrong_amount else payment.montant,
            "numcli": payment.numcli,
            "objet": payment.objet,
            "refdet": payment.refdet,
            "resultrans": _UNKNOWN_RESULT if switches.unknown_result else payment.state.value,
            "saisie": payment.saisie,
        }
        if payment.state in {State.PAID_BY_CARD, State.PAID_BY_DEBIT}:
            detail["numauto"] = payment.numauto
        return detail

    def _client(self, number: str) -> dict[str, str]:
        rules.check_client(number)
        return {
            "libelleN1": "REGIE DE RECETTES",
            "libelleN2": "CANTINE ET PERISCOLAIRE",
            "libelleN3": "SIMULATEUR",
            "numcli": number,
        }
