"""Migrations end at what the entities declare, and can be taken back."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel

from satcom.app import declarations
from satcom.core import migration
from tests.postgres_server import drop_database, new_database

POLICIES = text("SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2")
CONSTRAINTS = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype IN ('x', 'c') AND connamespace = 'public'::regnamespace"
    " AND conrelid::regclass::text NOT LIKE 'procrastinate%' ORDER BY 1, 2"
)
FORCED = text("SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY 1")


def test_the_migrated_schema_is_the_declared_one(postgres: str, template: str) -> None:
    assert declarations.ROUTES
    url = new_database(postgres)
    migration.upgrade(url)
    migrated, declared = create_engine(url), create_engine(template)
    with migrated.connect() as ours, declared.connect() as theirs:
        context = MigrationContext.configure(ours, opts={"compare_type": True})
        released = set(inspect(ours).get_table_names())
        differences = [one for one in compare_metadata(context, SQLModel.metadata) if "procrastinate" not in str(one)]
        ignored = {"alembic_version"} | set(SQLModel.metadata.tables) - released
        assert [one for one in differences if getattr(one[1], "table", one[1]).name not in ignored] == []
        for query in (POLICIES, CONSTRAINTS, FORCED):
            declared_rows = [row for row in theirs.execute(query) if row[0] in released]
            assert ours.execute(query).all() == declared_rows
    migrated.dispose()
    declared.dispose()
    drop_database(url)


def test_a_release_can_be_taken_back_to_nothing_and_brought_in_again(postgres: str) -> None:
    url = new_database(postgres)
    newest = migration.upgrade(url)
    assert newest == migration.head() == migration.current(url)
    assert migration.downgrade(url, "base") is None
    assert migration.upgrade(url) == newest
    drop_database(url)


def test_upgrading_twice_changes_nothing(postgres: str) -> None:
    url = new_database(postgres)
    assert migration.upgrade(url) == migration.upgrade(url)
    drop_database(url)
