"""A listener's position goes on past an object of which it refuses a change; the object is kept, with its next try."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# The release before knows one position alone: the first change that is held, from which on it tells anew.
BACK_TO_THE_FIRST = """
UPDATE listener_position SET ahead = '[]', wake_at = NULL, sequence = least(sequence,
    (SELECT min(CAST(one.value ->> 'first' AS bigint)) - 1 FROM jsonb_each(held) one))
WHERE held <> '{}'
"""


def upgrade() -> None:
    held = sa.Column("held", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    op.add_column("listener_position", held)
    op.alter_column("listener_position", "held", server_default=None)
    op.add_column("listener_position", sa.Column("retry_at", sa.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute(BACK_TO_THE_FIRST)
    op.drop_column("listener_position", "retry_at")
    op.drop_column("listener_position", "held")
