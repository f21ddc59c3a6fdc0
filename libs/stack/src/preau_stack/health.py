"""Whether the platform's processes answer."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping

import grpc
from grpc_health.v1 import health_pb2

from preau_stack.databases import SERVICES
from preau_stack.ports import LOOPBACK, is_open

_TIMEOUT_SECONDS = 2.0


def service_is_healthy(port: int) -> bool:
    """Whether a gRPC server says it is serving."""
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def page_is_healthy(port: int, path: str) -> bool:
    """Whether an HTTP server answers ``path`` with a success."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_healthy(process: str, port: int) -> bool:
    """Whether a process of the platform answers on its port, asked in its own way."""
    if process in SERVICES:
        return service_is_healthy(port)
    if process == "gateway":
        return page_is_healthy(port, "/health/ready")
    return is_open(port)


def wait_for(ports: Mapping[str, int], seconds: float) -> list[str]:
    """Wait until every process answers; the names of those that do not in time."""
    deadline = time.monotonic() + seconds
    waiting = dict(ports)
    while waiting and time.monotonic() < deadline:
        waiting = {name: port for name, port in waiting.items() if not (is_open(port) and is_healthy(name, port))}
        if waiting:
            time.sleep(0.1)
    return sorted(waiting)
