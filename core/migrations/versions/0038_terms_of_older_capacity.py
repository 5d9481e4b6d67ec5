"""What partners delivered before terms were kept is looked at by the sweep, which asks for its end."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE partner_capacity SET renew_at = delivered_at"
        " WHERE state = 'delivered' AND term_ends_at IS NULL AND renew_at IS NULL"
    )


def downgrade() -> None:
    op.execute("UPDATE partner_capacity SET renew_at = NULL WHERE term_ends_at IS NULL")
