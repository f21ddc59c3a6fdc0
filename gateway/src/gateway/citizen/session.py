"""Signing in and out, and the language."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from gateway.auth import end_session, forget_account, prolong_session, require_signed_in, start_session
from gateway.citizen.basket_view import address
from gateway.citizen.desk import Desk, Page
from gateway.forms import read_form
from gateway.language import LANGUAGE_COOKIE, LANGUAGES
from gateway.notices import Notice
from gateway.rendering import SESSION_LEFT_HEADER, session_left
from gateway.resume import is_inside, keep, kept, way_back
from gateway.security import client_address, user_agent, write_cookie
from gateway.words import facts_of, say_reason

_YEAR_SECONDS = 365 * 24 * 3600
_ANSWERED_ON_THE_FORM = frozenset({ErrorKind.UNAUTHENTICATED, ErrorKind.QUOTA, ErrorKind.INVALID})


class SessionController(Controller):
    """« Se connecter », « Se déconnecter »."""

    @get("/connexion")
    async def form(self, desk: Desk) -> Page:
        """The sign-in page."""
        target = desk.query.text("suite")
        if desk.visitor.is_signed_in:
            return desk.go(target if is_inside(target) else "/")
        return desk.page("session/sign_in.html", errors={}, username="", next=target, kept=[])

    @post("/connexion")
    async def sign_in(self, desk: Desk) -> Page:
        """Open a session, then go where the visitor was going."""
        form = await read_form(desk.request)
        target, fields = form.text("suite"), kept(form.items())
        username, password = form.text("identifiant"), form.secret("password")
        errors: dict[str, str] = {}
        if not username:
            errors["identifiant"] = desk.lex.say("Saisissez votre nom d'utilisateur.")
        if not password:
            errors["password"] = desk.lex.say("Saisissez votre mot de passe.")
        status, retry_after = 422, ""
        if not errors:
            try:
                answer = await desk.clients.identity.sign_in(
                    await desk.clients.service_token(desk.town.slug),
                    pb.SignInRequest(
                        username=username,
                        password=password,
                        client_address=client_address(desk.request),
                        user_agent=user_agent(desk.request),
                    ),
                )
            except DomainError as error:
                retry_after = error.metadata.get("retry_after_seconds", "") if error.reason == "SIGN_IN_BUSY" else ""
                if not retry_after and error.kind not in _ANSWERED_ON_THE_FORM:
                    raise
                facts = facts_of(error.metadata, desk.fmt, desk.town.contact.phone)
                errors["identifiant"] = say_reason(
                    error.reason if error.kind is not ErrorKind.INVALID else "SIGN_IN_FAILED",
                    facts,
                    desk.lex,
                    error.kind.value,
                )
                status = 503 if retry_after else 429 if error.kind is ErrorKind.QUOTA else 401
            else:
                response = desk.go(way_back(target, fields) if target else "/")
                start_session(response, desk.request, answer)
                return response
        response = desk.page(
            "session/sign_in.html",
            status,
            errors=errors,
            username=username,
            next=target,
            kept=keep(fields),
            same_page=address("/connexion", [("suite", way_back(target, fields))]) if target else "/connexion",
        )
        if retry_after:
            response.headers["Retry-After"] = retry_after
        return response

    @post("/connexion/prolongation", guards=[require_signed_in])
    async def stay(self, desk: Desk) -> Page:
        """« Rester connecté(e) »: answers how long the session lasts now."""
        left = session_left(await prolong_session(desk.request), desk.now)
        return Response(b"", status_code=204 if left else 401, headers={SESSION_LEFT_HEADER: str(left)})

    @post("/deconnexion")
    async def sign_out(self, desk: Desk) -> Page:
        """Close the session here and at identity; here also when identity does not answer."""
        if desk.visitor.session_token:
            try:
                await desk.clients.identity.sign_out(
                    desk.token or await desk.clients.service_token(desk.town.slug),
                    pb.SignOutRequest(session_token=desk.visitor.session_token),
                )
            except DomainError as error:
                # Whoever leaves a shared computer must not stay signed in on it; identity ends the rest by idleness.
                if error.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
                    raise
        response = desk.go("/", Notice("success", desk.lex.say("Vous êtes déconnecté(e).")))
        end_session(response, desk.request)
        # On a shared computer the back button must not show the family's pages again.
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    @post("/langue")
    async def language(self, desk: Desk) -> Page:
        """Remember the language in this browser, and in the account when there is one."""
        form = await read_form(desk.request)
        wish = form.text("langue")
        target = form.text("retour")
        response = desk.go(target if is_inside(target) else "/")
        if wish in LANGUAGES:
            write_cookie(response, desk.request, LANGUAGE_COOKIE, wish, max_age=_YEAR_SECONDS)
            if desk.visitor.is_signed_in:
                await desk.clients.identity.update_account(desk.token, pb.UpdateAccountRequest(language=wish))
                forget_account(desk.request, desk.visitor.account_id)
        return response
