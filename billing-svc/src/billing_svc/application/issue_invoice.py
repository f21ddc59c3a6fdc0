"""The whole basket becomes one immutable invoice."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.ids import IdFactory

from billing_svc.application.get_basket import Patience
from billing_svc.application.ports import (
    BooksFactory,
    HouseholdDirectory,
    InvoiceDesk,
    IssueAnswer,
    IssueOrder,
    PaymentGateway,
    RequestKey,
    RevisionBoard,
)
from billing_svc.application.queries import BasketPage, BasketReads
from billing_svc.application.settle_invoice import settle_free_invoice
from billing_svc.application.start_payment import MINIMUM_MINOR
from billing_svc.domain.documents import Document
from billing_svc.domain.errors import (
    BasketChangedError,
    BasketEmptyError,
    BasketTooSmallError,
    InvoiceNotFoundError,
    KeyReusedError,
    TillMissingError,
)


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    request: RequestKey
    min_revision: int
    expected_minor: int
    token: str
    pays_online: bool = False


@dataclass(frozen=True, slots=True)
class IssuePorts:
    desk: InvoiceDesk
    directory: HouseholdDirectory
    board: RevisionBoard
    reads: BasketReads
    gateway: PaymentGateway
    books: BooksFactory
    clock: Clock
    ids: IdFactory


async def issue_invoice(command: IssueInvoice, context: Context, ports: IssuePorts) -> Document:
    """The invoice; the same request gives the same one.

    ``PRECONDITION/AMOUNT_TOO_SMALL``, and nothing issued, for who wants to pay online less than the provider takes.
    """
    household_id = context.require_household()
    if command.pays_online and 0 < command.expected_minor < MINIMUM_MINOR:
        await _refuse_small(command, household_id, context, ports)
    names = await ports.directory.names(command.token)
    order = IssueOrder(
        household_id=household_id,
        request=command.request,
        min_revision=command.min_revision,
        expected_minor=command.expected_minor,
        invoice_id=str(ports.ids.new()),
        issued_at=ports.clock.now(),
        payer_name=names.payer_name,
        payer_address=names.payer_address,
        child_names=names.child_names,
    )
    answer = await _issue(order, context, ports)
    _refuse(answer, order)
    if order.expected_minor == 0:
        await settle_free_invoice(answer.invoice_id, context, ports.books, ports.clock, ports.ids)
    document = await ports.desk.document(context, answer.invoice_id, household_id)
    if document is None:
        raise InvoiceNotFoundError
    return document


async def _refuse_small(command: IssueInvoice, household_id: str, context: Context, ports: IssuePorts) -> None:
    """Before a number is taken: an invoice that its payer cannot pay as wished would only have to be cancelled.

    Where the town has no online payment the counter takes any amount, and the invoice is issued. A basket that is not
    what the payer saw is left to the issuing itself, which also knows whether the request was made before.
    """
    if not await ports.gateway.is_open(command.token):
        return
    patience = Patience(ports.board, context, household_id)
    page = BasketPage(household_id=household_id, min_revision=command.min_revision, limit=1, offset=0)
    while (basket := await ports.reads.basket(context, page)).revision < command.min_revision:
        await patience.pause(basket.revision, command.min_revision)
    if basket.count and basket.total_minor == command.expected_minor:
        raise BasketTooSmallError(basket.total_minor, MINIMUM_MINOR, basket.hold_expires_at)


async def _issue(order: IssueOrder, context: Context, ports: IssuePorts) -> IssueAnswer:
    patience = Patience(ports.board, context, order.household_id)
    while True:
        answer = await ports.desk.issue(context, order)
        if answer.outcome != "BEHIND":
            return answer
        await patience.pause(answer.revision, order.min_revision)


def _refuse(answer: IssueAnswer, order: IssueOrder) -> None:
    match answer.outcome:
        case "KEY_REUSED":
            raise KeyReusedError
        case "EMPTY":
            raise BasketEmptyError
        case "CHANGED":
            raise BasketChangedError(order.expected_minor, answer.actual_minor)
        case "NO_TILL":
            raise TillMissingError
        case _:
            return
