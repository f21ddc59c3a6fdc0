"""The OpenAPI 3.1 document at ``/schema``."""

from __future__ import annotations

from importlib.metadata import version
from inspect import isclass
from typing import Any

import msgspec
from litestar import MediaType, Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from gateway.api import schemas
from gateway.problems import ProblemDocument


class PreciseJson(OpenAPIRenderPlugin):
    """The document as JSON, with msgspec's own account of the payloads: Litestar's loses the limits of list items."""

    def __init__(self) -> None:
        super().__init__(path=["/", "/openapi.json"], media_type=MediaType.JSON)
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's signature
        if self._rendered is None:
            self._rendered = msgspec.json.encode(precise(openapi_schema))
        return self._rendered


def precise(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with each payload's schema replaced by the decoder's own rules."""
    kinds = [each for each in vars(schemas).values() if isclass(each) and issubclass(each, msgspec.Struct)]
    kinds = [each for each in kinds if each.__module__ == schemas.__name__]
    _, exact = msgspec.json.schema_components([*kinds, ProblemDocument], ref_template="#/components/schemas/{name}")
    components = {**document["components"], "schemas": {**document["components"].get("schemas", {}), **exact}}
    return {**document, "components": components}


def openapi_config() -> OpenAPIConfig:
    """What Litestar needs to know to write the document."""
    return OpenAPIConfig(
        title="Préau",
        version=version("preau-gateway"),
        description="Book school meals and care, and pay for them. The town is the one of the host name.",
        path="/schema",
        use_handler_docstrings=True,
        render_plugins=[PreciseJson()],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="From POST /api/v1/sessions")
            }
        ),
    )
