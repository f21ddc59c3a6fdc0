"""argon2id in threads, a bounded number at once: each takes memory and time on purpose (ADR 0014).

When a whole town signs in at the same hour the line is longer than the callers' time. Then whoever cannot be served in
time is told so at once: waiting first and failing late would spend the processors on hashes nobody hears the answer of.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from preau_chassis.calls import remaining_seconds

from identity_svc.domain.errors import SignInBusyError

_LONGEST_WAIT_SECONDS = 10.0
# What is left is for the hash itself, the statements around it and an estimate that was too kind.
_SHARE_OF_THE_TIME_LEFT = 0.4
_MEMORY_OF_THE_MEAN = 0.8

T = TypeVar("T")


class Argon2Hasher:
    """A hash of other parameters is right all the same, and renewed at the next sign-in (``needs_rehash``)."""

    def __init__(self, *, memory_kib: int, iterations: int, lanes: int = 1, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(iterations, memory_kib, lanes, type=Type.ID)
        # Threads of its own: one that was given up goes on, and must keep the next from starting.
        self._threads = ThreadPoolExecutor(at_once, "argon2")
        self._at_once = at_once
        self._in_line = 0
        started = time.perf_counter()
        # No password has this hash's text; names that do not exist are checked against it.
        self._nobody = self._hasher.hash("nobody has this password")
        self._mean_seconds = time.perf_counter() - started

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the line for one verification; ``SIGN_IN_BUSY`` when its turn would come too late for the caller."""
        left = remaining_seconds()
        patience = _LONGEST_WAIT_SECONDS
        if left is not None:
            patience = min(patience, left * _SHARE_OF_THE_TIME_LEFT)
        wait = self._in_line // self._at_once * self._mean_seconds
        if wait > patience:
            # Spread, or all who were sent away together would come back together.
            raise SignInBusyError(math.ceil(wait * random.uniform(0.5, 1.5)))  # noqa: S311 - no secret
        self._in_line += 1
        try:
            yield
        finally:
            self._in_line -= 1

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        is_right = await self._run(lambda: self._verify(password_hash or self._nobody, password))
        return is_right and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    async def _run(self, work: Callable[[], T]) -> T:
        def timed() -> T:
            started = time.perf_counter()
            try:
                return work()
            finally:
                # Here, not where it is awaited: the slowest are those that nobody waits for any more.
                seconds = time.perf_counter() - started
                self._mean_seconds += (1 - _MEMORY_OF_THE_MEAN) * (seconds - self._mean_seconds)

        return await asyncio.get_running_loop().run_in_executor(self._threads, timed)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
