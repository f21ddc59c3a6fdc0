"""Migrations after the first only add, so that the release before them runs on their schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.repo.expansion import harms, later_than_first

ROOT = Path(__file__).parents[3]
RELEASES = {
    line.split()[0] for line in (ROOT / "docs" / "releases.txt").read_text().splitlines() if line and line[0] != "#"
}

CONTRACTING = [
    "ALTER TABLE town DROP COLUMN slug;",
    "alter table town drop constraint town_slug_key",
    "DROP TABLE town;",
    "DROP FUNCTION agenda_read_offer(integer);",
    "ALTER TABLE town RENAME COLUMN slug TO name;",
    "ALTER TABLE town RENAME TO commune;",
    "ALTER TABLE town ALTER COLUMN slug TYPE varchar(40);",
    "ALTER TABLE town ALTER slug SET NOT NULL;",
    "ALTER TABLE town ADD COLUMN region text NOT NULL;",
    "ALTER TABLE town ADD region text NOT NULL, ADD island boolean NOT NULL DEFAULT false;",
    "ALTER TABLE town ADD CONSTRAINT short CHECK (length(slug) < 9);",
    "ALTER TABLE town ADD UNIQUE (name);",
    "CREATE UNIQUE INDEX town_name ON town (name);",
    "CREATE INDEX town_name ON town (name);",
    "REVOKE SELECT ON town FROM agenda_app;",
    "TRUNCATE inbox;",
    "op.drop_column('town', 'slug')",
    "op.alter_column('town', 'slug', type_=sa.Text())",
    "op.alter_column('town', 'slug', nullable=False)",
    "op.create_unique_constraint('u', 'town', ['name'])",
]
EXPANDING = [
    "ALTER TABLE town ADD COLUMN region text;",
    "ALTER TABLE town ADD COLUMN region text NOT NULL DEFAULT '', ADD COLUMN other integer DEFAULT 0 NOT NULL;",
    "ALTER TABLE town ALTER COLUMN slug DROP NOT NULL;",
    "CREATE TABLE region (id integer NOT NULL, PRIMARY KEY (id)); CREATE UNIQUE INDEX region_id ON region (id);",
    "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT';",
    "CREATE TABLE region (id integer); CREATE INDEX region_id ON region (id); -- instead of a DROP TABLE",
    "CREATE POLICY work ON town FOR SELECT TO billing_work USING (true); GRANT SELECT (slug) ON town TO billing_work;",
    "-- contract: 0.1.0\nALTER TABLE town DROP COLUMN slug;",
]


@pytest.mark.parametrize("script", CONTRACTING)
def test_what_would_harm_the_release_before_is_found(script: str) -> None:
    assert len(harms(script, {"0.1.0"})) == 1


@pytest.mark.parametrize("script", EXPANDING)
def test_what_only_adds_is_let_through(script: str) -> None:
    assert harms(script, {"0.1.0"}) == []


def test_a_contraction_names_a_release_that_exists() -> None:
    assert harms("-- contract: 7.0.0\nDROP TABLE town;", {"0.1.0"})


@pytest.mark.parametrize("path", later_than_first(ROOT), ids=lambda path: f"{path.parts[-4]}-{path.name}")
def test_a_migration_harms_no_release_before_it(path: Path) -> None:
    assert harms(path.read_text(), RELEASES) == []


def test_sql_of_later_migrations_carries_their_number() -> None:
    known = {path.name for path in later_than_first(ROOT)}
    for script in (path for path in later_than_first(ROOT) if path.suffix == ".py"):
        loaded = {
            path.name for path in ROOT.glob("*-svc/migrations/sql/*.sql") if f'"{path.name}"' in script.read_text()
        }
        assert loaded <= known, script.name
