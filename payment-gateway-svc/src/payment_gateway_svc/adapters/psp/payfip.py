"""PayFiP (DGFiP), the web service of tills: three messages, no signature, and the look-up as the only truth."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

import httpx
from opentelemetry.trace import SpanKind
from preau_chassis.calls import remaining_seconds
from preau_chassis.logs import get_logger
from preau_chassis.telemetry import span
from preau_kernel.money import Money

from payment_gateway_svc.adapters.psp import payfip_rules as rules
from payment_gateway_svc.adapters.psp.payfip_wire import (
    PayfipFaultError,
    UnreadableAnswerError,
    build_request,
    read_response,
)
from payment_gateway_svc.application.ports import (
    Notification,
    NotifiedPayment,
    PaymentOrder,
    ProviderDescription,
    ProviderSettings,
)
from payment_gateway_svc.domain.attempt import LookUp, Outcome, Redirection
from payment_gateway_svc.domain.errors import ProviderUnavailableError

_LOG = get_logger(__name__)
_OPENING_LIMIT = timedelta(minutes=15)
_MAX_ANSWER = 262_144
_MAX_REFERENCE = 64
_FAULT_STATUS = 500
_TIME_TO_ANSWER = 0.3
_HEADERS = {"content-type": "text/xml; charset=utf-8", "soapaction": '""', "accept": "text/xml"}


class PayfipProvider:
    """Speaks for every town; each call names its account. One client, so one bounded pool, for the process."""

    name = "payfip"
    minimum = Money(rules.MIN_CENTS)

    def __init__(
        self, client: httpx.AsyncClient, total_seconds: float, allowed_hosts: frozenset[str] | None = None
    ) -> None:
        """``allowed_hosts``: where an account may say the service is, beside the DGFiP; anywhere when not given."""
        self._client = client
        self._total_seconds = total_seconds
        self._allowed_hosts = allowed_hosts

    def check_settings(self, settings: ProviderSettings) -> None:
        account = rules.Account.of(settings)
        if self._allowed_hosts is not None:
            rules.check_addresses(account, self._allowed_hosts)

    def is_test(self, settings: ProviderSettings) -> bool:
        return rules.Account.of(settings).mode == rules.TEST_MODE

    def check(self, order: PaymentOrder) -> None:
        rules.check_order(order)

    async def create(self, order: PaymentOrder, settings: ProviderSettings, now: datetime) -> Redirection:
        account = rules.Account.of(settings)
        rules.check_order(order)
        fields = rules.creation_fields(order, account)
        try:
            answer = await self._call(account, "creerPaiementSecurise", fields)
        except PayfipFaultError as fault:
            _LOG.warning("payfip.creation_refused", code=fault.code)
            raise rules.creation_refusal(fault.code) from None
        reference = answer.get("idOp", "")
        if not _is_reference(reference):
            _unavailable("no idOp")
        return Redirection(
            provider_ref=reference,
            url=f"{account.page_url}?{urlencode({'idop': reference})}",
            expires_at=now + _OPENING_LIMIT,
            facts=rules.facts_to_match(fields),
        )

    def parse_notification(self, notification: Notification) -> NotifiedPayment | None:
        texts = [notification.query]
        if notification.content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            texts.append(notification.body[:8192].decode("ascii", "replace"))
        try:
            pairs = [pair for text in texts for pair in parse_qsl(text, max_num_fields=50)]
        except ValueError:
            # Anybody may post here: more fields than PayFiP would ever send are not worth an error of ours.
            return None
        for name, value in pairs:
            if name.lower() == "idop" and _is_reference(value.strip()):
                # PayFiP does not number its notifications: one operation is one fact.
                return NotifiedPayment(provider_ref=value.strip(), external_id=value.strip())
        return None

    async def fetch_status(self, provider_ref: str, settings: ProviderSettings) -> LookUp:
        account = rules.Account.of(settings)
        try:
            fields = await self._call(account, "recupererDetailPaiementSecurise", {"idOp": provider_ref})
        except PayfipFaultError as fault:
            if fault.code in rules.LOOK_UP_CODES:
                return LookUp(rules.LOOK_UP_CODES[fault.code])
            _LOG.error("payfip.look_up_refused", code=fault.code)
            _unavailable(f"fault {fault.code}")
        letter = fields.get("resultrans", "")
        if letter not in rules.OUTCOMES:
            _LOG.warning("payfip.result_unknown", outcome=letter[:1])
        return LookUp(
            outcome=rules.OUTCOMES.get(letter, Outcome.UNKNOWN),
            facts=rules.facts_to_match(fields),
            amount=rules.amount_of(fields),
            settled_at=rules.settled_at(fields),
            is_test=fields.get("saisie") == rules.TEST_MODE,
        )

    async def describe(self, settings: ProviderSettings) -> ProviderDescription:
        account = rules.Account.of(settings)
        try:
            fields = await self._call(account, "recupererDetailClient", {"numCli": account.client_number})
        except PayfipFaultError as fault:
            return ProviderDescription(is_ok=False, code=fault.code)
        labels = (fields.get(name, "") for name in ("libelleN1", "libelleN2", "libelleN3"))
        return ProviderDescription(is_ok=True, labels=tuple(label for label in labels if label))

    async def _call(self, account: rules.Account, operation: str, fields: dict[str, str]) -> dict[str, str]:
        """The fields of the answer. ``PayfipFaultError`` for a functional fault only."""
        request = build_request(operation, fields)
        attributes = {
            "rpc.system.name": "soap",
            "rpc.method": operation,
            "server.address": httpx.URL(account.service_url).host,
        }
        with span(f"payfip {operation}", attributes, SpanKind.CLIENT) as current:
            try:
                async with asyncio.timeout(self._patience()):
                    status, body = await self._post(account.service_url, request)
                current.set_attribute("http.response.status_code", status)
                if status not in {httpx.codes.OK, _FAULT_STATUS}:
                    _unavailable(f"status {status}")
                return read_response(operation, body)
            except (TimeoutError, httpx.HTTPError, UnreadableAnswerError) as error:
                current.set_attribute("error.type", type(error).__name__)
                _unavailable(type(error).__name__)
            except PayfipFaultError as fault:
                current.set_attribute("error.type", fault.code or fault.kind)
                if fault.is_technical:
                    _unavailable(fault.kind)
                raise

    def _patience(self) -> float:
        # Give up while there is still time to say so: a caller whose own deadline passed learns nothing.
        remaining = remaining_seconds()
        if remaining is None:
            return self._total_seconds
        return min(self._total_seconds, max(remaining - _TIME_TO_ANSWER, _TIME_TO_ANSWER))

    async def _post(self, url: str, request: bytes) -> tuple[int, bytes]:
        async with self._client.stream("POST", url, content=request, headers=_HEADERS) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_ANSWER:
                    raise UnreadableAnswerError("too large")
            return response.status_code, bytes(body)


def make_client(total_seconds: float) -> httpx.AsyncClient:
    """No redirect followed, few connections. A proxy of the environment is used, as town networks need."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(total_seconds, connect=min(5.0, total_seconds)),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=30.0),
        follow_redirects=False,
    )


def _is_reference(text: str) -> bool:
    return 0 < len(text) <= _MAX_REFERENCE and text.isascii() and text.replace("-", "").isalnum()


def _unavailable(cause: str) -> NoReturn:
    _LOG.warning("payfip.unavailable", error_type=cause)
    raise ProviderUnavailableError(cause)
