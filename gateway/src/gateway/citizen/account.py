"""« Mon compte »: e-mail, language, password, open sessions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, get, post
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.wire import timestamp_from_wire
from preau_kernel.errors import DomainError, ErrorKind

from gateway.auth import forget_account, require_signed_in
from gateway.citizen.desk import Desk, Page
from gateway.citizen.password import password_errors
from gateway.forms import read_form
from gateway.notices import Notice
from gateway.words import facts_of, say_reason

# In this order: most browsers also name those they descend from.
_BROWSERS = (
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in."""

    id: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


def device_of(user_agent: str) -> str:
    """« Firefox, Windows »; empty when it says nothing we know."""
    found = [next((name for mark, name in marks if mark in user_agent), "") for marks in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name)


class AccountController(Controller):
    """The visitor's own account."""

    path = "/compte"
    guards = [require_signed_in]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def show(self, desk: Desk) -> Page:
        """The account and its sessions."""
        return await self._page(desk, {}, email=desk.query.text("email") or None)

    @post("/email")
    async def change_email(self, desk: Desk) -> Page:
        """Change the address that receives invoices and links."""
        form = await read_form(desk.request)
        email = form.text("email")
        is_taken = bool(email)
        if is_taken:
            try:
                await desk.clients.identity.update_account(desk.token, pb.UpdateAccountRequest(email=email))
            except DomainError as error:
                if error.kind is not ErrorKind.INVALID:
                    raise
                is_taken = False
        if not is_taken:
            errors = {"email": desk.lex.say("Cette adresse e-mail n'est pas complète : nom@exemple.fr.")}
            return await self._page(desk, errors, 422, email=email)
        forget_account(desk.request, desk.visitor.account_id)
        return desk.go("/compte", Notice("success", desk.lex.say("Votre adresse e-mail est enregistrée.")))

    @post("/mot-de-passe")
    async def change_password(self, desk: Desk) -> Page:
        """Change the password; the other sessions close."""
        form = await read_form(desk.request)
        new = form.secret("new_password")
        errors = password_errors(desk, new, form.secret("new_password_again"))
        if not errors:
            try:
                await desk.clients.identity.change_password(
                    desk.token,
                    pb.ChangePasswordRequest(current_password=form.secret("current_password"), new_password=new),
                )
            except DomainError as error:
                if error.reason == "SIGN_IN_FAILED":
                    errors = {"current_password": desk.lex.say("Ce n'est pas votre mot de passe actuel.")}
                elif error.kind in {ErrorKind.INVALID, ErrorKind.QUOTA}:
                    facts = facts_of(error.metadata, desk.fmt)
                    field = "new_password" if error.kind is ErrorKind.INVALID else "current_password"
                    errors = {field: say_reason(error.reason, facts, desk.lex, error.kind.value)}
                else:
                    raise
            else:
                forget_account(desk.request, desk.visitor.account_id)
                said = desk.lex.say("Votre mot de passe est changé. Vos autres connexions sont fermées.")
                return desk.go("/compte", Notice("success", said))
        return await self._page(desk, errors, 422)

    @post("/sessions/{session_id:str}/fermeture")
    async def close_session(self, desk: Desk, session_id: str) -> Page:
        """Sign one browser out."""
        await desk.clients.identity.close_session(desk.token, pb.CloseSessionRequest(id=session_id))
        forget_account(desk.request, desk.visitor.account_id)
        return desk.go("/compte", Notice("success", desk.lex.say("Cette connexion est fermée.")))

    async def _page(self, desk: Desk, errors: dict[str, str], status: int = 200, email: str | None = None) -> Page:
        answer, listed = await asyncio.gather(
            desk.clients.identity.get_account(desk.token, pb.GetAccountRequest()),
            desk.clients.identity.list_sessions(desk.token, pb.ListSessionsRequest()),
        )
        sessions = [
            OpenSession(
                item.id,
                device_of(item.user_agent) or desk.lex.say("Appareil inconnu"),
                timestamp_from_wire(item.created_at),
                timestamp_from_wire(item.last_seen_at),
                item.is_current,
            )
            for item in listed.sessions
        ]
        return await desk.family_page(
            "account/account.html",
            status,
            account=answer.account,
            email=answer.account.email if email is None else email,
            sessions=sessions,
            errors=errors,
        )
