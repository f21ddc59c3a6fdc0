"""A process waits, alive and not ready, until the database has the schema its code needs.

Waiting rather than stopping: on a first installation the pods are there before the migrate Job, and a pod that ends is
started again after longer and longer pauses, up to five minutes after the schema has come. A newer schema is none of its
business: schemas only expand, so that old code runs on the new one while an upgrade rolls, and after a rollback.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg
from preau_kernel.errors import DomainError

from preau_chassis.database import Database
from preau_chassis.logs import get_logger

_log = get_logger("migrate")
_RETRY_SECONDS = 1.0
_TELL_EVERY = 30
_LINE = re.compile(r"^(?P<name>revision|down_revision)(?:\s*:[^=]+)?\s*=\s*[\"'](?P<value>\w+)[\"']", re.MULTILINE)
_REVISION = "SELECT version_num FROM alembic_version"


def older_revisions(migrations: Path, needed: str) -> frozenset[str]:
    """The revisions under ``migrations``/versions before ``needed``. ``ValueError`` when there is no such revision."""
    before: dict[str, str] = {}
    for path in (migrations / "versions").glob("*.py"):
        found = {line["name"]: line["value"] for line in _LINE.finditer(path.read_text())}
        before[found["revision"]] = found.get("down_revision", "")
    if needed not in before:
        raise ValueError(f"no migration has the revision {needed}")
    older = set()
    while needed := before[needed]:
        older.add(needed)
    return frozenset(older)


async def wait_for_schema(database: Database, migrations: Path, needed: str, command: str) -> None:
    """Return when the schema is ``needed`` or newer; ``command`` is what the log tells to run."""
    older = older_revisions(migrations, needed)
    turn = 0
    while True:
        reason = await _lacks(database, older)
        if not reason:
            if turn:
                _log.info("schema.ready")
            return
        if turn % _TELL_EVERY == 0:
            _log.warning("schema.waiting", reason=reason, run=command)
        turn += 1
        await asyncio.sleep(_RETRY_SECONDS)


async def _lacks(database: Database, older: frozenset[str]) -> str:
    try:
        revision = await database.fetchval(_REVISION)
    except asyncpg.UndefinedTableError:
        return "SCHEMA_MISSING"
    except asyncpg.InsufficientPrivilegeError:
        # Migrated by the first release, which did not let us look: its one revision.
        return "SCHEMA_OLD" if older else ""
    except DomainError as error:
        return error.reason
    except asyncpg.PostgresError as error:
        # A role or database that is not there yet, or a password that is.
        return type(error).__qualname__
    if revision is None:
        return "SCHEMA_MISSING"
    return "SCHEMA_OLD" if revision in older else ""
