"""What the templates print: every sentence and amount ready in French, nothing computed in the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency

from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine
from billing_svc.domain.states import InvoiceState

_LOCALE = "fr_FR"
_KINDS = {
    ActivityKind.MEAL: "Repas",
    ActivityKind.CHILDCARE: "Garde (accueil périscolaire et de loisirs)",
    ActivityKind.OTHER: "Autres prestations",
    ActivityKind.UNSPECIFIED: "Autres prestations",
}
_MEANS = {
    "payfip": "carte bancaire en ligne (PayFiP)",
    "cash": "espèces, au guichet",
    "cheque": "chèque, au guichet",
    "card_terminal": "carte bancaire, au guichet",
    "family_credit": "avoir de la famille",
    "none": "sans objet (montant nul)",
}
_PAID_BY = {
    "payfip": "par carte bancaire en ligne (PayFiP)",
    "cash": "en espèces, au guichet",
    "cheque": "par chèque, au guichet",
    "card_terminal": "par carte bancaire, au guichet",
    "family_credit": "par l'avoir de la famille",
    "none": "sans rien à verser",
}
DEFAULT_VAT_MENTION = "TVA non applicable, art. 256 B du CGI"

_UNPAID = (
    "Les sommes dues et non réglées peuvent être recouvrées par titre exécutoire (CGCT, art. L1617-5), "
    "contestable dans les deux mois devant le juge compétent."
)
_PRIVACY = (
    "Vos données servent à la gestion des inscriptions, de la facturation et du recouvrement. Vous pouvez les "
    "consulter et les faire rectifier auprès de la commune de {town} (RGPD)."
)


def euros(amount_minor: int) -> str:
    """``54,00 €``, with non-breaking spaces."""
    return format_currency(Decimal(amount_minor) / 100, "EUR", locale=_LOCALE)


def day_text(day: date) -> str:
    """``1er septembre 2025``, ``2 septembre 2025``."""
    text = f"{'1er' if day.day == 1 else day.day} {format_date(day, 'MMMM y', locale=_LOCALE)}"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def days_text(days: Sequence[date]) -> str:
    """``1, 2 et 4 septembre 2025 ; 3 octobre 2025``."""
    months = []
    for _, group in groupby(sorted(days), key=lambda day: (day.year, day.month)):
        month = list(group)
        numbers = ["1er" if day.day == 1 else str(day.day) for day in month]
        listed = numbers[0] if len(numbers) == 1 else f"{', '.join(numbers[:-1])} et {numbers[-1]}"
        months.append(f"{listed} {format_date(month[0], 'MMMM y', locale=_LOCALE)}")
    return "\N{NO-BREAK SPACE}; ".join(months)


def document_view(document: Document, *, is_payable_online: bool) -> dict[str, Any]:
    """The data of ``document.typ``."""
    is_note = document.kind is DocumentKind.CREDIT_NOTE
    title = "Avoir" if is_note else "Facture"
    days = [line.day for line in document.lines]
    return {
        **_head(document, f"{title} n° {document.number}"),
        "heading": title,
        "number": document.number,
        "issued": f"Émis{'' if is_note else 'e'} le {_instant(document, document.issued_at)}",
        "period": _period(days),
        "corrects": _corrects(document),
        "rows": _rows(document.lines),
        "subtotals": _subtotals(document.lines),
        "total_label": _total_label(document),
        "total": euros(document.total_minor),
        "settlement": _settlement(document),
        "state": _state(document),
        "payment": [] if is_note else _payment_text(document, is_payable_online=is_payable_online),
        "legal": _legal(document),
    }


def receipt_view(document: Document) -> dict[str, Any]:
    """The data of ``receipt.typ``."""
    paid_at = document.paid_at or document.issued_at
    return {
        **_head(document, f"Quittance n° {document.receipt_number}"),
        "heading": "Quittance",
        "number": document.receipt_number,
        "issued": f"Reçu le {_instant(document, paid_at)}",
        "facts": [
            ["Reçu de", document.payer_name],
            ["Pour la facture", f"{document.number} du {day_text(_local(document, document.issued_at).date())}"],
            ["Moyen de paiement", _MEANS.get(document.means, document.means)],
            ["Prestations", _period([line.day for line in document.lines]) or "-"],
        ],
        "subtotals": _subtotals(document.lines),
        "total_label": "Montant reçu",
        "total": euros(document.total_minor),
        "settlement": [],
        "legal": _legal(document)[:1],
    }


def _head(document: Document, title: str) -> dict[str, Any]:
    issuer = document.issuer
    contact = [issuer.office_name, issuer.office_phone, issuer.office_email]
    return {
        "title": f"{title} – {issuer.town_name}",
        "town": issuer.town_name,
        "address": [part for part in issuer.office_address.splitlines() if part],
        "siret": _spaced_siret(issuer.siret),
        "till": issuer.till_name,
        "contact": [part for part in contact if part],
        "payer": document.payer_name,
        "payer_address": [part for part in document.payer_address.splitlines() if part],
    }


def _rows(lines: Iterable[DocumentLine]) -> list[dict[str, str]]:
    groups: dict[tuple[str, str, str, int, str], list[date]] = {}
    for line in lines:
        key = (line.child_name, line.activity_id, line.activity_name, line.price_minor, line.computation)
        groups.setdefault(key, []).append(line.day)
    return [
        {
            "child": child,
            "activity": activity,
            "days": days_text(days),
            "computation": computation,
            "quantity": str(len(days)),
            "price": euros(price),
            "amount": euros(price * len(days)),
        }
        for (child, _, activity, price, computation), days in groups.items()
    ]


def _subtotals(lines: Iterable[DocumentLine]) -> list[list[str]]:
    sums: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: line.kind or ActivityKind.OTHER):
        label = _KINDS[line.kind]
        sums[label] = sums.get(label, 0) + line.price_minor
    return [[label, euros(amount)] for label, amount in sums.items()]


def _period(days: Sequence[date]) -> str:
    if not days:
        return ""
    first, last = min(days), max(days)
    return f"le {day_text(first)}" if first == last else f"du {day_text(first)} au {day_text(last)}"


def _corrects(document: Document) -> str:
    if document.kind is not DocumentKind.CREDIT_NOTE or document.related_issued_at is None:
        return ""
    issued_on = _local(document, document.related_issued_at).date()
    return f"Annule, pour les lignes ci-dessous, la facture {document.related_number} du {day_text(issued_on)}."


def _state(document: Document) -> str:
    if document.kind is DocumentKind.CREDIT_NOTE:
        return ""
    if document.status is InvoiceState.PAID and document.paid_at is not None:
        return f"Payée {_paid_how(document, document.paid_at)}. Quittance n° {document.receipt_number}."
    if document.status is InvoiceState.CANCELLED:
        return f"Annulée par l'avoir {document.related_number}. Cette facture n'est plus à payer."
    return "À payer."


def _paid_how(document: Document, paid_at: datetime) -> str:
    return f"le {_instant(document, paid_at)}, {_PAID_BY.get(document.means, document.means)}"


def _total_label(document: Document) -> str:
    if document.kind is DocumentKind.CREDIT_NOTE:
        return "Total de l'avoir"
    return "Total à payer" if document.status is InvoiceState.ISSUED else "Total de la facture"


def _settlement(document: Document) -> list[list[str]]:
    """What became of the total, down to what is left to pay; nothing while the whole is due."""
    if document.kind is DocumentKind.CREDIT_NOTE or document.status is InvoiceState.ISSUED:
        return []
    if document.status is InvoiceState.PAID and document.paid_at is not None:
        settled = [f"Payé {_paid_how(document, document.paid_at)}", euros(document.total_minor)]
    else:
        settled = [f"Annulé par l'avoir {document.related_number}", euros(-document.total_minor)]
    return [settled, ["Reste à payer", euros(0)]]


def _payment_text(document: Document, *, is_payable_online: bool) -> list[str]:
    if document.status is not InvoiceState.ISSUED:
        return []
    reference = document.number.replace("-", "")
    office = document.issuer.office_name or "la mairie"
    online = f"En ligne : par carte bancaire sur le site de la commune (PayFiP, référence {reference})."
    result = [
        *([online] if is_payable_online else []),
        f"En présentiel : en espèces, par chèque ou par carte bancaire, auprès de : {office}.",
    ]
    if document.payable_until is not None:
        result.append(
            f"Date limite de paiement : {_instant(document, document.payable_until)}. "
            "Passé ce délai, les places sont libérées et cette facture est annulée par un avoir."
        )
    return result


def _legal(document: Document) -> list[str]:
    issuer = document.issuer
    contact = " ou ".join(part for part in (issuer.office_phone, issuer.office_email) if part) or issuer.town_name
    is_due = document.kind is DocumentKind.INVOICE and document.status is InvoiceState.ISSUED
    return [
        issuer.vat_mention or DEFAULT_VAT_MENTION,
        *([_UNPAID] if is_due else []),
        f"Une question, une réclamation : {issuer.office_name or issuer.town_name}, {contact}.",
        _PRIVACY.format(town=issuer.town_name),
    ]


def _spaced_siret(siret: str) -> str:
    if not siret:
        return ""
    return "\N{NO-BREAK SPACE}".join((siret[:3], siret[3:6], siret[6:9], siret[9:]))


def _local(document: Document, instant: datetime) -> datetime:
    return instant.astimezone(ZoneInfo(document.issuer.time_zone))


def _instant(document: Document, instant: datetime) -> str:
    local = _local(document, instant)
    hour = format_time(local, "H 'h' mm", locale=_LOCALE).replace(" ", "\N{NO-BREAK SPACE}")
    return f"{day_text(local.date())} à {hour}"
