"""Host names of towns, as they come in a Host header."""

from __future__ import annotations

import re

from preau_kernel.errors import InvalidError

LOCAL_SUFFIX = ".localhost"
_LONGEST = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PORT = re.compile(r":\d{1,5}$")


def normalise_host(host: str) -> str:
    """Lower case, without port, without the root's dot."""
    return _PORT.sub("", host.strip().lower()).removesuffix(".")


def local_slug(host: str) -> str:
    """``casepilote`` from ``casepilote.localhost``, which every town answers to; empty for other names."""
    if not host.endswith(LOCAL_SUFFIX):
        return ""
    slug = host.removesuffix(LOCAL_SUFFIX)
    return "" if "." in slug else slug


def check_hosts(hosts: tuple[str, ...], slug: str) -> tuple[str, ...]:
    """The town's host names, normalised, without repeats, the first canonical; its local name when there is none."""
    checked: list[str] = []
    for position, raw in enumerate(hosts):
        host = normalise_host(raw)
        labels = host.split(".")
        is_shaped = len(host) <= _LONGEST and all(_LABEL.fullmatch(label) for label in labels)
        is_anothers = host.endswith(LOCAL_SUFFIX) and host != slug + LOCAL_SUFFIX
        if not is_shaped or is_anothers or labels[-1].isdigit():
            raise InvalidError("HOST_INVALID", f"hosts[{position}]", "not a host name of this town")
        if host not in checked:
            checked.append(host)
    return tuple(checked) or (slug + LOCAL_SUFFIX,)
