"""Prints every Secret the umbrella chart expects, with fresh values, as one list for ``kubectl create -f -``.

Run it once an installation: keys that are lost cannot be made again (docs/operations.md). Keep its output in no file.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from preau_stack.databases import ROLES, SERVICES
from preau_stack.secrets_file import new_secrets

Contents = dict[str, dict[str, bytes]]
"""Name of a Secret, then of a key in it, to what it holds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are. An empty ``database`` is a CloudNativePG cluster of the release, an empty ``nats`` its broker."""

    release: str = "preau"
    database: str = ""
    nats: str = ""
    smtp: str = ""


def contents(place: Place, known: Mapping[str, str]) -> Contents:
    """What each Secret holds; ``known`` is a set of `preau_stack.secrets_file.new_secrets`."""
    callers = (*(name for name in SERVICES if name != "identity"), "gateway", "operator")
    gateway = {"service-secret": known["service_gateway"], "cookie-secret": known["cookie_secret"]}
    text: dict[str, dict[str, str]] = {"gateway": gateway, "operator": {"service-secret": known["service_operator"]}}
    for name in SERVICES:
        text[name] = {"service-secret": known[f"service_{name}"], "page-token-key": known["page_token_key"]}
        if place.nats:
            text[name] |= _broker(place.nats)
        if place.database:
            text[name] |= {
                "database-url": _url(place.database, name, "app", known),
                "work-database-url": _url(place.database, name, "work", known),
                "owner-database-url": _url(place.database, name, "owner", known),
            }
        else:
            for role in ROLES:
                user = f"{name}_{role}"
                text[f"db-{name}-{role}"] = {"username": user, "password": known[user]}
    text["identity"]["service-secrets"] = json.dumps({name: known[f"service_{name}"] for name in callers})
    if place.smtp:
        text["identity"]["smtp-url"] = place.smtp
    text["payment"]["encryption-key"] = known["encryption_key"]
    if not place.nats:
        # A letter first: the broker's configuration would read digits as a number.
        text["nats"] = {name: f"p{secrets.token_hex(16)}" for name in (*SERVICES, "route")}
    found = {
        f"{place.release}-{name}": {key: value.encode() for key, value in keys.items()} for name, keys in text.items()
    }
    found[f"{place.release}-identity"]["master.key"] = secrets.token_bytes(32)
    return found


def manifest(found: Contents, namespace: str) -> dict[str, object]:
    """The Secrets as one Kubernetes list."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            # CloudNativePG takes its roles' passwords from this type.
            "type": "kubernetes.io/basic-auth" if set(keys) == {"username", "password"} else "Opaque",
            "metadata": {"name": name, "namespace": namespace, "labels": {"cnpg.io/reload": "true"}},
            "data": {key: base64.b64encode(value).decode() for key, value in keys.items()},
        }
        for name, keys in found.items()
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _broker(server: str) -> dict[str, str]:
    """The address, and apart from it who we are."""
    parts = urlsplit(server)
    user, _, place = parts.netloc.rpartition("@")
    keys = {"nats-url": urlunsplit(parts._replace(netloc=place))}
    if user:
        keys |= {"nats-user": unquote(parts.username or ""), "nats-password": unquote(parts.password or "")}
    return keys


def _url(server: str, service: str, role: str, known: Mapping[str, str]) -> str:
    user = f"{service}_{role}"
    parts = urlsplit(server)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(known[user], safe='')}@{place}", path=f"/{service}"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="preau")
    parser.add_argument("--release", default="preau")
    parser.add_argument(
        "--database", default="", help="postgresql://host:5432?sslmode=verify-full, when not of the release"
    )
    parser.add_argument("--nats", default="", help="nats://user:password@host:4222, when not of the release")
    parser.add_argument("--smtp", default="", help="smtp://user:password@host:587")
    options = parser.parse_args()
    place = Place(options.release, options.database, options.nats, options.smtp)
    json.dump(manifest(contents(place, new_secrets()), options.namespace), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
