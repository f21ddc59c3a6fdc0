"""Where a town's account may say that its provider is: whoever answers there says what is paid."""

from __future__ import annotations

import httpx
import pytest
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider
from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.settings import PaymentSettings
from preau_kernel.errors import InvalidError
from pydantic import SecretStr, ValidationError

PRODUCTION = {"env": "production", "page_token_key": SecretStr("k" * 32)}
OFFICIAL = "https://www.payfip.gouv.fr/tpa/services/securite"


def make_provider(**settings: object) -> PayfipProvider:
    allowed = PaymentSettings(**settings).allowed_provider_hosts  # type: ignore[arg-type]
    return PayfipProvider(httpx.AsyncClient(), 1.0, allowed)


def account(**addresses: str) -> ProviderSettings:
    return ProviderSettings("payfip", {"client_number": "123456", "mode": "W", **addresses})


@pytest.mark.parametrize("field", ["service_url", "page_url"])
@pytest.mark.parametrize(
    "address",
    [
        "https://payfip.example.org/",
        "https://www.payfip.gouv.fr.example.org/",
        "https://www.payfip.gouv.fr@example.org/",
        "https://example.org/www.payfip.gouv.fr",
        "http://www.payfip.gouv.fr/tpa/services/securite",
        "https://www.payfip.gouv.fr:8443/tpa/services/securite",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8090/tpa/services/securite",
    ],
)
def test_in_production_no_other_host_than_the_treasurys_says_what_is_paid(field: str, address: str) -> None:
    with pytest.raises(InvalidError) as caught:
        make_provider(**PRODUCTION).check_settings(account(**{field: address}))

    assert (caught.value.reason, caught.value.metadata["field"]) == ("PROVIDER_URL_INVALID", f"payfip.{field}")


@pytest.mark.parametrize("addresses", [{}, {"service_url": OFFICIAL}, {"service_url": OFFICIAL, "page_url": OFFICIAL}])
def test_in_production_the_treasurys_own_addresses_are_taken(addresses: dict[str, str]) -> None:
    make_provider(**PRODUCTION).check_settings(account(**addresses))


def test_in_production_a_relay_named_by_whoever_runs_the_platform_is_taken() -> None:
    provider = make_provider(**PRODUCTION, provider_hosts="relay.example.org, payfip-relay")

    provider.check_settings(account(service_url="http://payfip-relay:8080/payfip"))
    with pytest.raises(InvalidError):
        provider.check_settings(account(service_url="http://other-relay:8080/payfip"))


def test_outside_production_a_simulator_may_be_anywhere() -> None:
    make_provider().check_settings(account(service_url="http://127.0.0.1:8090/tpa/services/securite"))


@pytest.mark.parametrize("hosts", ["https://relay.example.org", "relay.example.org:443", "a b"])
def test_a_host_that_is_no_host_stops_the_process(hosts: str) -> None:
    with pytest.raises(ValidationError, match="PREAU_PROVIDER_HOSTS"):
        PaymentSettings(provider_hosts=hosts)
