"""Becomes another program that ends with its parent. Run by path, with the standard library only: `launch.py PARENT SIGNAL UID:GID COMMAND...`
(`-` for UID:GID keeps the user).

A program of its own because a hook between fork and exec is not safe in a process that has threads, and because the
kernel forgets the request when the user changes: it must be made after that, right before exec.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Change the user, ask the kernel for SIGNAL at the parent's death, exec COMMAND."""
    parent, signal_number, user, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request was made
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the whole point


if __name__ == "__main__":
    main()
