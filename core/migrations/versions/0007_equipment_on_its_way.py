"""Equipment on its way: shipments, purchases for the shelf, and returns that are inspected."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = {
    ("stocked_terminal", "stockstate_known"): (
        ("inStock", "held", "issued", "returned"),
        ("shipped", "inStock", "held", "issued", "inReturn", "returned", "atSupplier", "scrapped", "lost"),
    ),
    ("purchase_order", "purchaseorderstate_known"): (
        ("ordered", "delivered", "cancelled"),
        ("ordered", "partlyDelivered", "delivered", "cancelled"),
    ),
}
RETURNS = ("expected", "onItsWay", "received", "atSupplier", "restocked", "scrapped", "lost")
SHIPMENTS = ("shipped", "partlyReceived", "received", "lost")
# Until now a terminal that was on its way back was "returned", and nothing said why.
IN_RETURN = "UPDATE stocked_terminal SET state = 'inReturn' WHERE state = 'returned'"
BEGUN = """
INSERT INTO equipment_return (id, party_id, version, created_at, updated_at, further, reference, state,
    stocked_terminal_id, serial_number, terminal_type_name, depot_id, order_id, reason, return_date)
SELECT gen_random_uuid(), party_id, 1, now(), now(), '{}',
    'RT-' || extract(year FROM now()) || '-' || lpad(nextval('equipment_return_number')::text, 6, '0'), 'expected',
    id, serial_number, terminal_type_name, depot_id, order_id, 'given back by its order', updated_at
FROM stocked_terminal WHERE state = 'inReturn'
"""
BACK = """
UPDATE stocked_terminal SET state = 'returned' WHERE state IN ('inReturn', 'atSupplier', 'scrapped', 'lost', 'shipped')
"""


def upgrade() -> None:
    for (table, name), (_, known) in STATES.items():
        _know(table, name, known)
    op.execute(sa.schema.CreateSequence(sa.Sequence("shipment_number")))
    op.execute(sa.schema.CreateSequence(sa.Sequence("equipment_return_number")))
    op.add_column("stocked_terminal", sa.Column("document", postgresql.JSONB(), nullable=True))
    op.add_column("goods_receipt", sa.Column("shipment", postgresql.JSONB(), nullable=True))
    op.add_column("goods_receipt", sa.Column("equipment_return", postgresql.JSONB(), nullable=True))
    op.add_column("purchase_order", sa.Column("received_quantity", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("purchase_order", "received_quantity", server_default=None)
    op.alter_column("purchase_order", "order_id", existing_type=sa.UUID(), nullable=True)
    op.execute("UPDATE purchase_order SET received_quantity = quantity WHERE state = 'delivered'")
    op.create_check_constraint(
        "one_terminal_for_a_customer_order", "purchase_order", "order_id IS NULL OR quantity = 1"
    )
    op.create_check_constraint("no_more_than_was_bought", "purchase_order", "received_quantity BETWEEN 0 AND quantity")
    _create_shipment()
    _create_equipment_return()
    for table in ("shipment", "equipment_return"):
        for statement in row_level_security(table):
            op.execute(statement)
    op.execute(IN_RETURN)
    op.execute(BEGUN)


def _create_shipment() -> None:
    op.create_table(
        "shipment",
        *_of_every_entity(),
        sa.Column("reference", sa.String(length=40), nullable=False),
        _state(SHIPMENTS, "shipmentstate_known"),
        sa.Column("purchase_order_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("supplier_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("depot_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("carrier", sa.String(length=200), nullable=False),
        sa.Column("tracking_number", sa.String(length=100), nullable=False),
        sa.Column("serial_number", postgresql.JSONB(), nullable=False),
        sa.Column("received", postgresql.JSONB(), nullable=False),
        sa.Column("ship_date", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expected_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"]),
        sa.ForeignKeyConstraint(["purchase_order_id"], ["purchase_order.id"]),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_shipment_party_id"), "shipment", ["party_id"], unique=False)
    op.create_index(op.f("ix_shipment_purchase_order_id"), "shipment", ["purchase_order_id"], unique=False)


def _create_equipment_return() -> None:
    op.create_table(
        "equipment_return",
        *_of_every_entity(),
        sa.Column("reference", sa.String(length=40), nullable=False),
        _state(RETURNS, "returnstate_known"),
        sa.Column("stocked_terminal_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("serial_number", sa.String(length=100), nullable=False),
        sa.Column("terminal_type_name", sa.String(length=200), nullable=False),
        sa.Column("depot_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("order_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("carrier", sa.String(length=200), nullable=True),
        sa.Column("tracking_number", sa.String(length=100), nullable=True),
        sa.Column("expected_date", sa.Date(), nullable=True),
        sa.Column("return_date", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finding", sa.String(length=1000), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"]),
        sa.ForeignKeyConstraint(["stocked_terminal_id"], ["stocked_terminal.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    for column in ("order_id", "party_id", "serial_number", "stocked_terminal_id"):
        op.create_index(op.f(f"ix_equipment_return_{column}"), "equipment_return", [column], unique=False)


def _of_every_entity() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    ]


def _state(known: tuple[str, ...], name: str) -> sa.Column[str]:
    states = sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=40)
    return sa.Column("state", states, nullable=False)


def _know(table: str, name: str, states: tuple[str, ...]) -> None:
    """Let a column hold these states and no others."""
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, sa.column("state", sa.String(40)).in_(states))


def downgrade() -> None:
    op.drop_table("equipment_return")
    op.drop_table("shipment")
    op.execute("DROP SEQUENCE equipment_return_number")
    op.execute("DROP SEQUENCE shipment_number")
    op.drop_constraint("no_more_than_was_bought", "purchase_order", type_="check")
    op.drop_constraint("one_terminal_for_a_customer_order", "purchase_order", type_="check")
    op.execute("DELETE FROM purchase_order WHERE order_id IS NULL")
    op.execute("UPDATE purchase_order SET state = 'ordered' WHERE state = 'partlyDelivered'")
    op.alter_column("purchase_order", "order_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("purchase_order", "received_quantity")
    op.drop_column("goods_receipt", "equipment_return")
    op.drop_column("goods_receipt", "shipment")
    op.drop_column("stocked_terminal", "document")
    op.execute(BACK)
    for (table, name), (before, _) in STATES.items():
        _know(table, name, before)
