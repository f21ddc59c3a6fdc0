from __future__ import annotations

from pathlib import Path

from nats.aio.client import Client
from preau_stack.broker import Broker
from preau_stack.ports import free_ports
from preau_stack.postgres import PostgresServer, psql


def test_committed_rows_survive_a_kill_of_the_database_server(stack_folder: Path) -> None:
    (port,) = free_ports(1)
    server = PostgresServer(stack_folder / "killed", port, "secret", stack_folder / "killed.log")
    server.start()
    try:
        psql(server.url(), "CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)")
        assert psql(server.url(), "SHOW fsync").strip() == "on"
        server.process.kill()
        server.start()
        assert psql(server.url(), "SELECT count(*) FROM kept").strip() == "1"
    finally:
        server.stop()


async def test_stored_messages_survive_a_restart_of_the_broker(stack_folder: Path) -> None:
    port, monitor_port = free_ports(2)
    broker = Broker(stack_folder / "restarted", port, monitor_port, stack_folder / "restarted.log")
    broker.start()
    try:
        await _publish(broker.url)
        broker.stop()
        broker.start()
        assert await _stored(broker.url) == 1
    finally:
        broker.stop()


async def _publish(url: str) -> None:
    client = Client()
    await client.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="PROBE", subjects=["probe.>"])
    await stream.publish("probe.one", b"1")
    await client.close()


async def _stored(url: str) -> int:
    client = Client()
    await client.connect(url)
    info = await client.jetstream().stream_info("PROBE")
    await client.close()
    return int(info.state.messages)
