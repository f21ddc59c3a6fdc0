"""What PayFiP accepts, checked before it is asked, and what its letters and codes mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
from preau_kernel.errors import DomainError, InvalidError
from preau_kernel.money import EUR, Money

from payment_gateway_svc.application.ports import PaymentOrder, ProviderSettings
from payment_gateway_svc.domain.attempt import Outcome
from payment_gateway_svc.domain.errors import ProviderRefusedSettingsError, ProviderUnavailableError

MIN_CENTS = 100
MAX_CENTS = 9_999_999
MAX_URL = 250
MAX_OBJECT = 100
TEST_MODE = "T"
SERVICE_URL = "https://www.payfip.gouv.fr/tpa/services/securite"
PAGE_URL = "https://www.payfip.gouv.fr/tpa/paiementws.web"
_OWN_ORIGINS = frozenset({"https://www.payfip.gouv.fr", "https://www.tipi.budget.gouv.fr"})
PARIS = ZoneInfo("Europe/Paris")

_CLIENT_NUMBER = re.compile(r"[0-9]{6}")
_DEBT_REFERENCE = re.compile(r"[A-Za-z0-9]{6,30}")
_MAIL = re.compile(r"[^@]+@[^@]+")
_MAIL_LENGTHS = range(6, 81)
_MODES = frozenset("TXW")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
_YEARS = range(2000, 2100)
_HIGHEST_PORT = 65_535

OUTCOMES = {
    "P": Outcome.PAID,
    "V": Outcome.PAID,
    "R": Outcome.DENIED,
    "Z": Outcome.DENIED,
    "A": Outcome.CANCELLED,
}
LOOK_UP_CODES = {"P1": Outcome.GONE, "P3": Outcome.STALE, "P4": Outcome.STALE, "P5": Outcome.WAITING}
_CREATION_CODES = {
    "R3": ("DEBT_REFERENCE_INVALID", "debt_reference"),
    "A1": ("PAYER_EMAIL_INVALID", "payer_email"),
    "A2": ("PAYER_EMAIL_INVALID", "payer_email"),
    "M1": ("AMOUNT_INVALID", "amount"),
    "M3": ("AMOUNT_TOO_SMALL", "amount"),
    "M5": ("AMOUNT_TOO_LARGE", "amount"),
    "N1": ("NOTIFY_URL_INVALID", "notify_url"),
    "D1": ("RETURN_URL_INVALID", "return_url"),
}
SETTINGS_CODES = frozenset({"T1", "T2", "T4", "S1"})


@dataclass(frozen=True, slots=True)
class Account:
    """A till at the DGFiP."""

    client_number: str
    mode: str
    service_url: str
    page_url: str

    @classmethod
    def of(cls, settings: ProviderSettings) -> Account:
        """``InvalidError`` when a value cannot be right."""
        values = settings.values
        account = cls(
            values.get("client_number", ""),
            values.get("mode", ""),
            values.get("service_url") or SERVICE_URL,
            values.get("page_url") or PAGE_URL,
        )
        if not _CLIENT_NUMBER.fullmatch(account.client_number):
            raise InvalidError("CLIENT_NUMBER_INVALID", "payfip.client_number")
        if account.mode not in _MODES:
            raise InvalidError("PROVIDER_MODE_INVALID", "payfip.mode")
        if not _is_url(account.service_url):
            raise InvalidError("PROVIDER_URL_INVALID", "payfip.service_url")
        if not _is_url(account.page_url):
            raise InvalidError("PROVIDER_URL_INVALID", "payfip.page_url")
        return account


def check_addresses(account: Account, allowed_hosts: frozenset[str]) -> None:
    """``InvalidError`` unless the account's addresses are the DGFiP's own or at an allowed host. Whoever answers at them
    says what is paid, and the process calls them from inside the platform's network.
    """
    for field, address in (("service_url", account.service_url), ("page_url", account.page_url)):
        url = httpx.URL(address)
        if f"{url.scheme}://{url.netloc.decode()}" not in _OWN_ORIGINS and url.host not in allowed_hosts:
            raise InvalidError("PROVIDER_URL_INVALID", f"payfip.{field}")


def check_order(order: PaymentOrder) -> None:
    """Raises what the service would answer with a code, before bothering it."""
    if order.amount.currency != EUR:
        raise InvalidError("CURRENCY_NOT_SUPPORTED", "amount")
    if order.amount.minor_units < MIN_CENTS:
        raise InvalidError("AMOUNT_TOO_SMALL", "amount", minimum=str(MIN_CENTS))
    if order.amount.minor_units > MAX_CENTS:
        raise InvalidError("AMOUNT_TOO_LARGE", "amount", maximum=str(MAX_CENTS))
    if not _DEBT_REFERENCE.fullmatch(order.debt_reference):
        raise InvalidError("DEBT_REFERENCE_INVALID", "debt_reference")
    mail = order.payer_email
    if len(mail) not in _MAIL_LENGTHS or not _MAIL.fullmatch(mail) or not _is_one_word(mail):
        raise InvalidError("PAYER_EMAIL_INVALID", "payer_email")
    if order.fiscal_year not in _YEARS:
        raise InvalidError("FISCAL_YEAR_INVALID", "fiscal_year")
    if not _is_url(order.return_url):
        raise InvalidError("RETURN_URL_INVALID", "return_url")
    if not _is_url(order.notify_url):
        raise InvalidError("NOTIFY_URL_INVALID", "notify_url")


def creation_fields(order: PaymentOrder, account: Account) -> dict[str, str]:
    """The fields of ``creerPaiementSecurise``."""
    return {
        "exer": str(order.fiscal_year),
        "mel": order.payer_email,
        "montant": str(order.amount.minor_units),
        "numcli": account.client_number,
        "objet": normalise_object(order.description),
        "refdet": order.debt_reference,
        "saisie": account.mode,
        "urlnotif": order.notify_url,
        "urlredirect": order.return_url,
    }


def facts_to_match(fields: Mapping[str, str]) -> dict[str, str]:
    """What the look-up must say again. Not ``exer``: the service has been seen to cut it to ``20``."""
    return {name: fields.get(name, "") for name in ("montant", "numcli", "refdet", "saisie")}


def normalise_object(text: str) -> str:
    """Letters without accents, digits and single spaces, at most 100."""
    # Ligatures and typographic apostrophes and dashes have no ASCII form of their own.
    apart = re.sub(r"[^\w]", " ", unicodedata.normalize("NFKC", text.translate(_LIGATURES)))
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", " ", plain).strip()[:MAX_OBJECT].rstrip()


def settled_at(fields: Mapping[str, str]) -> datetime | None:
    """``dattrans`` (JJMMAAAA) and ``heurtrans`` (HHMM), which are Paris time for every town, overseas too."""
    try:
        local = datetime.strptime(fields.get("dattrans", "") + fields.get("heurtrans", ""), "%d%m%Y%H%M")  # noqa: DTZ007 - zone below
    except ValueError:
        return None
    return local.replace(tzinfo=PARIS).astimezone(UTC)


def amount_of(fields: Mapping[str, str]) -> Money | None:
    """``montant``, in cents."""
    text = fields.get("montant", "")
    return Money(int(text)) if re.fullmatch(r"[0-9]{1,11}", text) else None


def creation_refusal(code: str) -> DomainError:
    """What a functional fault at creation means to our caller."""
    if code in SETTINGS_CODES:
        return ProviderRefusedSettingsError(code)
    if code in _CREATION_CODES:
        reason, field = _CREATION_CODES[code]
        return InvalidError(reason, field, code=code)
    return ProviderUnavailableError(f"fault {code}")


def _is_url(text: str) -> bool:
    if len(text) > MAX_URL or not _is_one_word(text):
        return False
    try:
        # Read as the client and the resolver do: what they cannot read is found here, not at the first payment.
        url = httpx.URL(text)
        host = url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        return False
    return url.scheme in {"http", "https"} and bool(host) and (url.port or 0) <= _HIGHEST_PORT


def _is_one_word(text: str) -> bool:
    # What is not printable has no place in XML either, and would only be found while the message is written.
    return text.isprintable() and " " not in text
