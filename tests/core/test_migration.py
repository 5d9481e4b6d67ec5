"""Migrations end at what the entities declare, and can be taken back."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
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
# what alembic does not compare: the conditions and further columns of indexes, and statistics over several columns
INDEXES = text(
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename NOT LIKE 'procrastinate%' AND tablename <> 'alembic_version' ORDER BY 1, 2"
)
STATISTICS = text("SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext ORDER BY 1")
LEFT = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v')"
    " UNION SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace"
    " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
)
# Who may see what is written in these two: requests cannot read the one, the policies themselves read the other.
ABOUT_PARTIES = {"access_token", "party_access"}
OF_PARTIES = text(
    "SELECT table_name, EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.table_name"
    " AND p.policyname = c.table_name || '_party') AND EXISTS (SELECT FROM pg_class t"
    " WHERE t.relname = c.table_name AND t.relrowsecurity AND t.relforcerowsecurity) AS guarded"
    " FROM information_schema.columns c WHERE c.column_name = 'party_id' AND c.table_schema = 'public'"
)
FORCED = text("SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY 1")


def test_the_migrated_schema_is_the_declared_one(postgres: str, template: str) -> None:
    assert declarations.ROUTES
    url = new_database(postgres)
    migration.upgrade(url)
    migrated, declared = create_engine(url), create_engine(template)
    with migrated.connect() as ours, declared.connect() as theirs:
        context = MigrationContext.configure(ours, opts={"compare_type": True})
        differences = [one for one in compare_metadata(context, SQLModel.metadata) if "procrastinate" not in str(one)]
        assert [one for one in differences if one[:1] != ("remove_table",) or one[1].name != "alembic_version"] == []
        for query in (POLICIES, CONSTRAINTS, INDEXES, STATISTICS, FORCED):
            assert ours.execute(query).all() == theirs.execute(query).all()
    migrated.dispose()
    declared.dispose()
    drop_database(url)


def test_every_table_with_rows_of_parties_is_under_row_level_security(postgres: str) -> None:
    url = new_database(postgres)
    migration.upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        guarded = {row.table_name: row.guarded for row in connection.execute(OF_PARTIES)}
    engine.dispose()
    assert {table for table, under_policy in guarded.items() if not under_policy} == ABOUT_PARTIES
    assert len(guarded) > len(ABOUT_PARTIES)
    drop_database(url)


def test_a_release_can_be_taken_back_to_nothing_and_brought_in_again(postgres: str) -> None:
    url = new_database(postgres)
    newest = migration.upgrade(url)
    assert newest == migration.head() == migration.current(url)
    assert migration.downgrade(url, "base") is None
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(LEFT).all() == [("alembic_version",)]
    engine.dispose()
    assert migration.upgrade(url) == newest
    drop_database(url)


def test_upgrading_twice_changes_nothing(postgres: str) -> None:
    url = new_database(postgres)
    assert migration.upgrade(url) == migration.upgrade(url)
    drop_database(url)
