"""Tenancy: whose rows a caller sees.

Every row that belongs to a party carries `party_id`. The one filter in the code is `visible`, and `changeable` for what
is to be written; row-level security in the database backs them, so that a forgotten filter shows nothing. It does not
guard against SQL injection. An object belongs to one party; further parties get rows in `party_access` and may read it.
"""

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, false, or_, select, text, true
from sqlalchemy.orm import Mapped
from sqlmodel import Field, SQLModel, col

from satcom.core.entity import Entity, id_type
from satcom.core.security import Principal

OWNER, APP, WORKER_ROLE = "satcom_owner", "satcom_app", "satcom_worker"


class PartyAccess(SQLModel, table=True):
    """A further party that may see an object."""

    __tablename__ = "party_access"

    object_id: str = Field(primary_key=True, sa_type=id_type())
    party_id: str = Field(primary_key=True, index=True, sa_type=id_type())


class PartyHierarchy(SQLModel, table=True):
    """Who stands below whom: a reseller sees its customers. Resolved once per request, with the token."""

    __tablename__ = "party_hierarchy"

    parent_id: str = Field(primary_key=True, sa_type=id_type())
    child_id: str = Field(primary_key=True, index=True, sa_type=id_type())


def visible(kind: type[Entity], principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` sees a row of `kind`."""
    return true() if kind.readable_by_all else of_parties(col(kind.party_id), col(kind.id), principal)


def of_parties(party: Mapped[str | None], identifier: Mapped[str], principal: Principal) -> ColumnElement[bool]:
    """The condition under which a row that belongs to `party`, or tells of the object `identifier`, is seen."""
    if principal.all_parties:
        return true()
    if not principal.parties:
        return false()
    shared = select(col(PartyAccess.object_id)).where(col(PartyAccess.party_id).in_(principal.parties))
    return or_(party.in_(principal.parties), identifier.in_(shared))


def parties_below(connection: Connection, party_id: str) -> frozenset[str]:
    """A party and everybody below it, as they are resolved for a token (`core.access`)."""
    found = connection.execute(
        text(
            "WITH RECURSIVE below(id) AS (SELECT CAST(:party AS uuid) UNION"
            " SELECT h.child_id FROM party_hierarchy h JOIN below b ON h.parent_id = b.id) SELECT id FROM below"
        ),
        {"party": party_id},
    )
    return frozenset(str(one) for one in found.scalars())


def changeable(kind: type[Entity], principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` may change a row of `kind`: what is shared may only be read."""
    if principal.all_parties:
        return true()
    return col(kind.party_id).in_(principal.parties)


def set_tenant(connection: Connection, principal: Principal) -> None:
    """Tell the database, for this transaction, whose rows may be seen."""
    connection.execute(
        text("SELECT set_config('satcom.parties', :parties, true), set_config('satcom.all_parties', :everyone, true)"),
        {"parties": ",".join(sorted(principal.parties)), "everyone": "on" if principal.all_parties else "off"},
    )


def row_level_security(table: str, readable_by_all: bool = False, id_column: str = "id") -> list[str]:
    """The statements that put a table with `id` and `party_id` under row-level security."""
    mine = (
        "(SELECT current_setting('satcom.all_parties', true)) = 'on'"
        " OR party_id = ANY ((SELECT string_to_array(current_setting('satcom.parties', true), ',')::uuid[])::uuid[])"
    )
    shared = (
        f" OR EXISTS (SELECT 1 FROM party_access a WHERE a.object_id = {table}.{id_column} AND a.party_id = ANY "
        "((SELECT string_to_array(current_setting('satcom.parties', true), ',')::uuid[])::uuid[]))"
    )
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_worker ON {table} TO {WORKER_ROLE} USING (true) WITH CHECK (true)",
        f"CREATE POLICY {table}_party ON {table} USING ({mine}{shared}) WITH CHECK ({mine})",
    ]
    if readable_by_all:
        statements.append(f"CREATE POLICY {table}_all ON {table} FOR SELECT USING (true)")
    return statements


def changes_readable_by_all(kinds: Sequence[str]) -> str:
    """The statement that shows everybody the changes of what everybody may read."""
    names = ", ".join(f"'{kind}'" for kind in sorted(kinds))
    return f"CREATE POLICY change_log_all ON change_log FOR SELECT USING (entity_type IN ({names}))"


def change_readable_by_all(connection: Connection, added: Sequence[str] = (), removed: Sequence[str] = ()) -> None:
    """In a revision: show everybody the changes of these kinds, too, or no longer."""
    known = connection.execute(text("SELECT qual FROM pg_policies WHERE policyname = 'change_log_all'")).scalar_one()
    kinds = set(re.findall(r"'(\w+)'", str(known))) | set(added)
    connection.execute(text("DROP POLICY change_log_all ON change_log"))
    connection.execute(text(changes_readable_by_all(sorted(kinds - set(removed)))))
