"""How full a service process is: its pools, and what it serves."""

from __future__ import annotations

import contextlib

from preau_chassis.database import Database
from preau_chassis.interceptor import in_flight
from preau_chassis.metrics import Attributes, gauge
from preau_chassis.pool import LeasePool

_POOL = "db.client.connection.pool.name"
_STATE = "db.client.connection.state"

Points = list[tuple[float, Attributes]]


def show_rpcs() -> contextlib.ExitStack:
    """The RPCs this process is serving, until the stack is closed."""
    shown = contextlib.ExitStack()
    served = gauge("preau.rpc.in_flight", "{request}", "RPCs being served.", lambda: [(in_flight.count, {})])
    shown.callback(served.close)
    return shown


def show_pools(database: Database, work_database: Database) -> contextlib.ExitStack:
    """The connections of the pools ``serve`` and ``work`` (the same one where a process has but one)."""
    pools: dict[str, LeasePool] = {"serve": database.pool}
    if work_database is not database:
        pools["work"] = work_database.pool

    def count() -> Points:
        return [
            (number, {_POOL: name, _STATE: state})
            for name, pool in pools.items()
            for state, number in (("used", pool.used), ("idle", pool.idle))
        ]

    def most() -> Points:
        return [(pool.size, {_POOL: name}) for name, pool in pools.items()]

    def waiting() -> Points:
        return [(pool.waiting, {_POOL: name}) for name, pool in pools.items()]

    shown = contextlib.ExitStack()
    for each in (
        gauge("db.client.connection.count", "{connection}", "Connections of a pool, used or idle.", count),
        gauge("db.client.connection.max", "{connection}", "Connections a pool may have.", most),
        gauge("db.client.connection.pending_requests", "{request}", "Who waits for a connection.", waiting),
    ):
        shown.callback(each.close)
    return shown
