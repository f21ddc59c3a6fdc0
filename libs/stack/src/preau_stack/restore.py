"""`preau restore`: a platform from an archive of `preau backup`, in a folder that holds none.

Everything is made beside the folder and takes its name at the end: a restore that fails leaves nothing.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from preau_stack import archive, secrets_file
from preau_stack.backup import FAILURES, POSTGRES_MAJOR, step
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.environment import MODULES
from preau_stack.postgres import give_to_server, psql
from preau_stack.servers import NotHereError, refuse_own_servers, started_broker, started_postgres
from preau_stack.streams import load_streams

_REVISION = re.compile(r"^revision\b.*?=\s*[\"'](?P<revision>[^\"']+)", re.MULTILINE)

# What the streams may lack is published again; who has heard it already knows by the inbox. The minute is for a clock that was set.
_PUBLISH_AGAIN = """
WITH again AS (UPDATE outbox SET published_at = NULL
                WHERE published_at >= timestamptz '{events_from}' - interval '1 minute' RETURNING 1)
SELECT count(*) FROM again"""
_UNBALANCED = """
SELECT count(*) FROM (SELECT FROM ledger_entry GROUP BY tenant_id HAVING sum(debit_minor) <> sum(credit_minor)) town"""


def restore(folder: DataFolder, source: Path) -> int:
    """Make ``folder`` of the archive ``source``, or of the newest in the folder ``source``; the command's exit code."""
    started = time.monotonic()
    try:
        refuse_own_servers()
        file = _choose(source)
        _refuse_if_used(folder.path)
        manifest = archive.read_manifest(file)
        _refuse_if_unknown(file, manifest)
        print(f"Restoring {file}, made {manifest.made_at}", flush=True)
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.path.parent, prefix=".preau-restore-"))
        try:
            _make(file, work)
            _refuse_if_used(folder.path)
            (work / "platform").replace(folder.path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except FAILURES as error:
        print(f"Nothing was restored: {error}", file=sys.stderr)
        return 1
    print(f"Restored into {folder.path} in {time.monotonic() - started:.1f} s, as of {manifest.made_at}.")
    print(
        f"Start it with `preau up --data {folder.path}`. What came later is not in it; docs/operations.md says where to look."
    )
    return 0


def _choose(source: Path) -> Path:
    if not source.is_dir():
        return source.absolute()
    found = sorted(source.glob("preau-*.tar"))
    if not found:
        raise NotHereError(f"There is no backup (preau-*.tar) in {source.absolute()}.")
    return found[-1].absolute()


def _refuse_if_used(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise NotHereError(
            f"{path} is not empty, and a restore never writes over anything. "
            "Name another folder with --data, or empty this one with `preau reset`."
        )


def _refuse_if_unknown(file: Path, manifest: archive.Manifest) -> None:
    if manifest.postgres != POSTGRES_MAJOR:
        raise NotHereError(
            f"{file} holds the files of PostgreSQL {manifest.postgres}; this Préau runs {POSTGRES_MAJOR} and cannot read them."
        )
    for service in SERVICES:
        if manifest.schema[service] not in _known_revisions(service):
            raise NotHereError(
                f"{file} was made by a newer Préau ({manifest.preau}; {service}'s schema is at {manifest.schema[service]}). "
                "Install that version to restore it."
            )


def _known_revisions(service: str) -> set[str]:
    spec = find_spec(MODULES[service])
    if spec is None or spec.origin is None:
        raise NotHereError(f"The service {service} is not installed.")
    scripts = (Path(spec.origin).parents[2] / "migrations" / "versions").glob("*.py")
    return {match["revision"] for script in scripts if (match := _REVISION.search(script.read_text()))}


def _make(file: Path, work: Path) -> None:
    parts, platform = work / "parts", work / "platform"
    platform.mkdir(mode=0o700)
    manifests: list[archive.Manifest] = []
    step("archive, checked", lambda: manifests.append(archive.extract(file, parts)))
    (manifest,) = manifests
    for each in sorted((parts / "files").iterdir()):
        each.replace(platform / each.name)
    step("databases unpacked", lambda: _unpack_cluster(parts / "postgres", platform / "postgres"))
    step("databases, books", lambda: _open_cluster(platform, manifest))
    step("streams", lambda: _load_streams(parts / "nats", platform))
    DataFolder(platform).write_state({"phase": "stopped", "ports": dict(manifest.ports)})
    shutil.rmtree(platform / "logs")
    shutil.rmtree(platform / "postgres-socket", ignore_errors=True)


def _unpack_cluster(parts: Path, target: Path) -> None:
    archive.unpack(parts / "base.tar.gz", target)
    archive.unpack(parts / "pg_wal.tar.gz", target / "pg_wal")
    give_to_server(target)


def _open_cluster(platform: Path, manifest: archive.Manifest) -> None:
    """Bring the cluster to the instant of its copy, have the last events published again, look at the books."""
    secrets = secrets_file.load_or_create(platform / "secrets.json")
    with started_postgres(platform, secrets["postgres"]) as server:
        for service in SERVICES:
            psql(server.url(service), _PUBLISH_AGAIN.format(events_from=manifest.events_from))
        if psql(server.url("billing"), _UNBALANCED).strip() != "0":
            raise NotHereError("debits and credits of the restored ledger differ. Use another backup.")


def _load_streams(saved: Path, platform: Path) -> None:
    with started_broker(platform) as broker:
        asyncio.run(load_streams(broker.url, saved))
