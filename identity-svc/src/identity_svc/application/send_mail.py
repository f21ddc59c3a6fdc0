"""Write and send the letters that are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.ids import TenantId

from identity_svc.application.letter_ports import DueWork, LetterRefusedError, LetterSender, LetterSendError
from identity_svc.application.ports import (
    LeasedMail,
    MailOutcome,
    SecretFactory,
    TenantDirectory,
    UnitOfWork,
    UnitOfWorkFactory,
)
from identity_svc.domain.mail import Letter, link_with_token, password_changed_letter, password_reset_letter
from identity_svc.domain.people import is_email
from identity_svc.domain.tenants import Tenant

BATCH = 20
LEASE = timedelta(minutes=2)
RESET_LINK_LIFE = timedelta(hours=1)
LATE_AFTER = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=12)
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class MailPorts:
    uow_factory: UnitOfWorkFactory
    directory: TenantDirectory
    due: DueWork
    sender: LetterSender
    secrets: SecretFactory
    clock: Clock


async def send_due_mail(ports: MailPorts) -> None:
    """Every letter that is due, in every town, oldest first."""
    while True:
        due = await ports.due.due_mail(ports.clock.now(), BATCH)
        for tenant_id, mail_id in due:
            tenant = await ports.directory.by_number(tenant_id)
            if tenant is not None:
                await send_one(mail_id, tenant, ports)
        if len(due) < BATCH:
            return


async def send_one(mail_id: int, tenant: Tenant, ports: MailPorts) -> None:
    """At least once: the lease is committed before sending, the end after it.

    A link's token exists in clear only in the letter itself; each attempt makes its own.
    """
    context = Context.system(TenantId(tenant.number), tenant.slug)
    now = ports.clock.now()
    async with ports.uow_factory(context) as uow:
        mail = await uow.mail.lease(mail_id, now, now + LEASE)
        if mail is None:
            return
        letter = await _write(uow, mail, tenant, ports.secrets, now)
        if letter is None:
            await uow.mail.finish(mail_id, "dropped", now)
        await uow.commit()
    if letter is None:
        return
    try:
        await ports.sender.send(letter, f"{tenant.slug}-{mail_id}")
        outcome: MailOutcome | None = "sent"
    except LetterRefusedError:
        outcome = "failed"
    except LetterSendError:
        outcome = "failed" if now - mail.created_at > GIVE_UP_AFTER else None
    now = ports.clock.now()
    async with ports.uow_factory(context) as uow:
        if outcome:
            await uow.mail.finish(mail_id, outcome, now)
        else:
            await uow.mail.postpone(mail_id, now + retry_after(mail.attempts))
        await uow.commit()


def retry_after(attempts: int) -> timedelta:
    """15 s, 30 s, 1 min… up to half an hour."""
    return min(FIRST_RETRY * float(2 ** min(attempts - 1, 10)), LONGEST_RETRY)


async def _write(
    uow: UnitOfWork, mail: LeasedMail, tenant: Tenant, secrets: SecretFactory, now: datetime
) -> Letter | None:
    order = mail.order
    if order.kind == "password_changed":
        account = await uow.accounts.get(order.account_id) if order.account_id else None
        if account is None or not is_email(account.email):
            return None
        return password_changed_letter(tenant, account.email, account.language)
    credentials = await uow.accounts.credentials_by_username(order.username_key)
    if credentials is None or not is_email(credentials.account.email):
        return None
    account = credentials.account
    token = secrets.new_token()
    await uow.resets.insert(secrets.token_hash(token), account.id, now, now + RESET_LINK_LIFE)
    link = link_with_token(order.reset_url, token)
    minutes = int(RESET_LINK_LIFE.total_seconds() // 60)
    return password_reset_letter(tenant, account.email, account.language, link, minutes)
