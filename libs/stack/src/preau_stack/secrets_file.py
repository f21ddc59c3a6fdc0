"""The secrets of one data folder, made once."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from preau_stack.databases import new_passwords

_CALLERS = ("gateway", "identity", "agenda", "billing", "payment", "operator")


def load_or_create(path: Path) -> dict[str, str]:
    """The secrets kept in ``path``, readable by their owner alone; what a newer version needs is added."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    complete = new_secrets() | known
    if complete != known:
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(complete, file, indent=1)
        fresh.replace(path)
    return complete


def new_secrets() -> dict[str, str]:
    """A full set of fresh secrets; database passwords are under the names of their roles."""
    return {
        **{f"service_{name}": secrets.token_urlsafe(32) for name in _CALLERS},
        **new_passwords(),
        "postgres": secrets.token_urlsafe(18),
        "page_token_key": secrets.token_urlsafe(32),
        "cookie_secret": secrets.token_urlsafe(32),
        "encryption_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
