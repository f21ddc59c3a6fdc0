"""Which ``PREAU_`` variables there are, so that a misspelt one stops a process instead of meaning nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

OF_OTHERS = frozenset(
    {
        # Settings of one service or of the gateway, which an environment shared by all may hold.
        "AGENDA_ADDRESS", "BILLING_ADDRESS", "COOKIE_SECRET", "ENCRYPTION_KEY", "ENCRYPTION_OLD_KEYS",
        "EXPIRY_SECONDS", "MAIL_DIR", "MAIL_FROM", "NOTIFICATION_PATIENCE_SECONDS", "PASSWORD_HASHES_AT_ONCE",
        "PASSWORD_ITERATIONS", "PASSWORD_LANES", "PASSWORD_MEMORY_KIB", "PAYMENT_ADDRESS", "PDF_THREADS",
        "POLL_CONCURRENCY", "PROVIDER_HOSTS", "PROVIDER_TIMEOUT_SECONDS", "PUBLIC_SCHEME", "SERVICE_SECRETS", "SESSION_IDLE_MINUTES", "SESSION_LONGEST_MINUTES", "SIGNING_KEY_DIR",
        "SMTP_URL", "TRUST_FORWARDED",
        # Of every service, not of the gateway.
        "DATABASE_URL", "NATS_CREDENTIALS_FILE", "NATS_PASSWORD", "NATS_TOKEN", "NATS_URL", "NATS_USER",
        "OWNER_DATABASE_URL", "PAGE_TOKEN_KEY", "POOL_SIZE", "STREAM_REPLICAS", "WORK_DATABASE_URL",
        # Of the `preau` command, the simulator, the trace page and the tests.
        "CHART_E2E", "DATA", "OPERATOR_SECRET", "OTLP_LISTEN", "POSTGRES_URL", "SCHEMATHESIS_EXAMPLES", "SIMULATOR_DATA", "SOURCES",
        "TRACE_DATA",
    }
)  # fmt: skip
"""Names without the prefix that a process may meet and need not know; guarded by a test."""

# What Kubernetes adds to a pod's environment for each Service of a namespace, here those of a release called preau.
_OF_KUBERNETES = re.compile(
    r".+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
)


def unknown_variables(environment: Mapping[str, str], prefix: str, fields: Iterable[str]) -> list[str]:
    """One sentence for each variable of ``prefix`` that is nobody's setting; it never shows a value."""
    own = {name.upper() for name in fields}
    sentences = []
    for variable in sorted(environment):
        name = variable.upper().removeprefix(prefix)
        # An empty variable is one that is not set.
        if not variable.upper().startswith(prefix) or not environment[variable] or name in own | OF_OTHERS:
            continue
        if not _OF_KUBERNETES.fullmatch(name):
            nearest = difflib.get_close_matches(name, sorted(own), n=1) or difflib.get_close_matches(
                name, sorted(OF_OTHERS), n=1
            )
            hint = f" (is {prefix}{nearest[0]} meant?)" if nearest else ""
            sentences.append(f"{variable}: there is no such setting{hint}")
    return sentences
