"""How old element sets may be that the operator takes; 0 for any age, as it was."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operator", sa.Column("elements_limit_days", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("operator", "elements_limit_days", server_default=None)


def downgrade() -> None:
    op.drop_column("operator", "elements_limit_days")
