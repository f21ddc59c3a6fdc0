"""What documents print, in French, and that it is an accessible PDF."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pikepdf
import pytest
from billing_svc.adapters.pdf.renderer import TypstRenderer
from billing_svc.adapters.pdf.view import days_text, document_view, euros, receipt_view
from billing_svc.application.read_documents import get_document_pdf
from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine, Issuer
from billing_svc.domain.states import InvoiceState
from preau_kernel.context import Context
from preau_kernel.errors import UnavailableError
from preau_kernel.ids import TenantId, TenantSlug

NBSP = "\N{NO-BREAK SPACE}"
ISSUED = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)


def make_document() -> Document:
    issuer = Issuer(
        "Case-Pilote",
        "America/Martinique",
        "Service scolaire",
        "Place de la mairie\n97222 Case-Pilote",
        "0596 00 00 00",
        "scolaire@example.org",
        "CP",
        "Régie cantine",
        "21972200500011",
        "",
    )
    cells = [
        ("Restauration scolaire", "a2", ActivityKind.MEAL, date(2025, 9, 1), 160),
        ("Accueil périscolaire midi", "a3", ActivityKind.CHILDCARE, date(2025, 9, 1), 35),
        ("Restauration scolaire", "a2", ActivityKind.MEAL, date(2025, 9, 2), 160),
        ("Accueil périscolaire midi", "a3", ActivityKind.CHILDCARE, date(2025, 9, 2), 35),
    ]
    lines = tuple(
        DocumentLine(
            rank, rank, rank, "c", "Maëlle Démo", activity_id, name, kind, day, price, "Tarif commune du 01/09/2025"
        )
        for rank, (name, activity_id, kind, day, price) in enumerate(cells, 1)
    )
    return Document(
        "id",
        "CP-2025-000001",
        DocumentKind.INVOICE,
        "h",
        390,
        ISSUED,
        "Camille Démo",
        "1 rue des Flamboyants",
        issuer,
        4,
        payable_until=datetime(2025, 8, 20, 14, 0, tzinfo=UTC),
        lines=lines,
    )


def view_of(document: Document, *, is_payable_online: bool = True) -> dict[str, Any]:
    return document_view(document, is_payable_online=is_payable_online)


def test_amounts_and_days_are_written_as_in_french() -> None:
    assert euros(5400) == f"54,00{NBSP}€"
    assert euros(-195) == f"-1,95{NBSP}€"
    assert days_text([date(2025, 9, 4), date(2025, 9, 1), date(2025, 9, 2)]) == "1er, 2 et 4 septembre 2025"
    assert days_text([date(2025, 9, 30), date(2025, 10, 3)]) == f"30 septembre 2025{NBSP}; 3 octobre 2025"


def test_an_invoice_shows_meals_and_childcare_apart() -> None:
    view = view_of(make_document())
    assert view["subtotals"] == [
        ["Repas", f"3,20{NBSP}€"],
        ["Garde (accueil périscolaire et de loisirs)", f"0,70{NBSP}€"],
    ]
    assert view["rows"][0] == {
        "child": "Maëlle Démo",
        "activity": "Restauration scolaire",
        "days": "1er et 2 septembre 2025",
        "computation": "Tarif commune du 01/09/2025",
        "quantity": "2",
        "price": f"1,60{NBSP}€",
        "amount": f"3,20{NBSP}€",
    }
    assert view["period"].replace(NBSP, " ") == "du 1er septembre 2025 au 2 septembre 2025"
    assert view["total"] == f"3,90{NBSP}€"


def test_an_invoice_carries_the_mentions_the_law_asks_for() -> None:
    view = view_of(make_document())
    assert view["siret"].replace(NBSP, " ") == "219 722 005 00011"
    assert view["issued"].replace(NBSP, " ") == "Émise le 20 août 2025 à 9 h 00"
    printed = " ".join([*view["legal"], *view["payment"]]).replace(NBSP, " ")
    for mention in (
        "art. 256 B du CGI",
        "L1617-5",
        "RGPD",
        "0596 00 00 00",
        "CP2025000001",
        "espèces",
        "20 août 2025 à 10 h 00",
    ):
        assert mention in printed
    assert view["state"] == "À payer."


def test_a_paid_invoice_says_when_and_how_and_asks_for_nothing_more() -> None:
    paid = replace(
        make_document(), status=InvoiceState.PAID, paid_at=ISSUED, means="payfip", receipt_number="CP-QT-2025-000001"
    )
    view = view_of(paid)
    how = "le 20 août 2025 à 9 h 00, par carte bancaire en ligne (PayFiP)"
    assert view["state"].replace(NBSP, " ") == f"Payée {how}. Quittance n° CP-QT-2025-000001."
    assert view["total_label"] == "Total de la facture"
    assert [cell.replace(NBSP, " ") for row in view["settlement"] for cell in row] == [
        f"Payé {how}", "3,90 €", "Reste à payer", "0,00 €",
    ]  # fmt: skip
    assert view["payment"] == []
    assert "L1617-5" not in " ".join(view["legal"])


def test_a_cancelled_invoice_leaves_nothing_to_pay() -> None:
    view = view_of(replace(make_document(), status=InvoiceState.CANCELLED, related_number="CP-AV-2025-000001"))
    assert view["total_label"] == "Total de la facture"
    assert [cell.replace(NBSP, " ") for row in view["settlement"] for cell in row] == [
        "Annulé par l'avoir CP-AV-2025-000001", "-3,90 €", "Reste à payer", "0,00 €",
    ]  # fmt: skip


class Office:
    """One invoice, and a payment service that says whether the town is open."""

    def __init__(self, invoice: Document, *, is_open: bool = True, is_down: bool = False) -> None:
        self._invoice = invoice
        self._is_open = is_open
        self._is_down = is_down

    async def document(self, _context: Context, _id: str, _household_id: str | None) -> Document:
        return self._invoice

    async def is_open(self, _token: str) -> bool:
        if self._is_down:
            raise UnavailableError("PROVIDER_UNAVAILABLE")
        return self._is_open


class Printer:
    def __init__(self) -> None:
        self.told: list[bool] = []

    async def document(self, _document: Document, *, is_payable_online: bool) -> bytes:
        self.told.append(is_payable_online)
        return b"%PDF"


@pytest.mark.parametrize(
    ("office", "is_payable_online"),
    [
        (Office(make_document()), True),
        (Office(make_document(), is_down=True), True),
        (Office(make_document(), is_open=False), False),
        (Office(replace(make_document(), total_minor=45)), False),
        (Office(replace(make_document(), status=InvoiceState.PAID)), False),
    ],
    ids=["open", "not known", "town without", "too small", "paid"],
)
async def test_the_pdf_sends_to_the_site_only_who_can_pay_there(office: Office, is_payable_online: bool) -> None:
    printer = Printer()
    parent = Context(TenantId(1), TenantSlug("casepilote"), "parent", frozenset({"guardian"}), "h")
    _, name = await get_document_pdf("id", parent, "token", office, office, printer)  # type: ignore[arg-type]
    assert name == "facture-CP-2025-000001.pdf"
    assert printer.told == [is_payable_online]


def test_an_invoice_that_cannot_be_paid_online_is_for_the_counter() -> None:
    ways = view_of(make_document(), is_payable_online=False)["payment"]
    assert "En ligne" in view_of(make_document())["payment"][0]
    assert "En présentiel" in ways[0]


def test_a_credit_note_names_the_invoice_it_corrects() -> None:
    note = replace(
        make_document(),
        kind=DocumentKind.CREDIT_NOTE,
        number="CP-AV-2025-000001",
        related_number="CP-2025-000001",
        related_issued_at=ISSUED,
        total_minor=-390,
    )
    view = view_of(note)
    assert view["heading"] == "Avoir"
    assert view["corrects"].replace(NBSP, " ") == (
        "Annule, pour les lignes ci-dessous, la facture CP-2025-000001 du 20 août 2025."
    )
    assert view["payment"] == []


def test_a_receipt_says_who_paid_what_and_how() -> None:
    paid = replace(
        make_document(), status=InvoiceState.PAID, paid_at=ISSUED, means="cash", receipt_number="CP-QT-2025-000001"
    )
    view = receipt_view(paid)
    assert view["number"] == "CP-QT-2025-000001"
    assert ["Moyen de paiement", "espèces, au guichet"] in view["facts"]
    assert view["total"] == f"3,90{NBSP}€"


@pytest.mark.parametrize("kind", ["document", "receipt"])
async def test_documents_are_tagged_titled_and_in_french(kind: str) -> None:
    renderer = TypstRenderer(threads=1)
    paid = replace(
        make_document(), status=InvoiceState.PAID, paid_at=ISSUED, means="payfip", receipt_number="CP-QT-2025-000001"
    )
    pdf = await (renderer.document(paid, is_payable_online=False) if kind == "document" else renderer.receipt(paid))
    renderer.close()
    with pikepdf.open(io.BytesIO(pdf)) as read:
        assert str(read.Root.Lang) == "fr-FR"
        assert read.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in read.Root
        with read.open_metadata() as metadata:
            assert str(metadata["pdfuaid:part"]) == "1"
            assert "Case-Pilote" in str(metadata["dc:title"])


async def test_the_same_document_gives_the_same_bytes() -> None:
    renderer = TypstRenderer(threads=1)
    first, second = [await renderer.document(make_document(), is_payable_online=True) for _ in range(2)]
    renderer.close()
    assert first == second
