"""argon2id in threads, a bounded number at once: each takes 64 MiB and a quarter of a second on purpose."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Hasher:
    """RFC 9106's low-memory profile unless told otherwise."""

    def __init__(self, *, memory_kib: int = 65_536, time_cost: int = 3, parallelism: int = 4, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism, type=Type.ID)
        self._slots = asyncio.Semaphore(at_once)
        # No password has this hash's text; names that do not exist are checked against it.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        async with self._slots:
            is_right = await asyncio.to_thread(self._verify, password_hash or self._nobody, password)
        return is_right and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
