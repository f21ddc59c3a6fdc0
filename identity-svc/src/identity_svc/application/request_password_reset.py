"""Ask for a link to choose a new password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import InvalidError

from identity_svc.application.access import require_gateway
from identity_svc.application.attempts import ADDRESS_IS_KNOWN_FOR, Limit, address_key, name_key, register
from identity_svc.application.ports import MailOrder, SecretFactory, TenantDirectory, UnitOfWorkFactory
from identity_svc.domain.hosts import local_slug, normalise_host
from identity_svc.domain.people import username_key
from identity_svc.domain.throttle import RESET_BY_ACCOUNT, RESET_BY_ADDRESS

LONGEST_URL = 500


@dataclass(frozen=True, slots=True)
class RequestPasswordReset:
    username: str
    reset_url: str
    client_address: str


async def request_password_reset(
    command: RequestPasswordReset,
    context: Context,
    uow_factory: UnitOfWorkFactory,
    directory: TenantDirectory,
    secrets: SecretFactory,
    clock: Clock,
) -> None:
    """Queues the wish, the same whether the name exists or not: the worker finds out whether there is such an account."""
    require_gateway(context)
    await _check_url(command.reset_url, context, directory)
    now = clock.now()
    name = username_key(command.username)
    address = address_key(command.client_address)
    address_hash = secrets.fingerprint(context.tenant_id, "address", address)
    async with uow_factory(context) as uow:
        is_known = bool(address) and await uow.sessions.is_known_address(name, address_hash, now - ADDRESS_IS_KNOWN_FOR)
        key = name_key(secrets, context.tenant_id, "reset", name, address_hash if is_known else b"")
        limits = [Limit(key, RESET_BY_ACCOUNT)]
        if address:
            limits.append(Limit(secrets.fingerprint(context.tenant_id, "reset-address", address), RESET_BY_ADDRESS))
        await register(uow.throttle, limits, now)
        await uow.mail.add(MailOrder("password_reset", username_key=name, reset_url=command.reset_url), now)
        await uow.commit()


async def _check_url(reset_url: str, context: Context, directory: TenantDirectory) -> None:
    # A link in our letter must lead to the town's own site, whatever Host header the wish came with.
    try:
        parts = urlsplit(reset_url)
        host = normalise_host(parts.hostname or "")
    except ValueError:
        host = ""
    is_plain = reset_url.isprintable() and len(reset_url) <= LONGEST_URL
    if host and is_plain and parts.scheme in {"http", "https"} and not parts.username:
        tenant = await directory.by_host(host, local_slug(host))
        if tenant is not None and tenant.number == context.tenant_id:
            return
    raise InvalidError("RESET_URL_INVALID", "reset_url", "not an address of this town")
