"""The verbs of a service process, and its life from start to signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import nats.errors
import uvloop
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from preau_chassis.clock import clock_from
from preau_chassis.consumer_runner import ConsumerRunner
from preau_chassis.database import Database
from preau_chassis.dead_letters import replay_dead_letters
from preau_chassis.delivery_watch import watch_deliveries
from preau_chassis.jobs import purge_jobs, run_job
from preau_chassis.logs import configure_logs, get_logger
from preau_chassis.memory import settle_collector
from preau_chassis.messaging import DEAD_LETTER_STREAM, close_nats, connect_nats, ensure_stream, stream_of
from preau_chassis.migrations import run_migrations
from preau_chassis.outbox import Leader, OutboxRelay
from preau_chassis.pagination import PageTokens
from preau_chassis.remote_identity import prefetch_keys, remote_jwks
from preau_chassis.server import GrpcServer
from preau_chassis.service import Parts, Runtime, ServiceDefinition
from preau_chassis.settings import ServiceSettings, SettingsError, load_settings_or_exit
from preau_chassis.telemetry import Telemetry, configure_telemetry
from preau_chassis.tokens import TokenVerifier

_log = get_logger("service")
_WORK_POOL = 4

Loop = Callable[[], Coroutine[Any, Any, None]]


def run_verb(definition: ServiceDefinition, arguments: Sequence[str] | None = None) -> int:
    """Parse, read the environment, run; 0 when it ended well, 2 when the environment is wrong."""
    parser = argparse.ArgumentParser(prog=definition.name)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, text in (("serve", "answer gRPC"), ("work", "relay, consume, run jobs"), ("all", "serve and work")):
        verbs.add_parser(name, help=text)
    verbs.add_parser("migrate", help="bring schema and streams up to date")
    verbs.add_parser("replay", help="send dead letters again").add_argument("durable")
    options = parser.parse_args(arguments)
    settings = load_settings_or_exit(definition.settings)
    configure_logs(definition.name, settings.log_level, with_words=settings.env != "production")
    try:
        if options.verb == "migrate":
            uvloop.run(_migrate(definition, settings))
        elif options.verb == "replay":
            uvloop.run(_replay(definition, settings, options.durable))
        else:
            uvloop.run(_live(definition, settings, options.verb))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Exception as error:  # noqa: BLE001 - the outermost boundary: a stack as a log line, not as loose text
        _log.error("service.crashed", verb=options.verb, error_type=type(error).__qualname__, exc_info=error)
        return 1
    return 0


async def _migrate(definition: ServiceDefinition, settings: ServiceSettings) -> None:
    await run_migrations(settings.required("owner_database_url"), definition.migrations)
    client = await connect_nats(settings.required("nats_url"), f"{definition.name} migrate")
    try:
        for stream in (stream_of(definition.name), DEAD_LETTER_STREAM):
            await ensure_stream(client, stream, replicas=settings.stream_replicas)
    finally:
        await close_nats(client)


async def _replay(definition: ServiceDefinition, settings: ServiceSettings, durable: str) -> None:
    client = await connect_nats(settings.required("nats_url"), f"{definition.name} replay")
    try:
        count = await replay_dead_letters(client, durable)
    finally:
        await close_nats(client)
    _log.info("dead_letters.replayed", consumer=durable, count=count)


async def _live(definition: ServiceDefinition, settings: ServiceSettings, verb: str) -> None:
    """Live until a signal; whatever happens, everything that was opened is closed."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        life = asyncio.create_task(_start(definition, settings, verb, stack))
        signalled = asyncio.create_task(stopping.wait())
        await asyncio.wait({life, signalled}, return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        if not life.done():
            _log.info("service.stopping")
            life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life


async def _start(
    definition: ServiceDefinition, settings: ServiceSettings, verb: str, stack: contextlib.AsyncExitStack
) -> None:
    telemetry = configure_telemetry(
        definition.name, settings.otlp_endpoint, settings.trace_ratio, version=_version_of(definition.name)
    )
    stack.callback(telemetry.close)
    client = await connect_nats(settings.required("nats_url"), f"{definition.name} {verb}")
    stack.push_async_callback(close_nats, client)
    runtime = _make_runtime(definition, settings, client, telemetry, works=verb != "serve")
    stack.push_async_callback(runtime.close)
    parts = await definition.build(runtime)
    if parts.close is not None:
        stack.push_async_callback(parts.close)
    settle_collector()
    loops: list[Loop] = []
    if verb != "serve":
        loops += await _workers(definition, settings, runtime, parts)
    else:
        runtime.database.on_nudge(_remote_nudge(client, definition.name))
    if verb != "work":
        server, background = _make_server(definition, settings, runtime, parts)
        await server.start()
        stack.push_async_callback(server.stop)
        loops += background
    _log.info("service.started", verb=verb)
    async with asyncio.TaskGroup() as tasks:
        for one in loops:
            tasks.create_task(one())
        tasks.create_task(asyncio.Event().wait())


def _make_runtime(
    definition: ServiceDefinition, settings: ServiceSettings, client: Nats, telemetry: Telemetry, *, works: bool
) -> Runtime:
    name = definition.name
    database = Database(settings.required("database_url"), pool_size=settings.pool_size, application_name=name)
    work_url = settings.required("work_database_url") if works else settings.work_database_url.get_secret_value()
    return Runtime(
        settings=settings,
        clock=clock_from(settings),
        database=database,
        work_database=(
            Database(work_url, pool_size=_WORK_POOL, application_name=f"{name} work") if work_url else database
        ),
        telemetry=telemetry,
        nats=client,
        page_tokens=PageTokens(settings.page_token_key.get_secret_value()),
        name=name,
    )


def _make_server(
    definition: ServiceDefinition, settings: ServiceSettings, runtime: Runtime, parts: Parts
) -> tuple[GrpcServer, list[Loop]]:
    verifier = TokenVerifier(parts.jwks_source or remote_jwks(runtime.identity_channel), runtime.clock)

    async def is_broker_there() -> bool:
        return runtime.nats.is_connected

    server = GrpcServer(
        service=definition.name,
        listen=settings.listen,
        servicers=parts.servicers,
        verifier=verifier,
        public_methods=parts.public_methods,
        ready=(runtime.database.ping, is_broker_there),
    )
    return server, [partial(prefetch_keys, verifier)]


async def _workers(
    definition: ServiceDefinition, settings: ServiceSettings, runtime: Runtime, parts: Parts
) -> list[Loop]:
    relay = OutboxRelay(service=definition.name, nats_client=runtime.nats, replicas=settings.stream_replicas)
    leader = Leader(definition.name, runtime.work_database)
    runtime.database.on_nudge(relay.nudge)
    runtime.work_database.on_nudge(relay.nudge)

    async def on_nudge(_message: Msg) -> None:
        relay.nudge()

    await runtime.nats.subscribe(_nudge_subject(definition.name), cb=on_nudge)
    await watch_deliveries(runtime.nats, parts.consumers)
    loops: list[Loop] = [partial(leader.lead, relay)]
    for consumer in parts.consumers:
        runner = ConsumerRunner(consumer, runtime.database, runtime.nats, replicas=settings.stream_replicas)
        loops.append(runner.run)
    loops += [partial(run_job, job, leader.is_leading) for job in (*parts.jobs, *purge_jobs(runtime.work_database))]
    return loops


def _remote_nudge(client: Nats, service: str) -> Callable[[], None]:
    """Wake the relay of another process. Several commits in a row send one message; a lost one costs a second at most."""
    subject = _nudge_subject(service)
    sending: set[asyncio.Task[None]] = set()

    async def send() -> None:
        with contextlib.suppress(nats.errors.Error, OSError):
            if client.is_connected:
                await client.publish(subject)

    def nudge() -> None:
        if not sending:
            task = asyncio.get_running_loop().create_task(send())
            sending.add(task)
            task.add_done_callback(sending.discard)

    return nudge


def _nudge_subject(service: str) -> str:
    return f"nudge.{service}"


def _version_of(service: str) -> str:
    for distribution in (f"{service}-svc", f"{service}-gateway-svc"):
        with contextlib.suppress(PackageNotFoundError):
            return version(distribution)
    return ""
