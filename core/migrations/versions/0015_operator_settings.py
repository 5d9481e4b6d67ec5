"""What the operator sets: payment term, and for how long orders wait."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SETTINGS = {  # what held for everybody until now
    "payment_term_days": 30,
    "approval_days": 5,
    "terminal_patience_days": 60,
    "installation_patience_days": 120,
    "satellite_patience_days": 180,
}


def upgrade() -> None:
    for name, value in SETTINGS.items():
        op.add_column("operator", sa.Column(name, sa.Integer(), nullable=False, server_default=str(value)))
        op.alter_column("operator", name, server_default=None)


def downgrade() -> None:
    for name in SETTINGS:
        op.drop_column("operator", name)
