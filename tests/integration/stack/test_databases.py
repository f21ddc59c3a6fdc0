from __future__ import annotations

import pytest
from preau_stack.databases import ROLES, SERVICES, ServiceDatabase, create_databases, new_passwords
from preau_stack.postgres import PostgresServer, psql


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_owns_one_database_and_its_runtime_roles_create_nothing(
    databases: dict[str, ServiceDatabase], service: str
) -> None:
    database = databases[service]
    psql(database.owner_url, "CREATE TABLE probe (a int); DROP TABLE probe")
    for url in (database.app_url, database.work_url):
        assert psql(url, "SELECT current_database()").strip() == service
        with pytest.raises(RuntimeError, match="permission denied for schema public"):
            psql(url, "CREATE TABLE probe (a int)")


def test_a_role_cannot_enter_another_services_database(databases: dict[str, ServiceDatabase]) -> None:
    foreign = databases["agenda"].app_url.rpartition("/")[0] + "/billing"
    with pytest.raises(RuntimeError, match="permission denied for database"):
        psql(foreign, "SELECT 1")


def test_no_role_bypasses_row_security(databases: dict[str, ServiceDatabase], postgres: PostgresServer) -> None:
    names = {f"{service}_{role}" for service in databases for role in ROLES}
    rows = psql(postgres.url(), "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles").splitlines()
    found = {row.split("|")[0]: row.split("|")[1:] for row in rows}
    assert names <= set(found)
    assert all(found[name] == ["f", "f", "f"] for name in names)


def test_a_wrong_password_is_refused(databases: dict[str, ServiceDatabase], postgres: PostgresServer) -> None:
    assert databases
    with pytest.raises(RuntimeError, match="password authentication failed"):
        psql(f"postgresql://agenda_app:wrong@127.0.0.1:{postgres.port}/agenda", "SELECT 1")


def test_creating_the_databases_again_changes_nothing_but_the_passwords(
    databases: dict[str, ServiceDatabase], postgres: PostgresServer
) -> None:
    psql(databases["payment"].owner_url, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")
    passwords = new_passwords() | _passwords_of(databases)
    again = create_databases(postgres.url(), passwords)
    assert psql(again["payment"].owner_url, "SELECT a FROM kept; DROP TABLE kept").strip() == "7"


def _passwords_of(databases: dict[str, ServiceDatabase]) -> dict[str, str]:
    urls = [url for database in databases.values() for url in (database.owner_url, database.app_url, database.work_url)]
    credentials = [url.partition("//")[2].partition("@")[0].partition(":") for url in urls]
    return {name: password for name, _, password in credentials}
