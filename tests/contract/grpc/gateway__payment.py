"""What the gateway counts on in payment."""

from __future__ import annotations

from preau.payment.v1.payment_service_pb2 import GetPaymentRequest, HandleNotificationRequest
from preau_kernel.errors import ErrorKind

from tests.contract.grpc.gateway_contract import Contract, refused

NOBODY = "0190c1a8-0000-7000-8000-000000000000"


async def expect_an_unknown_attempt_is_not_found(contract: Contract) -> None:
    token = await contract.token()
    await refused(contract.clients.payment.get_payment(token, GetPaymentRequest(id=NOBODY)), ErrorKind.NOT_FOUND)


async def expect_a_notification_of_nothing_known_is_taken_without_a_word(contract: Contract) -> None:
    token = await contract.clients.service_token(contract.town)
    for query in ("idop=does-not-exist", "", "idop=%00&idop=b", "x" * 5_000):
        request = HandleNotificationRequest(provider="payfip", query=query, body=b"\xff\x00", content_type="text/xml")
        answer = await contract.clients.payment.handle_notification(token, request)
        assert answer.is_known is False
