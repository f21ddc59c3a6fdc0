"""Free ports of the loopback address."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nothing listens on ``port``."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether something accepts connections on ``port``."""
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex((LOOPBACK, port)) == 0


def free_ports(count: int) -> list[int]:
    """``count`` different free ports, chosen by the kernel."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for candidate in sockets:
            candidate.bind((LOOPBACK, 0))
        return [int(candidate.getsockname()[1]) for candidate in sockets]
    finally:
        for candidate in sockets:
            candidate.close()


def stable_ports(wanted: dict[str, int], names: list[str]) -> dict[str, int]:
    """A port for every name: the wanted one while it is free, else a new one."""
    ports = {name: wanted[name] for name in names if name in wanted and is_free(wanted[name])}
    missing = [name for name in names if name not in ports]
    return ports | dict(zip(missing, free_ports(len(missing)), strict=True))
