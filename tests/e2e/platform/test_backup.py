"""`preau backup` of a platform at work, and `preau restore` of it elsewhere: the same books, and business goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from preau_stack import archive
from preau_stack.backup import KEPT
from preau_stack.data_folder import DataFolder
from preau_stack.running import SEPTEMBER_2025, RunningPlatform, running_platform
from preau_stack.servers import started_postgres
from preau_stack.testing import temporary_folder

from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import Family, World, eventually

pytestmark = pytest.mark.timeout(240)
_CLOCK = {"PREAU_NOW": SEPTEMBER_2025}
_MADE_ANEW = {"postgres", "postgres-socket", "nats", "logs", "traces", "metrics", "lock", "state.json"}

# All that is money or paper, of every town.
_BOOKS = (
    "SELECT * FROM ledger_entry ORDER BY tenant_id, id",
    "SELECT * FROM document ORDER BY tenant_id, number",
    "SELECT * FROM invoice_state ORDER BY tenant_id, invoice_id",
    "SELECT * FROM payment ORDER BY tenant_id, id",
)

_STATUSES = """
SELECT h.household_id, array_agg(r.status ORDER BY r.reservation_id) AS statuses
  FROM household h JOIN reservation r USING (tenant_id, household_key) GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Past:
    """A platform that is no more, its archive, and what was in it at that instant."""

    archive: Path
    paid: Family
    unpaid: Family
    unheard: Family
    bearer: str
    invoice: dict[str, Any]
    pdf: bytes
    open_invoice: dict[str, Any]
    books: list[Any]
    statuses: dict[str, list[int]]
    """Of the reservations of each of these families, in order."""
    provider: Path


async def preau(*words: object, **environment: str) -> tuple[int, str]:
    """Run the command; its exit code and all it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "preau_stack.cli", *map(str, words),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, **environment},
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.fixture(scope="module")
def folder() -> Any:
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
async def past(folder: Path) -> AsyncIterator[Past]:
    with running_platform(folder / "data", _CLOCK) as platform:
        world = World(platform)
        yield await _live(world, folder)
        await world.close()


async def _live(world: World, folder: Path) -> Past:
    paid, unpaid, unheard, restless = [await world.family() for _ in range(4)]
    async with world.parent(paid) as parent:
        await parent.book("2025-09-01", "2025-09-30")
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        invoice = await parent.settled(invoice["id"])
        pdf = (await parent.get(f"invoices/{invoice['id']}/pdf")).content
        bearer = parent.client.headers["Authorization"]
    async with world.parent(unpaid) as parent:
        await parent.book("2025-09-01", "2025-09-30", "restauration", "midi")
        open_invoice = await parent.issue()
    await eventually(world.books.is_quiet)
    early = await _back_up(world.platform, folder / "early.tar")

    async with world.parent(unheard) as parent, world.parent(restless) as busy, _deaf(world.platform, "billing"):
        await parent.book("2025-09-01", "2025-09-30")
        await eventually(lambda: _is_published(world))
        books = [await world.books.fetch("billing", sql) for sql in _BOOKS]
        statuses = {str(row["household_id"]): row["statuses"] for row in await world.books.fetch("agenda", _STATUSES)}
        async with _booking(busy):
            late = await _back_up(world.platform, folder / "late.tar")
    await _go_on(world, paid, open_invoice)
    return Past(
        _with_streams_of(early, late, folder / "backup.tar"), paid, unpaid, unheard, bearer, invoice, pdf, open_invoice,
        books, statuses, folder / "data" / "simulator" / "payfip.sqlite3",
    )  # fmt: skip


async def _back_up(platform: RunningPlatform, target: Path) -> Path:
    code, said = await preau("backup", "--data", platform.folder.path, target)
    assert code == 0, said
    assert "secrets" in said
    assert _mode(target) == 0o600
    return target


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@asynccontextmanager
async def _deaf(platform: RunningPlatform, process: str) -> AsyncIterator[None]:
    """A process that takes in nothing for a while."""
    pid = platform.pid(process)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _is_published(world: World) -> bool:
    return not await world.books.value("agenda", "SELECT count(*) FROM outbox WHERE published_at IS NULL")


@asynccontextmanager
async def _booking(parent: Parent) -> AsyncIterator[None]:
    """Somebody books and deletes without a pause."""
    is_over = asyncio.Event()
    turns = 0

    async def come_and_go() -> None:
        nonlocal turns
        while not is_over.is_set():
            await parent.book("2025-10-01", "2025-10-17")
            await parent.insist("POST", "bulk-entries", parent.entry("2025-10-01", "2025-10-17", action="delete"))
            turns += 1

    task = asyncio.create_task(come_and_go())
    yield
    is_over.set()
    await task
    assert turns > 0


async def _go_on(world: World, paid: Family, open_invoice: dict[str, Any]) -> None:
    """What the archive does not know: the open invoice is paid, and a new one is issued and paid."""
    await world.payfip.pay(open_invoice["payment_url"])
    async with world.parent(paid) as parent:
        await parent.book("2025-10-01", "2025-10-17")
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        await parent.settled(invoice["id"])
    await world.audit(paid.slug)


def _with_streams_of(early: Path, late: Path, target: Path) -> Path:
    """The late archive with the early one's streams: as if hours had passed between the two copies of one backup."""
    folders = target.with_suffix(".early"), target.with_suffix(".late")
    before, after = (archive.extract(file, parts) for file, parts in zip((early, late), folders, strict=True))
    shutil.rmtree(folders[1] / "nats")
    shutil.copytree(folders[0] / "nats", folders[1] / "nats")
    parts = archive.checksums(folders[1])
    archive.write(target, replace(after, events_from=before.events_from, parts=parts), folders[1])
    return target


@pytest.fixture(scope="module")
async def restored(past: Past, folder: Path) -> AsyncIterator[World]:
    """The platform of the archive, elsewhere; the provider is nobody's to restore and knows what came after."""
    code, said = await preau("restore", "--data", folder / "elsewhere", past.archive)
    assert code == 0, said
    shutil.copyfile(past.provider, folder / "elsewhere" / "simulator" / "payfip.sqlite3")
    with running_platform(folder / "elsewhere", _CLOCK) as platform:
        world = World(platform)
        yield world
        await world.close()


async def test_what_is_restored_are_the_books_of_the_backup(past: Past, folder: Path) -> None:
    code, said = await preau("restore", "--data", folder / "asleep", past.archive)
    assert code == 0, said
    password = DataFolder(folder / "asleep").secrets()["postgres"]
    with started_postgres(folder / "asleep", password) as server:
        billing, agenda = await asyncpg.connect(server.url("billing")), await asyncpg.connect(server.url("agenda"))
        assert [await billing.fetch(sql) for sql in _BOOKS] == past.books
        statuses = {str(row["household_id"]): row["statuses"] for row in await agenda.fetch(_STATUSES)}
        await billing.close()
        await agenda.close()
    for family in (past.paid, past.unpaid, past.unheard):
        assert statuses[family.id] == past.statuses[family.id]


async def test_a_restored_platform_goes_on(past: Past, restored: World) -> None:
    async with restored.visitor("casepilote") as visitor:  # signed in before the backup
        visitor.client.headers["Authorization"] = past.bearer
        invoice = await visitor.invoice(past.invoice["id"])
        assert (invoice["number"], invoice["receipt_number"]) == (
            past.invoice["number"],
            past.invoice["receipt_number"],
        )
        assert (await visitor.get(f"invoices/{invoice['id']}/pdf")).content == past.pdf

    # Told before the backup, heard by nobody until now.
    async with restored.parent(past.unheard) as parent:
        basket = await parent.basket()
        assert (basket["count"], basket["total"]["minor_units"]) == (72, 5400)

    # Paid at the provider after the backup.
    await restored.poll("casepilote")
    async with restored.parent(past.unpaid) as parent:
        assert (await parent.settled(past.open_invoice["id"]))["number"] == past.open_invoice["number"]

    async with restored.parent(past.unheard) as parent:
        issued = await parent.issue()
        await restored.payfip.pay(issued["payment_url"])
        await parent.settled(issued["id"])
        assert _rank(issued["number"]) == _rank(past.open_invoice["number"]) + 1
    assert await restored.books.statuses(past.unheard.id) == {2: 72}
    assert await restored.books.payments_of(past.unheard.id) == 1
    assert await restored.books.payments_of(past.unpaid.id) == 1
    for family in (past.paid, past.unpaid, past.unheard):
        assert await restored.alerts(family) == []
    await restored.audit("casepilote", "saint-aubin")


def _rank(number: str) -> int:
    return int(number.rpartition("-")[2])


async def test_a_backup_forgets_nothing_of_the_data_folder_that_cannot_be_made_anew(past: Past, folder: Path) -> None:
    del past
    assert {path.name for path in (folder / "data").iterdir()} - set(KEPT) <= _MADE_ANEW


async def test_a_stopped_platform_is_backed_up_too_and_a_folder_takes_archives_by_their_hour(
    past: Past, folder: Path
) -> None:
    code, said = await preau("restore", "--data", folder / "sleeping", past.archive)
    assert code == 0, said
    (folder / "archives").mkdir()
    code, said = await preau("backup", "--data", folder / "sleeping", folder / "archives")
    assert code == 0, said
    (made,) = (folder / "archives").iterdir()
    code, said = await preau("restore", "--data", folder / "again", folder / "archives")
    assert code == 0, said
    assert str(made) in said
    assert archive.read_manifest(made).schema == archive.read_manifest(past.archive).schema


@pytest.mark.parametrize("where", [0.02, 0.5, 0.98])
async def test_a_damaged_archive_is_refused_and_leaves_nothing(past: Past, folder: Path, where: float) -> None:
    content = bytearray(past.archive.read_bytes())
    content[int(len(content) * where)] ^= 0x20
    damaged = folder / "damaged.tar"
    damaged.write_bytes(content)
    await _is_refused(damaged, folder, "is damaged")


async def test_half_an_archive_is_refused_and_leaves_nothing(past: Past, folder: Path) -> None:
    content = past.archive.read_bytes()
    half = folder / "half.tar"
    half.write_bytes(content[: len(content) // 2])
    await _is_refused(half, folder, "is damaged")


async def test_what_is_no_archive_is_refused(folder: Path) -> None:
    other = folder / "other.tar"
    other.write_text("not a tar")
    await _is_refused(other, folder, "is not a backup of Préau")
    await _is_refused(folder / "absent.tar", folder, "does not exist")
    (folder / "empty").mkdir()
    await _is_refused(folder / "empty", folder, "There is no backup")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": archive.FORMAT + 1, "preau": "9.9"}, "was made by Préau 9.9, whose archives (format 2)"),
        ({"postgres": 19}, "holds the files of PostgreSQL 19"),
        ({"schema": dict.fromkeys(("identity", "agenda", "billing", "payment"), "0999")}, "was made by a newer Préau"),
    ],
)
async def test_an_archive_of_a_newer_platform_is_refused(
    past: Past, folder: Path, change: dict[str, Any], sentence: str
) -> None:
    parts = folder / "newer"
    shutil.rmtree(parts, ignore_errors=True)
    manifest = archive.extract(past.archive, parts)
    newer = folder / "newer.tar"
    archive.write(newer, replace(manifest, **change), parts)
    await _is_refused(newer, folder, sentence)


async def test_a_folder_that_holds_something_is_left_as_it_is(past: Past, folder: Path) -> None:
    full = folder / "full"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    code, said = await preau("restore", "--data", full, past.archive)
    assert (code, said.count("\n")) == (1, 1)
    assert "is not empty" in said
    assert [path.name for path in full.iterdir()] == ["letter.txt"]


async def test_no_backup_is_written_over_and_foreign_servers_are_refused(past: Past, folder: Path) -> None:
    before = past.archive.read_bytes()
    code, said = await preau("backup", "--data", folder / "data", past.archive)
    assert code == 1
    assert "exists; a backup is never written over" in said
    assert past.archive.read_bytes() == before
    code, said = await preau("backup", "--data", folder / "data", folder / "x.tar", PREAU_POSTGRES_URL="postgresql://x")
    assert code == 1
    assert "in servers of your own" in said
    assert "CloudNativePG" in said
    code, said = await preau("backup", "--data", folder / "nowhere", folder / "x.tar")
    assert code == 1
    assert "There is no platform" in said
    assert not (folder / "x.tar").exists()


async def _is_refused(source: Path, folder: Path, sentence: str) -> None:
    target = folder / "refused"
    code, said = await preau("restore", "--data", target, source)
    assert code == 1
    last = said.splitlines()[-1]
    assert last.startswith("Nothing was restored: ")
    assert sentence in last
    assert not _left(folder)


def _left(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name == "refused" or path.name.startswith(".preau-restore-")]
