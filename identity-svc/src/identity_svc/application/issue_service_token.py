"""Give a service its token for one town."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import SERVICE_ROLE
from preau_kernel.errors import InvalidError

from identity_svc.application.access import OPERATOR_ROLE
from identity_svc.application.ports import AccessToken, Claims, TenantDirectory, TokenSigner
from identity_svc.domain.errors import ServiceSecretInvalidError, UnknownTownError
from identity_svc.domain.people import storable
from identity_svc.domain.tenants import PLATFORM_SLUG, PLATFORM_TENANT

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class IssueServiceToken:
    service: str
    secret: str
    tenant_slug: str


async def issue_service_token(
    command: IssueServiceToken,
    secrets: Mapping[str, str],
    directory: TenantDirectory,
    signer: TokenSigner,
    clock: Clock,
) -> AccessToken:
    """A service speaks for one town at a time; only the operator may speak for the platform itself."""
    expected = secrets.get(command.service, "")
    # Digests first: their comparison takes the same time whatever the lengths, and for unknown services too.
    is_right = hmac.compare_digest(_digest(expected), _digest(command.secret))
    if not (is_right and expected):
        raise ServiceSecretInvalidError
    is_operator = command.service == OPERATOR
    tenant_id, slug = PLATFORM_TENANT, PLATFORM_SLUG
    if command.tenant_slug:
        tenant = await directory.by_slug(storable(command.tenant_slug))
        if tenant is None:
            raise UnknownTownError
        tenant_id, slug = tenant.number, tenant.slug
    elif not is_operator:
        raise InvalidError("TENANT_REQUIRED", "tenant_slug", "a service's token is for one town")
    claims = Claims(
        subject=f"service:{command.service}",
        tenant_id=tenant_id,
        tenant_slug=slug,
        roles=frozenset({OPERATOR_ROLE if is_operator else SERVICE_ROLE}),
    )
    return await signer.issue(claims, clock.now())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
