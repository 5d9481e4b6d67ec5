"""What the schema needs beyond tables: roles, grants, row-level security, functions, the queue's own tables.

Migrations call these; a test compares a migrated database with what the declarations say.
"""

import procrastinate.schema
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from satcom.core.access import AUTHENTICATE
from satcom.core.entity import Entity
from satcom.core.tenancy import APP, OWNER, WORKER_ROLE, changes_readable_by_all, row_level_security

ROLES = (OWNER, APP, WORKER_ROLE)
# The request role may not touch these: tokens are asked for through a function, the log is written by triggering it.
HIDDEN_FROM_APP = ("access_token", "listener_secret")
APPEND_ONLY = ("change_log",)


def entities() -> list[type[Entity]]:
    """Every declared entity that has a table."""
    found: list[type[Entity]] = []
    open_kinds: list[type[Entity]] = [Entity]
    while open_kinds:
        for kind in open_kinds.pop().__subclasses__():
            open_kinds.append(kind)
            if hasattr(kind, "__table__"):
                found.append(kind)
    return sorted(found, key=lambda kind: kind.__name__)


def create_roles(connection: Connection) -> None:
    """Make the three roles where they are missing, and let the current login take them."""
    for role in ROLES:
        present = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
        if present is None:
            connection.execute(
                text(
                    f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
                    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                )
            )
        connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
    connection.execute(text(f"GRANT {OWNER} TO CURRENT_USER"))
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    connection.execute(text(f"GRANT CREATE ON DATABASE {database} TO {OWNER}"))
    connection.execute(text(f"GRANT ALL ON SCHEMA public TO {OWNER}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {APP}, {WORKER_ROLE}"))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS btree_gist"))


def create_queue(connection: Connection) -> None:
    """The tables and functions of the queue library, as its installed version wants them."""
    schema = procrastinate.schema.SchemaManager.get_schema()
    cursor = connection.connection.cursor()
    cursor.execute(schema)
    cursor.close()


def grants() -> list[str]:
    """Requests and flows may use the tables; only migrations may change them."""
    statements = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP}, {WORKER_ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {WORKER_ROLE}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP}, {WORKER_ROLE}",
    ]
    statements += [f"REVOKE ALL ON {table} FROM {APP}" for table in HIDDEN_FROM_APP]
    statements.append(f"GRANT INSERT ON listener_secret TO {APP}")
    statements += [f"REVOKE UPDATE, DELETE ON {table} FROM {APP}, {WORKER_ROLE}" for table in APPEND_ONLY]
    return statements


def policies() -> list[str]:
    """Row-level security of every declared entity and of the change log."""
    statements = [s for kind in entities() for s in row_level_security(kind.__tablename__, kind.readable_by_all)]  # type: ignore[arg-type]
    statements += row_level_security("change_log", id_column="entity_id")
    open_kinds = [kind for kind in entities() if kind.readable_by_all and kind.__module__.startswith("satcom.")]
    return [*statements, changes_readable_by_all([kind.__name__ for kind in open_kinds])]


def create_declared(connection: Connection) -> None:
    """Everything at once, straight from the declarations. Migrations end at the same schema."""
    create_roles(connection)
    connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
    SQLModel.metadata.create_all(connection)
    connection.execute(text(AUTHENTICATE))
    create_queue(connection)
    for statement in policies() + grants():
        connection.execute(text(statement))
