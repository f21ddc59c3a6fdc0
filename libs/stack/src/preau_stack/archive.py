"""A backup's file: a tar of parts after a manifest that says what each must be."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

FORMAT = 1
"""What this Préau writes; it reads this and what is older."""
_MANIFEST = "manifest.json"
_BLOCK = 1024 * 1024
_MANIFEST_BYTES = 64 * 1024 * 1024


class ArchiveError(Exception):
    """The file cannot be used, and why, as one sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself. ``parts`` maps a part's path to its SHA-256; instants are ISO 8601 with an offset."""

    format: int
    preau: str
    postgres: int
    made_at: str
    events_from: str
    """Before this instant by the database's clock, every published event is in the saved streams."""
    schema: Mapping[str, str]
    ports: Mapping[str, int]
    parts: Mapping[str, str]


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file under ``folder``, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): _checksum(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write(file: Path, manifest: Manifest, folder: Path) -> None:
    """Make ``file``, for its owner's eyes only, of the manifest and its parts under ``folder``. It is complete or it is not there."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, _MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
                for name in manifest.parts:
                    tar.add(folder / name, name, recursive=False, filter=_anonymous)
            output.flush()
            os.fsync(output.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def read_manifest(file: Path) -> Manifest:
    """What ``file`` says of itself; ``ArchiveError`` when it is no archive or from a newer Préau."""
    with _opened(file) as tar:
        return _manifest(file, tar)


def extract(file: Path, folder: Path) -> Manifest:
    """Put every part under ``folder``; ``ArchiveError`` when one is missing, too much, or not what the manifest says."""
    with _opened(file) as tar:
        manifest = _manifest(file, tar)
        missing = dict(manifest.parts)
        while member := tar.next():
            if member.name not in missing:
                raise ArchiveError(f"{file} is damaged: it holds {member.name!r}, which its manifest does not name.")
            content = tar.extractfile(member)
            if content is None or _copy(content, place(folder, member.name)) != missing.pop(member.name):
                raise ArchiveError(f"{file} is damaged: {member.name} is not what was saved. Use another backup.")
        if missing:
            raise ArchiveError(f"{file} is damaged: {min(missing)} is missing. Use another backup.")
        return manifest


def unpack(file: Path, folder: Path) -> None:
    """Unpack one of PostgreSQL's own tars: files and folders only, nothing outside ``folder``."""
    with tarfile.open(file, "r:*") as tar:
        for member in tar:
            target = place(folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True, mode=0o700)
            elif content := tar.extractfile(member):
                _copy(content, target)


def place(folder: Path, name: str) -> Path:
    """Where the part ``name`` goes; ``ArchiveError`` when that would be outside ``folder``."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"The archive is damaged: {name!r} is not a name inside it.")
    return folder / path


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as tar:
            yield tar
    except FileNotFoundError:
        raise ArchiveError(f"{file} does not exist.") from None
    except (tarfile.TarError, EOFError):
        raise ArchiveError(
            f"{file} is not a backup of Préau, or it is damaged: it cannot be read to its end."
        ) from None


def _manifest(file: Path, tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first and first.name == _MANIFEST and first.size < _MANIFEST_BYTES else None
    if content is None:
        raise ArchiveError(f"{file} is not a backup of Préau.")
    try:
        document = json.load(content)
        if document["format"] > FORMAT:
            raise ArchiveError(
                f"{file} was made by Préau {document['preau']}, whose archives (format {document['format']}) this one "
                f"does not know (format {FORMAT}). Install that version to restore it."
            )
        known = Manifest.__dataclass_fields__
        return Manifest(**{name: value for name, value in document.items() if name in known})
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(f"{file} is damaged: its manifest cannot be read.") from None


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(content: IO[bytes], target: Path) -> str:
    """Copy into a new file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        while block := content.read(_BLOCK):
            digest.update(block)
            output.write(block)
    return digest.hexdigest()
