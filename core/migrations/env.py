"""Alembic's entry: runs revisions on the connection it is handed by `satcom.core.migration`."""

from alembic import context
from sqlmodel import SQLModel

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_type=True,
    include_name=lambda name, kind, _: not (kind == "table" and str(name).startswith("procrastinate_")),
    user_module_prefix="entity.",
)
with context.begin_transaction():
    context.run_migrations()
