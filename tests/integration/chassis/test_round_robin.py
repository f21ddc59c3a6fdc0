from __future__ import annotations

from collections import Counter
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from preau_chassis.client import close_channel, open_channel


async def test_calls_are_spread_over_every_address_of_a_name() -> None:
    answered: Counter[int] = Counter()
    servers = []

    async def start(number: int) -> int:
        async def check(_request: object, _context: object) -> health_pb2.HealthCheckResponse:
            answered[number] += 1
            return health_pb2.HealthCheckResponse()

        handler: Any = grpc.unary_unary_rpc_method_handler(
            check,
            request_deserializer=health_pb2.HealthCheckRequest.FromString,
            response_serializer=health_pb2.HealthCheckResponse.SerializeToString,
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        servers.append(server)
        return port

    ports = [await start(number) for number in range(2)]
    channel = open_channel("ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports))
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for _ in range(40):
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    await close_channel(channel)
    for server in servers:
        await server.stop(0)
    # The first calls may find one connection ready before the other.
    assert min(answered[0], answered[1]) >= 15
