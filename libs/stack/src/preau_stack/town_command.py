"""`preau town`: makes towns of files, or brings them up to date."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preau_kernel.errors import DomainError, ErrorKind

from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.ports import LOOPBACK
from preau_stack.services import Services, open_services_at
from preau_stack.town_loading import LoadedTown, TownRefusedError, load_plan
from preau_stack.town_reading import ReadTown, TownFileError, read_towns

SECRET = "PREAU_OPERATOR_SECRET"  # noqa: S105 - the variable's name
_LOCAL = ".localhost"
_ADDRESS = re.compile(r"\S+:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class _Platform:
    """Where the services are. ``gateway``: the port of this machine's, 0 elsewhere."""

    addresses: Mapping[str, str]
    operator_secret: str = field(repr=False)
    gateway: int = 0


class _UnknownPlatformError(Exception):
    """Nobody can say where to apply the files, and why."""


def town(folder: DataFolder, files: Sequence[Path], at: str, *, is_check: bool) -> int:
    """Read all the files, then apply one after the other; 0 when all of them are applied (or right, when ``is_check``)."""
    try:
        towns = read_towns(files)
        if is_check:
            for each in towns:
                print(f"{each.file}: {each.town.slug} is right: {_contents(each)}")
            return 0
        platform = _elsewhere(at) if at else _here(folder)
    except (TownFileError, _UnknownPlatformError) as error:
        print(error, file=sys.stderr)
        return 1
    return asyncio.run(_apply_all(platform, towns))


def _here(folder: DataFolder) -> _Platform:
    ports: Mapping[str, int] = folder.state().get("ports", {}) if folder.is_running() else {}
    if not ports:
        raise _UnknownPlatformError(f"Préau is not running on {folder.path}; start it with `preau up`, or say --at.")
    addresses = {name: f"{LOOPBACK}:{ports[name]}" for name in SERVICES}
    return _Platform(addresses, folder.secrets()["service_operator"], ports["gateway"])


def _elsewhere(at: str) -> _Platform:
    addresses = dict(entry.partition("=")[::2] for entry in at.split(","))
    if set(addresses) != set(SERVICES) or not all(map(_ADDRESS.fullmatch, addresses.values())):
        raise _UnknownPlatformError(f"--at wants {','.join(f'{name}=HOST:PORT' for name in SERVICES)}.")
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise _UnknownPlatformError(f"--at needs the operator's secret in {SECRET}.")
    return _Platform(addresses, secret)


async def _apply_all(platform: _Platform, towns: Sequence[ReadTown]) -> int:
    services, channels = open_services_at(platform.addresses, platform.operator_secret)
    try:
        try:
            await services.operator_token()
        except DomainError as error:
            is_refused = error.kind is ErrorKind.UNAUTHENTICATED
            said = "knows another operator's secret" if is_refused else "does not answer"
            print(f"identity at {platform.addresses['identity']} {said} ({error.reason}).", file=sys.stderr)
            return 1
        done = [await _apply(services, each, platform.gateway) for each in towns]
    finally:
        for channel in channels:
            await channel.close()
    return 0 if all(done) else 1


async def _apply(services: Services, read: ReadTown, gateway: int) -> bool:
    try:
        loaded = await load_plan(services, read.plan)
    except TownRefusedError as refused:
        print(f"{read.file}: {refused}", file=sys.stderr)
        return False
    for at in loaded.differing:
        said = "was there already and is not as the file says; it stays as it is"
        print(f"{read.file}: households.{at}: {said}", file=sys.stderr)
    print(
        f"{loaded.tenant.slug}: number {loaded.tenant.number}, {_contents(read)}: {_addresses(loaded, gateway)}",
        flush=True,
    )
    return True


def _contents(read: ReadTown) -> str:
    activities, households = len(read.town.activities), len(read.town.households)
    return (
        f"{activities} {'activity' if activities == 1 else 'activities'}, "
        f"{households} {'household' if households == 1 else 'households'}"
    )


def _addresses(loaded: LoadedTown, gateway: int) -> str:
    hosts = [host for host in loaded.tenant.hosts if not (gateway and host.endswith(_LOCAL))]
    # Every town answers to its local name.
    local = [f"http://{loaded.tenant.slug}{_LOCAL}:{gateway}/"] if gateway else []
    return " ".join([*local, *(f"https://{host}/" for host in hosts)])
