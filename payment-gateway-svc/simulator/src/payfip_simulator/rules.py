"""What the real service refuses at creation, with its codes."""

from __future__ import annotations

import re

import httpx

from payfip_simulator.soap import SoapFaultError

MIN_CENTS = 100
MAX_CENTS = 9_999_999
MAX_URL = 250
_NUMCLI = re.compile(r"[0-9]{6}")
_REFDET = re.compile(r"[A-Za-z0-9]{6,30}")
_OBJET = re.compile(r"[A-Za-z0-9 ]{0,100}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MAIL_LENGTHS = range(6, 81)
UNKNOWN_CLIENT = "999999"
CLIENT_WITHOUT_ACCESS = "999998"

MESSAGES = {
    "A1": "Adresse électronique absente",
    "A2": "Adresse électronique incorrecte",
    "D1": "Adresse de redirection incorrecte",
    "E1": "Exercice incorrect",
    "M1": "Format du montant incorrect",
    "M3": "Montant inférieur au minimum",
    "M5": "Montant supérieur à la limite",
    "N1": "Adresse de notification incorrecte",
    "O1": "Objet incorrect",
    "P1": "IdOp incorrect.",
    "P3": "IdOp déjà utilisé",
    "P4": "IdOp périmé",
    "P5": "Résultat de la transaction non connu.",
    "R3": "Format de la référence de la dette incorrect.",
    "S1": "Type de saisie incorrect",
    "T1": "Numéro de client incorrect",
    "T2": "Numéro de client inconnu",
    "T4": "Numéro de client sans accès sécurisé",
}


def refusal(code: str) -> SoapFaultError:
    return SoapFaultError(code, MESSAGES[code])


def check_client(number: str) -> None:
    """T1 for what is not six digits; T2 and T4 for the numbers kept for tests of tills that cannot be paid."""
    if not _NUMCLI.fullmatch(number):
        raise refusal("T1")
    if number == UNKNOWN_CLIENT:
        raise refusal("T2")
    if number == CLIENT_WITHOUT_ACCESS:
        raise refusal("T4")


def check_creation(fields: dict[str, str]) -> None:
    """Raises the first refusal the real service would."""
    check_client(fields.get("numcli", ""))
    mail = fields.get("mel", "")
    if not mail:
        raise refusal("A1")
    checks = (
        ("A2", len(mail) in _MAIL_LENGTHS and bool(_MAIL.fullmatch(mail))),
        ("E1", bool(re.fullmatch(r"[0-9]{4}", fields.get("exer", "")))),
        ("R3", bool(_REFDET.fullmatch(fields.get("refdet", "")))),
        ("O1", bool(_OBJET.fullmatch(fields.get("objet", "")))),
        ("S1", fields.get("saisie") in {"T", "X", "W"}),
        ("N1", _is_url(fields.get("urlnotif", ""))),
        ("D1", _is_url(fields.get("urlredirect", ""))),
    )
    for code, is_right in checks:
        if not is_right:
            raise refusal(code)
    _check_amount(fields.get("montant", ""))


def _check_amount(text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise refusal("M1")
    if int(text) < MIN_CENTS:
        raise refusal("M3")
    if int(text) > MAX_CENTS:
        raise refusal("M5")


def _is_url(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return len(text) <= MAX_URL and url.scheme in {"http", "https"} and bool(url.host)
