"""« Mot de passe oublié ? » and the link's page."""

from __future__ import annotations

from litestar import Controller, get, post
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from gateway.citizen.desk import Desk, Page
from gateway.forms import read_form
from gateway.notices import Notice
from gateway.security import client_address, origin_of
from gateway.words import facts_of, say_reason


def password_errors(desk: Desk, new: str, again: str) -> dict[str, str]:
    """What can be seen wrong before asking identity."""
    if not new:
        return {"new_password": desk.lex.say("Choisissez un mot de passe.")}
    if new != again:
        return {"new_password_again": desk.lex.say("Les deux saisies du mot de passe diffèrent.")}
    return {}


class PasswordController(Controller):
    """Choosing a new password without the old one."""

    @get("/mot-de-passe-oublie")
    async def ask_form(self, desk: Desk) -> Page:
        """Ask for the user name."""
        return desk.page("session/forgotten.html", errors={}, username="", is_sent=False)

    @post("/mot-de-passe-oublie")
    async def ask(self, desk: Desk) -> Page:
        """Send a link if the account exists; the page never tells."""
        form = await read_form(desk.request)
        username = form.text("identifiant")
        if not username:
            errors = {"identifiant": desk.lex.say("Saisissez votre nom d'utilisateur.")}
            return desk.page("session/forgotten.html", 422, errors=errors, username="", is_sent=False)
        try:
            await desk.clients.identity.request_password_reset(
                await desk.clients.service_token(desk.town.slug),
                pb.RequestPasswordResetRequest(
                    username=username,
                    reset_url=origin_of(desk.request) + "/nouveau-mot-de-passe",
                    client_address=client_address(desk.request),
                ),
            )
        except DomainError as error:
            if error.kind is not ErrorKind.QUOTA:
                raise
            facts = facts_of(error.metadata, desk.fmt)
            errors = {"identifiant": say_reason(error.reason, facts, desk.lex, "quota")}
            return desk.page("session/forgotten.html", 429, errors=errors, username=username, is_sent=False)
        return desk.go("/mot-de-passe-oublie/envoye")

    @get("/mot-de-passe-oublie/envoye")
    async def asked(self, desk: Desk) -> Page:
        """What happens next."""
        return desk.page("session/forgotten.html", errors={}, username="", is_sent=True)

    @get("/nouveau-mot-de-passe")
    async def choose_form(self, desk: Desk) -> Page:
        """The page that the mailed link opens."""
        return desk.page("session/new_password.html", errors={}, token=desk.query.text("token"))

    @post("/nouveau-mot-de-passe")
    async def choose(self, desk: Desk) -> Page:
        """Set the password; every session of the account closes."""
        form = await read_form(desk.request)
        token, new = form.text("token"), form.secret("new_password")
        errors = password_errors(desk, new, form.secret("new_password_again"))
        status = 422
        if not errors:
            try:
                await desk.clients.identity.reset_password(
                    await desk.clients.service_token(desk.town.slug),
                    pb.ResetPasswordRequest(token=token, new_password=new),
                )
            except DomainError as error:
                if error.kind not in {ErrorKind.INVALID, ErrorKind.PRECONDITION}:
                    raise
                facts = facts_of(error.metadata, desk.fmt)
                errors = {"new_password": say_reason(error.reason, facts, desk.lex, error.kind.value)}
                status = 409 if error.kind is ErrorKind.PRECONDITION else 422
            else:
                said = desk.lex.say("Votre mot de passe est changé. Connectez-vous avec le nouveau.")
                return desk.go("/connexion", Notice("success", said))
        return desk.page("session/new_password.html", status, errors=errors, token=token)
