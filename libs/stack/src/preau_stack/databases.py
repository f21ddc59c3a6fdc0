"""The platform's databases and roles in a PostgreSQL server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from preau_stack.postgres import psql

SERVICES = ("identity", "agenda", "billing", "payment")
ROLES = ("owner", "app", "work")


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """One service's database, by role: the owner migrates, the app runs, the worker relays."""

    service: str
    owner_url: str
    app_url: str
    work_url: str


def new_passwords() -> dict[str, str]:
    """A password for every role of every service."""
    return {f"{service}_{role}": secrets.token_urlsafe(18) for service in SERVICES for role in ROLES}


def create_databases(admin_url: str, passwords: dict[str, str] | None = None) -> dict[str, ServiceDatabase]:
    """Create what is missing, set the passwords, and answer every service's addresses. Needs a superuser's or creator's address."""
    passwords = passwords or new_passwords()
    psql(admin_url, "".join(_script(service, passwords) for service in SERVICES))
    return service_databases(admin_url, passwords)


def service_databases(admin_url: str, passwords: dict[str, str]) -> dict[str, ServiceDatabase]:
    """The addresses of databases that exist."""

    def url(service: str, role: str) -> str:
        user = f"{service}_{role}"
        parts = urlsplit(admin_url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(
            parts._replace(netloc=f"{user}:{quote(passwords[user], safe='')}@{place}", path=f"/{service}")
        )

    return {service: ServiceDatabase(service, *(url(service, role) for role in ROLES)) for service in SERVICES}


def _script(service: str, passwords: dict[str, str]) -> str:
    roles = "".join(_role_script(f"{service}_{role}", passwords[f"{service}_{role}"]) for role in ROLES)
    return f"""{roles}
GRANT {service}_owner TO CURRENT_USER;
SELECT 'CREATE DATABASE {service} OWNER {service}_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{service}')\\gexec
REVOKE ALL ON DATABASE {service} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {service} TO {service}_app, {service}_work;
\\connect {service}
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO {service}_owner;
GRANT USAGE ON SCHEMA public TO {service}_app, {service}_work;
"""


def _role_script(role: str, password: str) -> str:
    literal = password.replace("'", "''")
    return f"""
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')\\gexec
ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{literal}';
"""
