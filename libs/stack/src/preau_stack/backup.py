"""`preau backup`: one archive of a platform on one machine, taken while it runs or while it is stopped.

The four databases are in one cluster, and a base backup of a cluster is one instant of all of them: what agenda has said
and what billing has heard agree. The streams are saved first. So the databases know everything the streams do: a reader
that gets an event a second time finds it in its inbox, and what was published between the two copies is published again by
`restore`. Files come last: the simulated payment provider may know more than the platform, as a real one does.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from preau_stack import archive
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.ports import LOOPBACK
from preau_stack.postgres import PROGRAMS, program_environment, psql
from preau_stack.process import StartFailedError
from preau_stack.servers import NotHereError, Servers, servers_of
from preau_stack.streams import StreamCopyError, save_streams

KEPT = ("secrets.json", "signing-keys", "mail", "simulator")
"""What is kept of the data folder beside the two servers' own. Logs, traces and the state of a run are not."""
POSTGRES_MAJOR = 18
_MEGABYTE = 1024 * 1024


class CopyError(Exception):
    """A program that copies failed; its own words."""


FAILURES = (archive.ArchiveError, NotHereError, StreamCopyError, StartFailedError, CopyError, RuntimeError, OSError)
"""What ends a backup or a restore with one sentence instead of a stack."""


def backup(folder: DataFolder, target: Path) -> int:
    """Write the archive ``target``, or one named after the hour in the folder ``target``; the command's exit code."""
    made_at = datetime.now(UTC)
    file = (target / f"preau-{made_at:%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target).absolute()
    started = time.monotonic()
    try:
        if file.exists():
            raise NotHereError(f"{file} exists; a backup is never written over. Choose another name.")
        if not file.parent.is_dir():
            raise NotHereError(f"{file.parent} is not a folder; make it first.")
        print(f"Backing up {folder.path}", flush=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".preau-backup-") as work:
            _make(folder, file, Path(work), made_at)
    except FAILURES as error:
        print(f"No backup was made: {error}", file=sys.stderr)
        return 1
    size = file.stat().st_size / _MEGABYTE
    print(f"Backed up to {file} ({size:.1f} MB) in {time.monotonic() - started:.1f} s.")
    print("It holds secrets and personal data: only you can read it, and it belongs on another machine, encrypted.")
    return 0


def step(label: str, action: Callable[[], object]) -> None:
    """Do a part of the work and say how long it took."""
    started = time.monotonic()
    action()
    print(f"  {label:<27} {time.monotonic() - started:6.1f} s", flush=True)


def _make(folder: DataFolder, file: Path, work: Path, made_at: datetime) -> None:
    streams, database = work / "nats", work / "postgres"
    streams.mkdir()
    with servers_of(folder) as servers:
        events_from = psql(servers.postgres_url, "SELECT now()").strip()
        step("streams", lambda: asyncio.run(save_streams(servers.nats_url, streams)))
        step("databases", lambda: _copy_cluster(servers, database))
        schema = {service: _revision(servers, service) for service in SERVICES}
        step("secrets, keys, files", lambda: _copy_files(folder.path, work / "files"))

    def pack() -> None:
        parts = archive.checksums(work)
        manifest = archive.Manifest(
            format=archive.FORMAT,
            preau=version("preau-stack"),
            postgres=POSTGRES_MAJOR,
            made_at=made_at.isoformat(timespec="seconds"),
            events_from=events_from,
            schema=schema,
            ports=folder.state().get("ports", {}),
            parts=parts,
        )
        archive.write(file, manifest, work)

    step("archive", pack)


def _copy_cluster(servers: Servers, target: Path) -> None:
    password = urlsplit(servers.postgres_url).password or ""
    command = [str(PROGRAMS / "pg_basebackup"), f"-D{target}", f"-h{LOOPBACK}", f"-p{servers.postgres_port}"]
    command += ["-Upostgres", "-w", "-Ft", "-Xstream", "-cfast", "-Zclient-gzip:1", "--no-sync", "--no-manifest"]
    environment = program_environment() | {"PGPASSWORD": password}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd="/")
    if done.returncode:
        raise CopyError(f"the databases could not be copied: {done.stderr.strip()}")


def _revision(servers: Servers, service: str) -> str:
    url = urlsplit(servers.postgres_url)._replace(path=f"/{service}").geturl()
    return psql(url, "SELECT version_num FROM alembic_version").strip()


def _copy_files(source: Path, target: Path) -> None:
    for path in (each for name in KEPT for each in sorted([source / name, *(source / name).rglob("*")])):
        if not path.is_file() or path.name.endswith(("-wal", "-shm")):
            continue
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".sqlite3":
            with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(copy)) as kept:
                live.backup(kept)
        else:
            shutil.copyfile(path, copy)
