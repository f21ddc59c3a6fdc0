"""The cards the page takes, and what is wrong with what was typed. Nothing typed is ever kept."""

from __future__ import annotations

import re
from datetime import date

from payfip_simulator.payments import State

ACCEPTED = "4111111111111111"
REFUSED = "4000000000000002"
_RESULTS = {ACCEPTED: State.PAID_BY_CARD, REFUSED: State.CARD_REFUSED}
_MAX_MONTH = 12


def check_card(form: dict[str, str], today: date) -> dict[str, str]:
    """A sentence for each field that is wrong, in the order of the page."""
    errors = {}
    number = _digits(form.get("number", ""))
    if not number:
        errors["number"] = "Saisissez le numéro de la carte."
    elif number not in _RESULTS:
        errors["number"] = (
            "Ce numéro n'est pas celui d'une carte d'essai. Prenez une des cartes indiquées sur cette page."
        )
    expiry = re.fullmatch(r"\s*(\d{2})\s*/?\s*(\d{2}|\d{4})\s*", form.get("expiry", ""))
    if not expiry or not 1 <= int(expiry[1]) <= _MAX_MONTH:
        errors["expiry"] = "Saisissez la date d'expiration sous la forme MM/AA, par exemple 12/30."
    elif (2000 + int(expiry[2][-2:]), int(expiry[1])) < (today.year, today.month):
        errors["expiry"] = "Cette carte a expiré."
    if not re.fullmatch(r"\s*\d{3}\s*", form.get("code", "")):
        errors["code"] = "Saisissez les trois chiffres du cryptogramme."
    return errors


def result_of(form: dict[str, str]) -> State:
    """What the bank answers for this card."""
    return _RESULTS[_digits(form.get("number", ""))]


def _digits(text: str) -> str:
    return re.sub(r"[\s.-]", "", text)
