"""Between protobuf and the domain."""

from __future__ import annotations

from uuid import UUID

from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.wire import parse_date, timestamp_to_wire
from preau_kernel.ids import TenantId, TenantSlug

from identity_svc.application.import_household import ImportHousehold, NewAccount
from identity_svc.domain.people import Account, Child, Guardian, Household, PostalAddress
from identity_svc.domain.sessions import OpenSession
from identity_svc.domain.tenants import Contact, Tenant
from identity_svc.domain.theme import Theme

_NO_ID = UUID(int=0)


def tenant_to_wire(tenant: Tenant) -> pb.Tenant:
    contact = tenant.contact
    return pb.Tenant(
        number=tenant.number,
        slug=tenant.slug,
        name=tenant.name,
        time_zone=tenant.time_zone,
        locale=tenant.locale,
        theme=pb.Theme(primary=tenant.theme.primary, accent=tenant.theme.accent),
        contact=pb.Contact(
            office_name=contact.office_name,
            phone=contact.phone,
            email=contact.email,
            hours=contact.hours,
            address=contact.address,
        ),
        news=tenant.news,
        hold_minutes=tenant.hold_minutes,
        is_production=tenant.is_production,
        accessibility_state=tenant.accessibility_state,
        hosts=tenant.hosts,
    )


def tenant_from_wire(message: pb.Tenant) -> Tenant:
    """A town as asked for; colours that are not given are the defaults."""
    default = Theme()
    contact = message.contact
    return Tenant(
        number=TenantId(0),
        slug=TenantSlug(message.slug),
        name=message.name,
        time_zone=message.time_zone,
        locale=message.locale,
        theme=Theme(
            message.theme.primary.lower() or default.primary,
            message.theme.accent.lower() or default.accent,
        ),
        contact=Contact(contact.office_name, contact.phone, contact.email, contact.hours, contact.address),
        news=message.news,
        hold_minutes=message.hold_minutes,
        is_production=message.is_production,
        accessibility_state=message.accessibility_state,
        hosts=tuple(message.hosts),
    )


def account_to_wire(account: Account) -> pb.Account:
    return pb.Account(
        id=str(account.id),
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        email=account.email,
        language=account.language,
        household_id=str(account.household_id) if account.household_id else "",
        roles=sorted(account.roles),
    )


def session_to_wire(session: OpenSession) -> pb.Session:
    return pb.Session(
        id=str(session.id),
        created_at=timestamp_to_wire(session.created_at),
        last_seen_at=timestamp_to_wire(session.last_seen_at),
        user_agent=session.user_agent,
        is_current=session.is_current,
    )


def household_to_wire(household: Household) -> pb.Household:
    address = household.address
    return pb.Household(
        id=str(household.id),
        guardians=[
            pb.Guardian(
                id=str(who.id),
                first_name=who.first_name,
                last_name=who.last_name,
                email=who.email,
                phone=who.phone,
                is_payer=who.is_payer,
            )
            for who in household.guardians
        ],
        children=[
            pb.Child(
                id=str(who.id),
                first_name=who.first_name,
                last_name=who.last_name,
                born_on=who.born_on.isoformat() if who.born_on else "",
                school=who.school,
                school_class=who.school_class,
            )
            for who in household.children
        ],
        is_resident=household.is_resident,
        address=pb.PostalAddress(
            line1=address.line1, line2=address.line2, postal_code=address.postal_code, city=address.city
        ),
    )


def import_from_wire(request: pb.ImportHouseholdRequest) -> ImportHousehold:
    message = request.household
    household = Household(
        id=_NO_ID,
        external_ref=request.external_ref,
        guardians=tuple(
            Guardian(_NO_ID, who.first_name.strip(), who.last_name.strip(), who.email.strip(), who.phone, who.is_payer)
            for who in message.guardians
        ),
        children=tuple(
            Child(
                _NO_ID,
                who.first_name.strip(),
                who.last_name.strip(),
                parse_date(who.born_on, f"household.children[{at}].born_on") if who.born_on else None,
                who.school,
                who.school_class,
            )
            for at, who in enumerate(message.children)
        ),
        is_resident=message.is_resident,
        address=PostalAddress(
            message.address.line1, message.address.line2, message.address.postal_code, message.address.city
        ),
    )
    return ImportHousehold(
        household, tuple(NewAccount(new.guardian_index, new.username, new.password) for new in request.accounts)
    )
