"""A listener may be of one of our own APIs, whose names are longer than those of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("listener", "document", type_=sa.String(length=40), existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM listener WHERE length(document) > 10")  # the release before knows no such API
    op.alter_column("listener", "document", type_=sa.String(length=10), existing_nullable=False)
