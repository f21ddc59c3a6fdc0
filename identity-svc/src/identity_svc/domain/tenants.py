"""A town and its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from preau_kernel.errors import InvalidError
from preau_kernel.ids import TenantId, TenantSlug, tenant_slug

from identity_svc.domain.hosts import check_hosts
from identity_svc.domain.people import check_email
from identity_svc.domain.theme import Theme

PLATFORM_TENANT = TenantId(0)
"""Not a town: the platform itself, whose operator and signing keys belong to none."""

PLATFORM_SLUG = TenantSlug("platform")

DEFAULT_HOLD_MINUTES = 60
LONGEST_HOLD_MINUTES = 7 * 24 * 60
LONGEST_NAME = 100
LONGEST_NEWS = 10_000
LONGEST_CONTACT = 500
ACCESSIBILITY_STATES = ("none", "partial", "total")
_RESERVED_SLUGS = frozenset({PLATFORM_SLUG, "www", "api", "admin", "static", "assets", "mail"})
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Contact:
    """Where families turn to."""

    office_name: str = ""
    phone: str = ""
    email: str = ""
    hours: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A town. ``number`` is 0 until it is created; ``version`` grows by one at each change."""

    number: TenantId
    slug: TenantSlug
    name: str
    time_zone: str
    locale: str = "fr"
    theme: Theme = field(default_factory=Theme)
    contact: Contact = field(default_factory=Contact)
    news: str = ""
    hold_minutes: int = DEFAULT_HOLD_MINUTES
    is_production: bool = False
    accessibility_state: str = "none"
    hosts: tuple[str, ...] = ()
    version: int = 0


def check_tenant(tenant: Tenant) -> Tenant:
    """The town with its defaults filled in, or ``INVALID_ARGUMENT`` naming the field."""
    slug = check_slug(tenant.slug)
    if not 0 < len(tenant.name.strip()) <= LONGEST_NAME or not tenant.name.isprintable():
        raise InvalidError("NAME_INVALID", "name", "a town has a name of at most 100 characters")
    _check_time_zone(tenant.time_zone)
    locale = tenant.locale or "fr"
    if not _LOCALE.fullmatch(locale):
        raise InvalidError("LOCALE_INVALID", "locale", "a locale is like fr or fr-FR")
    hold_minutes = tenant.hold_minutes or DEFAULT_HOLD_MINUTES
    if not 1 <= hold_minutes <= LONGEST_HOLD_MINUTES:
        raise InvalidError("HOLD_MINUTES_INVALID", "hold_minutes", "between one minute and seven days")
    accessibility_state = tenant.accessibility_state or "none"
    if accessibility_state not in ACCESSIBILITY_STATES:
        raise InvalidError("ACCESSIBILITY_STATE_INVALID", "accessibility_state", "none, partial or total")
    if len(tenant.news) > LONGEST_NEWS:
        raise InvalidError("NEWS_TOO_LONG", "news", "at most 10,000 characters")
    _check_lines(tenant.news, "news")
    for name in ("office_name", "phone", "hours", "address"):
        text = getattr(tenant.contact, name)
        if len(text) > LONGEST_CONTACT:
            raise InvalidError("TEXT_INVALID", f"contact.{name}", "at most 500 characters")
        _check_lines(text, f"contact.{name}")
    return replace(
        tenant,
        name=tenant.name.strip(),
        locale=locale,
        hold_minutes=hold_minutes,
        accessibility_state=accessibility_state,
        contact=replace(tenant.contact, email=check_email(tenant.contact.email, "contact.email")),
        hosts=check_hosts(tenant.hosts, slug),
    )


def check_slug(text: str) -> TenantSlug:
    """A short name that is safe as a NATS token and as a host label, and not one of the platform's own."""
    try:
        slug = tenant_slug(text)
    except ValueError as error:
        raise InvalidError("SLUG_INVALID", "slug", "2 to 40 of a-z, 0-9 and dash") from error
    if slug in _RESERVED_SLUGS:
        raise InvalidError("SLUG_INVALID", "slug", "this short name is reserved")
    return slug


def _check_lines(text: str, field_name: str) -> None:
    if not all(character.isprintable() or character in "\r\n\t" for character in text):
        raise InvalidError("TEXT_INVALID", field_name, "printable lines only")


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidError("TIME_ZONE_UNKNOWN", "time_zone", "not an IANA time zone") from error
