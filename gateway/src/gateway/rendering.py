"""Pages: one Jinja environment, compiled once; the context every template finds; redirects."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from functools import cache
from html import escape
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateNotFound
from litestar import Request, Response

from gateway import formatting
from gateway.assets import Assets
from gateway.auth import Visitor
from gateway.csrf import FormTokens
from gateway.idempotency import new_request_id
from gateway.language import LANGUAGE_COOKIE, chosen_language, language_of
from gateway.notices import NOTICE_COOKIE, clear_notices, read_notices
from gateway.problem import Problem
from gateway.resume import form_page, is_inside
from gateway.security import read_cookie, write_cookie
from gateway.town import Town

AnyRequest = Request[Any, Any, Any]
HTML = "text/html"
SESSION_LEFT_HEADER = "X-Session-Left"
_WORTH_COMPRESSING = 1_400
_EFFORT = 4
_YEAR_SECONDS = 365 * 24 * 3600
_OF_AN_ADDRESS = "/?#%&=+:;,@!$'()*[]~"


def make_environment(assets: Assets, *, is_development: bool) -> Environment:
    """The templates of ``gateway/web/templates``: escaped, strict, compiled once."""
    environment = Environment(
        loader=PackageLoader("gateway", "web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=is_development,
    )
    environment.globals["static_url"] = assets.url
    formatting.install(environment)
    # Made once each: a month shows hundreds of signs, and a macro costs ten times as much as a look-up.
    environment.globals["svg_icon"] = cache(environment.get_template("icon.html").module.icon)  # type: ignore[attr-defined]  # the template's macro
    return environment


def page(
    request: AnyRequest, template: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Response[bytes]:
    """A whole page. Shows what the page before left to say, once."""
    notices = read_notices(request)
    response = _render(request, template, status, headers, {"notices": notices, **context})
    if read_cookie(request, NOTICE_COOKIE):
        clear_notices(response, request)
    if chosen := chosen_language(request):
        write_cookie(response, request, LANGUAGE_COOKIE, chosen, max_age=_YEAR_SECONDS)
    return response


def fragment(
    request: AnyRequest, template: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Response[bytes]:
    """A part of a page, for htmx. Notices wait for the next whole page."""
    response = _render(request, template, status, headers, {"notices": [], **context})
    visitor: Visitor = request.scope["state"].get("visitor") or Visitor()
    response.headers[SESSION_LEFT_HEADER] = str(session_left(visitor, request.app.state.clock.now()))
    return response


def _render(
    request: AnyRequest, template: str, status: int, headers: dict[str, str] | None, context: dict[str, Any]
) -> Response[bytes]:
    environment: Environment = request.app.state.templates
    text = environment.get_template(template).render({**_common(request), **context})
    body, more = _packed(request, text.encode("utf-8", "replace"))
    return Response(body, status_code=status, media_type=HTML, headers={**more, **(headers or {})})


def _packed(request: AnyRequest, body: bytes) -> tuple[bytes, dict[str, str]]:
    """Smaller on the way to a phone. Every secret in a page (form tokens, request ids) is drawn anew for each
    rendering, so the sizes of compressed answers tell nothing about it.
    """
    vary = {"Vary": "Accept-Encoding"}
    if len(body) < _WORTH_COMPRESSING or "gzip" not in request.headers.get("accept-encoding", ""):
        return body, vary
    return gzip.compress(body, _EFFORT, mtime=0), {**vary, "Content-Encoding": "gzip"}


def _common(request: AnyRequest) -> dict[str, Any]:
    state: dict[str, Any] = request.scope["state"]
    town: Town | None = state.get("town")
    visitor: Visitor = state.get("visitor") or Visitor()
    tokens: FormTokens = request.app.state.form_tokens
    now = now_in(request, town)
    return {
        "request": request,
        "path": request.scope["path"],
        "same_page": _same_page(request),
        "town": town,
        "visitor": visitor,
        "language": language_of(request, town, visitor.account.language if visitor.account else ""),
        "session_left": session_left(visitor, now),
        "csrf_token": tokens.make(request),
        "request_id": new_request_id(),
        "now": now,
        "today": now.date(),
        "is_htmx": is_htmx(request),
    }


def now_in(request: AnyRequest, town: Town | None) -> datetime:
    """The platform's clock as the town reads it."""
    now: datetime = request.app.state.clock.now()
    return now.astimezone(town.zone) if town else now


def today_in(request: AnyRequest, town: Town | None) -> date:
    return now_in(request, town).date()


def session_left(visitor: Visitor, now: datetime) -> int:
    """Seconds until the visitor's session ends if nothing is done; 0 when there is none."""
    if not visitor.is_signed_in or visitor.session_ends_at is None:
        return 0
    return max(0, int((visitor.session_ends_at - now).total_seconds()))


def is_htmx(request: AnyRequest) -> bool:
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def redirect(request: AnyRequest, path: str) -> Response[bytes]:
    """On to another of our pages: 303, or ``HX-Redirect`` when htmx asked. Never to another site."""
    safe = quote(path, safe=_OF_AN_ADDRESS) if is_inside(path) else "/"
    if is_htmx(request):
        return Response(b"", status_code=204, headers={"HX-Redirect": safe})
    return Response(b"", status_code=303, media_type=HTML, headers={"Location": safe})


def leave_for(request: AnyRequest, url: str, template: str = "payment/leave.html", **context: Any) -> Response[bytes]:
    """On to the payment provider: a page that goes there by itself, with a link for who must press.

    Browsers apply ``form-action`` to the redirects of a form; a refresh is a navigation of its own.
    """
    if not url.startswith(("https://", "http://")) or any(char in url for char in " \r\n\t\"'<>;\\"):
        message = "not an address to leave for"
        raise ValueError(message)
    return page(request, template, headers={"Refresh": f"0; url={url}"}, url=url, **context)


def error_page(request: AnyRequest, problem: Problem) -> Response[bytes]:
    """The page for an error: ``errors/<status>.html`` when there is one, else ``errors/error.html``."""
    state: dict[str, Any] = request.scope["state"]
    environment: Environment = request.app.state.templates
    submitted: list[tuple[str, str]] = state.get("submitted", [])
    for name in (f"errors/{problem.status}.html", "errors/error.html"):
        try:
            environment.get_template(name)
        except TemplateNotFound:
            continue
        # What was typed travels beside the address; without it only the form's page can be asked for.
        following = address_of(request) if submitted else _same_page(request)
        context = {"notices": [], "problem": problem, "submitted": submitted, "next": following}
        return _render(request, name, problem.status, dict(problem.headers), context)
    return plain_error(problem)


def plain_error(problem: Problem) -> Response[bytes]:
    """A page without anything that could fail."""
    title, sentence = escape(problem.title), escape(problem.sentence)
    body = (
        f'<!doctype html><html lang="fr"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><p>{sentence}</p>'
    )
    return Response(body.encode(), status_code=problem.status, media_type=HTML, headers=dict(problem.headers))


def address_of(request: AnyRequest) -> str:
    """The address of this request, its parameters included where a GET was asked for."""
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["path"] + (f"?{query}" if query and request.method == "GET" else "")


def _same_page(request: AnyRequest) -> str:
    """Where this page can be asked for again: its address, or that of the form that led to it, filled as it was."""
    if request.method == "GET":
        return address_of(request)
    return form_page(request.scope["path"], request.scope["state"].get("submitted", []))
