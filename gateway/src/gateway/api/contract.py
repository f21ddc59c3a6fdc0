"""What every operation of the JSON API shares: its errors, its parameters, its answers."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from preau_kernel.errors import InvalidError

from gateway.problems import PROBLEM_TYPE, ProblemDocument

JSON: Final = "application/json"
BEARER: Final = [{"bearer": list[str]()}]

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        max_length=200,
        description="The same key and body give the same answer; another body is 409 IDEMPOTENCY_KEY_REUSED.",
    ),
]
PageSize = Annotated[int, QueryParameter(name="page_size", ge=1, le=200, required=False)]
PageToken = Annotated[str, QueryParameter(name="page_token", max_length=2_000, required=False)]

_MEANINGS: Final = {
    400: "Not readable as JSON",
    401: "No session, or one that is over",
    403: "Not allowed",
    404: "No such thing in this town for this household",
    405: "Not a method of this address",
    409: "The state does not allow it",
    413: "More than a megabyte",
    415: "Not JSON",
    422: "A value is missing or wrong; errors[] says which",
    429: "Too many attempts",
    503: "A part does not answer; try again",
    504: "A part answers too slowly; try again",
}
PROBLEMS: Final = {
    status: ResponseSpec(
        data_container=ProblemDocument, media_type=PROBLEM_TYPE, generate_examples=False, description=meaning
    )
    for status, meaning in _MEANINGS.items()
}


async def require_json(request: Request[Any, Any, Any]) -> None:
    """415 unless a body that is there says it is JSON; run before anything reads it."""
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
        return
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    has_body = length not in {"", "0"} or "transfer-encoding" in request.headers
    if (has_body or content_type) and content_type != JSON and not content_type.endswith("+json"):
        raise HTTPException(status_code=415)


def known_id(identifier: str) -> str:
    """An id of an address; what cannot be one is not found (404, by ``problems``)."""
    if 0 < len(identifier) <= 64 and identifier.isascii() and identifier.replace("-", "").replace("_", "").isalnum():  # noqa: PLR2004 - longer than any identifier of ours
        return identifier
    raise InvalidError("INVALID_ID", "id")
