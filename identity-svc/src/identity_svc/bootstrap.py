"""The one place that sees everything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from preau.identity.v1 import identity_events_pb2 as events
from preau.identity.v1 import identity_service_pb2_grpc as rpc
from preau_chassis.database import Database
from preau_chassis.service import Job, Parts, Runtime, ServiceDefinition, Servicer
from preau_chassis.settings import SettingsError
from preau_kernel.clock import Clock

from identity_svc.adapters.db.mail import PostgresDueWork
from identity_svc.adapters.db.sessions import PostgresSessionExchange
from identity_svc.adapters.db.tenants import PostgresTenantDirectory
from identity_svc.adapters.db.unit_of_work import PostgresUnitOfWorkFactory
from identity_svc.adapters.keys import Ed25519Signer, SigningKeys
from identity_svc.adapters.letters import FileSender, SmtpSender
from identity_svc.adapters.measures import Gauges
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.adapters.secrets import KeyedSecrets, derive_key, load_master_key
from identity_svc.application.letter_ports import LetterSender
from identity_svc.application.purge_expired import purge_expired
from identity_svc.application.send_mail import LATE_AFTER, MailPorts, send_due_mail
from identity_svc.application.sign_in import SignInPorts
from identity_svc.domain.sessions import SessionPolicy
from identity_svc.entrypoints.grpc import IdentityServicer, Ports
from identity_svc.settings import IdentitySettings

_SERVICE = "preau.identity.v1.IdentityService"
_WATCH_EVERY = timedelta(minutes=1)


async def build(runtime: Runtime) -> Parts:
    """Wire the service."""
    settings: IdentitySettings = runtime.settings
    clock, database = runtime.clock, runtime.database
    master = _master_key(settings)
    keys = SigningKeys(database, derive_key(master, "signing keys"))
    signer = Ed25519Signer(keys)
    secrets = KeyedSecrets(master)
    directory = PostgresTenantDirectory(database)
    uow_factory = PostgresUnitOfWorkFactory(database)
    ports = Ports(
        sign_in=SignInPorts(
            uow_factory=uow_factory,
            hasher=Argon2Hasher(
                memory_kib=settings.password_memory_kib,
                iterations=settings.password_iterations,
                lanes=settings.password_lanes,
                at_once=settings.password_hashes_at_once,
            ),
            signer=signer,
            secrets=secrets,
            clock=clock,
            sessions=SessionPolicy(settings.session_idle, settings.session_longest),
        ),
        exchange=PostgresSessionExchange(database),
        directory=directory,
        service_secrets={name: secret.get_secret_value() for name, secret in settings.service_secrets.items()},
        ids=runtime.ids,
    )
    mail = MailPorts(
        uow_factory=uow_factory,
        directory=directory,
        due=PostgresDueWork(runtime.work_database),
        sender=letter_sender(settings),
        secrets=secrets,
        clock=clock,
    )

    async def own_jwks() -> str:
        return await signer.jwks(clock.now())

    async def send_letters() -> None:
        await send_due_mail(mail)

    async def rotate_keys() -> None:
        await keys.rotate(clock.now())

    gauges = Gauges(good_for=3 * _WATCH_EVERY)

    async def watch_key() -> None:
        gauges.keep_key(await keys.seconds_left(clock.now()))

    async def watch_letters() -> None:
        gauges.keep_letters(await mail.due.waiting_since(clock.now() - LATE_AFTER))

    async def close() -> None:
        gauges.close()

    async def purge() -> None:
        await purge_expired(uow_factory, directory, clock)

    return Parts(
        servicers=[Servicer(rpc.add_IdentityServiceServicer_to_server, IdentityServicer(ports), _SERVICE)],
        jobs=[
            Job("send-letters", every=timedelta(seconds=2), run=send_letters),
            Job("rotate-keys", every=timedelta(minutes=10), run=rotate_keys),
            Job("watch-signing-key", every=_WATCH_EVERY, run=watch_key),
            Job("watch-letters", every=_WATCH_EVERY, run=watch_letters),
            Job("purge-expired", every=timedelta(hours=1), run=purge),
        ],
        public_methods=frozenset(f"{_SERVICE}/{name}" for name in ("ResolveTenant", "IssueServiceToken", "GetJwks")),
        jwks_source=own_jwks,
        close=close,
    )


def _master_key(settings: IdentitySettings) -> bytes:
    try:
        return load_master_key(Path(settings.required("signing_key_dir")))
    except (OSError, ValueError) as error:
        said = type(error).__name__ if isinstance(error, OSError) else str(error)
        raise SettingsError(f"PREAU_SIGNING_KEY_DIR: {said}") from None


def letter_sender(settings: IdentitySettings) -> LetterSender:
    """SMTP when a server is set, else files in a folder; one of the two must be named."""
    if url := settings.smtp_url.get_secret_value():
        return SmtpSender(url, settings.mail_from)
    if settings.mail_dir is None:
        raise SettingsError("PREAU_SMTP_URL or PREAU_MAIL_DIR is not set")
    return FileSender(settings.mail_dir, settings.mail_from)


async def rotate_now(settings: IdentitySettings, clock: Clock) -> str | None:
    """Make the next signing key at once, whatever the present one's age; it is published before it signs."""
    master = _master_key(settings)
    database = Database(settings.required("database_url"), pool_size=1, application_name="identity rotate-keys")
    try:
        return await SigningKeys(database, derive_key(master, "signing keys")).rotate(clock.now(), force=True)
    finally:
        await database.close()


DEFINITION = ServiceDefinition(
    name="identity",
    settings=IdentitySettings,
    migrations=Path(__file__).parents[2] / "migrations",
    events=(events.TenantChanged, events.HouseholdChanged),
    build=build,
)
