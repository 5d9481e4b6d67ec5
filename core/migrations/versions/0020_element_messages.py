"""Element sets that were published as a message (OMM) and have no two lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("element_set", sa.Column("mean_elements", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.alter_column("element_set", "line1", nullable=True)
    op.alter_column("element_set", "line2", nullable=True)
    op.create_check_constraint("both_lines_or_none", "element_set", "(line1 IS NULL) = (line2 IS NULL)")
    # a column of JSON holds null as JSON writes it
    op.create_check_constraint(
        "lines_or_message", "element_set", "(line1 IS NULL) = (coalesce(jsonb_typeof(mean_elements), 'null') <> 'null')"
    )


def downgrade() -> None:
    op.drop_constraint("lines_or_message", "element_set")
    op.drop_constraint("both_lines_or_none", "element_set")
    op.execute("DELETE FROM element_set WHERE line1 IS NULL")  # the release before cannot hold them
    op.alter_column("element_set", "line2", nullable=False)
    op.alter_column("element_set", "line1", nullable=False)
    op.drop_column("element_set", "mean_elements")
