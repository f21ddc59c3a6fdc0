"""Double entry: each movement is a set of postings whose debits equal its credits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RECEIVABLE = "receivable"
REVENUE = "revenue"
FAMILY_CREDIT = "family_credit"
MEANS_ACCOUNTS = {
    "payfip": "bank:payfip",
    "cash": "cash",
    "cheque": "cheques",
    "card_terminal": "card_terminal",
    "family_credit": FAMILY_CREDIT,
}
"""Where money of each means comes in."""


class UnbalancedError(ValueError):
    """Debits differ from credits: a programming error, which the database would refuse too."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a movement; exactly one of the two amounts is positive."""

    account: str
    debit_minor: int
    credit_minor: int

    def __post_init__(self) -> None:
        if min(self.debit_minor, self.credit_minor) != 0 or max(self.debit_minor, self.credit_minor) <= 0:
            message = f"not a posting: {self.debit_minor} / {self.credit_minor}"
            raise UnbalancedError(message)


@dataclass(frozen=True, slots=True)
class Movement:
    """A balanced set of postings, for one household and, mostly, one document."""

    kind: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        debits = sum(posting.debit_minor for posting in self.postings)
        credits_ = sum(posting.credit_minor for posting in self.postings)
        if debits != credits_ or not self.postings:
            message = f"{self.kind}: {debits} debited, {credits_} credited"
            raise UnbalancedError(message)


def transfer(kind: str, amount_minor: int, debit: str, credit: str) -> Movement:
    """``amount_minor`` debited from one account, credited to the other."""
    return Movement(kind, (Posting(debit, amount_minor, 0), Posting(credit, 0, amount_minor)))


def invoice_issued(amount_minor: int) -> Movement:
    return transfer("invoice", amount_minor, RECEIVABLE, REVENUE)


def unpaid_invoice_credited(amount_minor: int) -> Movement:
    """A credit note for an invoice nobody paid."""
    return transfer("credit_note", amount_minor, REVENUE, RECEIVABLE)


def paid_lines_credited(amount_minor: int) -> Movement:
    """A credit note for lines that were paid: the family keeps the money as credit."""
    return transfer("credit_note", amount_minor, REVENUE, FAMILY_CREDIT)


def money_allocated(means: str, amount_minor: int) -> Movement:
    """Money, or the family's credit, settles an invoice."""
    return transfer("payment", amount_minor, MEANS_ACCOUNTS[means], RECEIVABLE)


def money_kept(means: str, amount_minor: int) -> Movement:
    """Money came in that settles nothing: it becomes the family's credit."""
    return transfer("payment_kept", amount_minor, MEANS_ACCOUNTS[means], FAMILY_CREDIT)


def balances(movements: Iterable[Movement]) -> dict[str, int]:
    """Debits minus credits of each account."""
    result: dict[str, int] = {}
    for movement in movements:
        for posting in movement.postings:
            result[posting.account] = result.get(posting.account, 0) + posting.debit_minor - posting.credit_minor
    return result
