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

from preau_chassis.broker_login import login_options
from preau_chassis.clock import clock_from
from preau_chassis.consumer_runner import ConsumerRunner
from preau_chassis.database import Database
from preau_chassis.dead_letters import replay_dead_letters
from preau_chassis.delivery_watch import watch_deliveries
from preau_chassis.event_loop import watch_event_loop
from preau_chassis.jobs import purge_jobs, run_job
from preau_chassis.logs import configure_logs, get_logger
from preau_chassis.memory import settle_collector
from preau_chassis.messaging import DEAD_LETTER_STREAM, close_nats, connect_nats, ensure_stream, stream_of
from preau_chassis.outbox import Leader, OutboxRelay
from preau_chassis.pagination import PageTokens
from preau_chassis.pulse import JOB_SECONDS, Pulse, ping_broker
from preau_chassis.remote_identity import prefetch_keys, remote_jwks
from preau_chassis.saturation import show_pools, show_rpcs
from preau_chassis.schema_check import wait_for_schema
from preau_chassis.server import GrpcServer
from preau_chassis.service import Parts, Runtime, ServiceDefinition
from preau_chassis.settings import ServiceSettings, SettingsError, load_settings_or_exit
from preau_chassis.telemetry import configure_telemetry
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
        settings.require_for(options.verb)
        if options.verb == "migrate":
            return _migrate(definition, settings)
        if options.verb == "replay":
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


def _migrate(definition: ServiceDefinition, settings: ServiceSettings) -> int:
    # Here alone: 28 MiB and most of a second that no other process needs.
    from preau_chassis.migrations import MigrationError, run_migrations

    async def run() -> None:
        await run_migrations(settings.required("owner_database_url"), definition.migrations)
        await _ensure_streams(definition, settings)

    try:
        uvloop.run(run())
    except MigrationError as error:
        _log.error("migrate.stopped", verb="migrate")
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _ensure_streams(definition: ServiceDefinition, settings: ServiceSettings) -> None:
    client = await _connect(definition, settings, "migrate")
    try:
        for stream in (stream_of(definition.name), DEAD_LETTER_STREAM):
            await ensure_stream(client, stream, replicas=settings.stream_replicas)
    finally:
        await close_nats(client)


async def _connect(definition: ServiceDefinition, settings: ServiceSettings, verb: str) -> Nats:
    return await connect_nats(settings.required("nats_url"), f"{definition.name} {verb}", login_options(settings))


async def _replay(definition: ServiceDefinition, settings: ServiceSettings, durable: str) -> None:
    client = await _connect(definition, settings, "replay")
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
        definition.name,
        settings.otlp_endpoint,
        settings.trace_ratio,
        version=_version_of(definition.name),
        slow_seconds=settings.trace_slow_seconds,
        metrics_seconds=settings.metrics_seconds,
    )
    stack.callback(telemetry.close)
    pulse = Pulse()
    server = GrpcServer(service=definition.name, listen=settings.listen, is_alive=pulse.is_alive)
    stack.push_async_callback(server.stop)
    await server.start()
    client = await _connect(definition, settings, verb)
    stack.push_async_callback(close_nats, client)
    runtime = _make_runtime(definition, settings, client, works=verb != "serve")
    stack.push_async_callback(runtime.close)
    stack.enter_context(show_pools(runtime.database, runtime.work_database))
    await wait_for_schema(runtime.database, definition.migrations, definition.needs_revision, _migrate_command())
    parts = await definition.build(runtime)
    if parts.close is not None:
        stack.push_async_callback(parts.close)
    settle_collector()
    loops: list[Loop] = [watch_event_loop]
    if verb != "serve":
        loops += await _workers(definition, settings, runtime, parts, pulse)
    else:
        runtime.database.on_nudge(_remote_nudge(client, definition.name))
    # Before what its calls use is closed, though it was opened first.
    stack.push_async_callback(server.stop)
    if verb != "work":
        stack.enter_context(show_rpcs())
    loops += await _admit(server, runtime, parts, answers=verb != "work")
    _log.info("service.started", verb=verb)
    async with asyncio.TaskGroup() as tasks:
        for one in loops:
            tasks.create_task(one())
        tasks.create_task(asyncio.Event().wait())


def _make_runtime(definition: ServiceDefinition, settings: ServiceSettings, client: Nats, *, works: bool) -> Runtime:
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
        nats=client,
        page_tokens=PageTokens(settings.page_token_key.get_secret_value()),
        name=name,
    )


async def _admit(server: GrpcServer, runtime: Runtime, parts: Parts, *, answers: bool) -> list[Loop]:
    """From now on the server is ready when database and broker are there; what must run beside it."""

    async def is_broker_there() -> bool:
        return runtime.nats.is_connected

    ready = (runtime.database.ping, is_broker_there)
    if not answers:
        await server.admit((*ready, runtime.work_database.ping))
        return []
    verifier = TokenVerifier(parts.jwks_source or remote_jwks(runtime.identity_channel), runtime.clock)
    await server.admit(ready, parts.servicers, verifier, parts.public_methods)
    return [partial(prefetch_keys, verifier)]


async def _workers(
    definition: ServiceDefinition, settings: ServiceSettings, runtime: Runtime, parts: Parts, pulse: Pulse
) -> list[Loop]:
    turn = pulse.watch("relay")
    relay = OutboxRelay(service=definition.name, nats_client=runtime.nats, replicas=settings.stream_replicas, beat=turn)
    leader = Leader(definition.name, runtime.work_database, beat=turn)
    runtime.database.on_nudge(relay.nudge)
    runtime.work_database.on_nudge(relay.nudge)

    async def on_nudge(_message: Msg) -> None:
        relay.nudge()

    await runtime.nats.subscribe(_nudge_subject(definition.name), cb=on_nudge)
    await watch_deliveries(runtime.nats, parts.consumers)
    loops: list[Loop] = [partial(leader.lead, relay), partial(ping_broker, runtime.nats, pulse.watch("broker"))]
    for consumer in parts.consumers:
        runner = ConsumerRunner(
            consumer,
            runtime.database,
            runtime.nats,
            replicas=settings.stream_replicas,
            beat=pulse.watch(f"consumer {consumer.durable}"),
        )
        loops.append(runner.run)
    for job in (*parts.jobs, *purge_jobs(runtime.work_database)):
        within = job.every.total_seconds() + JOB_SECONDS
        beat = pulse.watch(f"job {job.name}", within, while_=leader.is_leading.is_set)
        loops.append(partial(run_job, job, leader.is_leading, beat))
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


def _migrate_command() -> str:
    spec = sys.modules["__main__"].__spec__
    module = spec.name.removesuffix(".__main__") if spec else "<service>"
    return f"python -m {module} migrate"


def _version_of(service: str) -> str:
    for distribution in (f"{service}-svc", f"{service}-gateway-svc"):
        with contextlib.suppress(PackageNotFoundError):
            return version(distribution)
    return ""
