"""Alembic's entry: runs revisions on the connection it is handed by `satcom.core.migration`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import String
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from satcom.core.entity import JsonOf


def plain_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A revision names the types of the database, never those of a program that will change."""
    if kind == "type" and isinstance(item, JsonOf):
        return "postgresql.JSONB()"
    if kind == "type" and isinstance(item, AutoString) and isinstance(item.impl, String):
        return f"sa.{item.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_type=True,
    include_name=lambda name, kind, _: not (kind == "table" and str(name).startswith("procrastinate_")),
    render_item=plain_type,
)
with context.begin_transaction():
    context.run_migrations()
