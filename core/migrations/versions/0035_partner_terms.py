"""What a partner holds is extended, and what it delivers for a term is renewed or lapses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLE, KNOWN = "partner_capacity", "partnercapacitystate_known"
BEFORE = ("offered", "held", "ordered", "delivered", "released")
AFTER = ("offered", "held", "ordered", "delivered", "lapsed", "released")
INSTANTS = ("hold_extend_at", "term_ends_at", "renew_at")
INDEXES = (("partner_capacity_extend", "hold_extend_at"), ("partner_capacity_renew", "renew_at"))


def _states(*known: str) -> None:
    op.drop_constraint(KNOWN, TABLE, type_="check")
    op.create_check_constraint(KNOWN, TABLE, sa.column("state", sa.String(40)).in_(known))


def upgrade() -> None:
    for name in INSTANTS:
        op.add_column(TABLE, sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column(TABLE, sa.Column("renewal", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.alter_column(TABLE, "renewal", server_default=None)
    op.add_column(TABLE, sa.Column("renewal_setback", sa.String(length=500), nullable=True))
    for index, column in INDEXES:
        op.create_index(index, TABLE, [column], postgresql_where=sa.text(f"{column} IS NOT NULL"))
    _states(*AFTER)


def downgrade() -> None:
    op.execute("UPDATE partner_capacity SET state = 'delivered' WHERE state = 'lapsed'")
    _states(*BEFORE)
    for index, _ in INDEXES:
        op.drop_index(index, table_name=TABLE)
    for name in (*INSTANTS, "renewal", "renewal_setback"):
        op.drop_column(TABLE, name)
