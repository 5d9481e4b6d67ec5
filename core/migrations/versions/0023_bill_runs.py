"""When each account is billed next; the first look at those that are there is due at once."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "billing_account",
        sa.Column("next_bill_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.alter_column("billing_account", "next_bill_at", server_default=None)
    op.add_column("billing_account", sa.Column("not_billed_because", sa.String(length=500), nullable=True))
    op.create_index(
        "accounts_to_bill", "billing_account", ["next_bill_at"], postgresql_where=sa.text("state = 'Active'")
    )


def downgrade() -> None:
    op.drop_index("accounts_to_bill", "billing_account")
    op.drop_column("billing_account", "not_billed_because")
    op.drop_column("billing_account", "next_bill_at")
