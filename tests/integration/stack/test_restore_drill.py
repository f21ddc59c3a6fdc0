"""`scripts/charts-restore-drill.sh`: the objects it makes are right, and its questions to the restored databases find what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from preau_stack.databases import SERVICES
from preau_stack.postgres import PROGRAMS, psql
from preau_stack.testing import TestParts, make_parts, running_broker, running_postgres, temporary_folder

from tests.contract.charts.kubernetes_schemas import VERSIONS, problems

ROOT = Path(__file__).parents[3]
_UNBALANCED = (
    """INSERT INTO ledger_entry (tenant_id, transaction_id, account, household_key, debit_minor, credit_minor)
       VALUES (1, 1, 'receivable', 1, 100, 0)""",
    "DELETE FROM ledger_entry",
    "1 towns whose ledger does not balance",
)
_OLD = (
    """INSERT INTO outbox (tenant_id, event_id, subject, type, body, created_at)
       VALUES (1, gen_random_uuid(), 's', 't', '', now() - interval '3 hours')""",
    "DELETE FROM outbox",
    "the newest fact is 180 minutes old",
)
_TOWN = """INSERT INTO tenant (tenant_id, slug, name, time_zone, locale, primary_colour, accent_colour, office_name, office_phone,
             office_email, office_hours, office_address, news, hold_minutes, is_production, accessibility_state, version, created_at,
             changed_at)
           VALUES (1, 'casepilote', 'Case-Pilote', 'America/Martinique', 'fr', '', '', '', '', '', '', '', '', 30, false, 'none', 1,
             now(), now())"""
_CLUSTER = {
    "imageName": "ghcr.io/cloudnative-pg/postgresql:18.1",
    "storage": {"size": "20Gi", "storageClass": "fast"},
    "plugins": [{"name": "barman-cloud.cloudnative-pg.io", "parameters": {"serverName": "preau-db"}}],
    "postgresql": {
        "parameters": {"max_connections": "300", "max_locks_per_transaction": "128", "shared_buffers": "8GB"}
    },
}
# Answers like the API server of a release, writes down what is made and deleted, and asks the real PostgreSQL.
_KUBECTL = r"""#!/usr/bin/env bash
case "$*" in
  *" exec "*) while [ "$1" != psql ]; do shift; done; shift; exec "$PSQL" "$@" ;;
  *"get objectstore"*jsonpath*) echo preau-archive ;;
  *"get cluster.postgresql.cnpg.io preau-db -o json"*) cat "$CLUSTER" ;;
  *"get secret/"*) echo '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"preau-archive","uid":"1"},"data":{"ACCESS_KEY_ID":"eA=="}}' ;;
  *"get objectstore/"*) echo '{"apiVersion":"barmancloud.cnpg.io/v1","kind":"ObjectStore","metadata":{"name":"preau-db","uid":"2"},"spec":{"configuration":{"destinationPath":"s3://x/","s3Credentials":{"accessKeyId":{"name":"preau-archive","key":"ACCESS_KEY_ID"},"secretAccessKey":{"name":"preau-archive","key":"ACCESS_SECRET_KEY"}}}},"status":{}}' ;;
  *"create -f -") { cat; printf '\n---\n'; } >> "$MADE" ;;
  *) echo "$*" >> "$DONE" ;;
esac
"""


@pytest.fixture(scope="module")
def parts() -> Iterator[TestParts]:
    with temporary_folder() as folder, running_postgres(folder) as postgres, running_broker(folder) as broker:
        parts = make_parts(folder, postgres, broker)
        for service in SERVICES:
            parts.migrate(service)
        psql(postgres.url("identity"), _TOWN)
        yield parts


def _drill(parts: TestParts, folder: Path) -> subprocess.CompletedProcess[str]:
    kubectl = folder / "kubectl"
    kubectl.write_text(_KUBECTL)
    kubectl.chmod(0o755)
    cluster = folder / "cluster.json"
    cluster.write_text(json.dumps({"spec": _CLUSTER}))
    environment = {
        **os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PSQL": str(PROGRAMS / "psql"), "MADE": str(folder / "made"),
        "DONE": str(folder / "done"), "PGHOST": "127.0.0.1", "PGPORT": str(parts.postgres.port), "PGUSER": "postgres",
        "PGPASSWORD": parts.postgres.password, "CLUSTER": str(cluster),
    }  # fmt: skip
    command = [str(ROOT / "scripts" / "charts-restore-drill.sh"), "preau"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def test_a_drill_makes_a_cluster_of_the_archive_looks_at_the_books_and_deletes_it(
    parts: TestParts, tmp_path: Path
) -> None:
    done = _drill(parts, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "restored preau-db in" in done.stdout
    assert "1 towns, ledgers balance" in done.stdout
    objects = [each for each in yaml.safe_load_all((tmp_path / "made").read_text()) if each]
    assert [each["kind"] for each in objects] == ["Secret", "ObjectStore", "Cluster"]
    assert all(set(each["metadata"]) == {"name"} for each in objects)
    assert [problem for each in objects for problem in problems(VERSIONS[-1], each)] == []
    cluster = objects[-1]["spec"]
    assert cluster["postgresql"]["parameters"] == {"max_connections": "300", "max_locks_per_transaction": "128"}
    assert (cluster["imageName"], cluster["storage"]) == (_CLUSTER["imageName"], _CLUSTER["storage"])
    assert cluster["externalClusters"][0]["plugin"]["parameters"] == {
        "barmanObjectName": "preau-db",
        "serverName": "preau-db",
    }
    calls = (tmp_path / "done").read_text().splitlines()
    assert calls[0].startswith("create namespace preau-drill-")
    assert calls[-1] == f"delete namespace {calls[0].split()[-1]} --wait=false"


def test_a_drill_fails_when_nothing_was_restored(parts: TestParts, tmp_path: Path) -> None:
    psql(parts.postgres.url("identity"), "DELETE FROM tenant")
    try:
        done = _drill(parts, tmp_path)
    finally:
        psql(parts.postgres.url("identity"), _TOWN)
    assert done.returncode == 1
    assert "FAILED: no town in what was restored" in done.stderr


@pytest.mark.parametrize(("harm", "heal", "words"), [_UNBALANCED, _OLD], ids=["unbalanced", "old"])
def test_a_drill_fails_when_the_restored_books_are_wrong(
    parts: TestParts, tmp_path: Path, harm: str, heal: str, words: str
) -> None:
    psql(parts.postgres.url("billing"), f"SET session_replication_role = replica; {harm}")
    try:
        done = _drill(parts, tmp_path)
    finally:
        psql(parts.postgres.url("billing"), f"SET session_replication_role = replica; {heal}")
    assert done.returncode == 1
    assert f"FAILED: {words}" in done.stderr
    assert "delete namespace" in (tmp_path / "done").read_text()
