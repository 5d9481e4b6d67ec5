"""Terms and ends of products: what they were sold under, which order ends them, and the bill of that."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "state NOT IN ('cancelled', 'completed', 'failed', 'partial', 'rejected')"
# Until now the terms of an offering were kept as they came, and a product had none of its own.
OFFERED = """
UPDATE product_offering SET product_offering_term = further -> 'productOfferingTerm',
    further = further - 'productOfferingTerm'
WHERE jsonb_typeof(further -> 'productOfferingTerm') = 'array'
"""
AGREED = """
UPDATE product SET product_term = (
    SELECT jsonb_agg(CASE
        WHEN term ->> 'name' = 'Minimum term' AND term #>> '{duration,units}' = 'month' AND start_date IS NOT NULL
        THEN term || jsonb_build_object('validFor', jsonb_build_object(
            'startDateTime', to_jsonb(start_date),
            'endDateTime', to_jsonb(start_date + make_interval(months => (term #>> '{duration,amount}')::numeric::int))
        ))
        ELSE term END)
    FROM jsonb_array_elements(product_offering_term) term)
FROM product_offering
WHERE product_offering.id::text = product.product_offering ->> 'id' AND product_offering_term <> '[]'
"""
OFFERED_AGAIN = """
UPDATE product_offering SET further = further || jsonb_build_object('productOfferingTerm', product_offering_term)
WHERE product_offering_term <> '[]'
"""


def upgrade() -> None:
    op.add_column("customer_bill", sa.Column("bill_of_order", sa.Uuid(as_uuid=False), nullable=True))
    op.add_column("customer_bill", sa.Column("adjustment", postgresql.JSONB(), nullable=True))
    op.create_unique_constraint("customer_bill_bill_of_order_key", "customer_bill", ["bill_of_order"])
    op.create_foreign_key(
        "customer_bill_bill_of_order_fkey", "customer_bill", "product_order", ["bill_of_order"], ["id"]
    )
    for table, column in (("product", "product_term"), ("product_offering", "product_offering_term")):
        op.add_column(table, sa.Column(column, postgresql.JSONB(), nullable=False, server_default="[]"))
        op.alter_column(table, column, server_default=None)
    op.execute(OFFERED)
    op.execute(AGREED)
    op.add_column("product_order", sa.Column("changed_product_id", sa.Uuid(as_uuid=False), nullable=True))
    op.create_index(
        "one_change_at_a_time", "product_order", ["changed_product_id"], unique=True, postgresql_where=sa.text(OPEN)
    )


def downgrade() -> None:
    op.drop_index("one_change_at_a_time", table_name="product_order")
    op.drop_column("product_order", "changed_product_id")
    op.execute(OFFERED_AGAIN)
    op.drop_column("product_offering", "product_offering_term")
    op.drop_column("product", "product_term")
    op.drop_constraint("customer_bill_bill_of_order_fkey", "customer_bill", type_="foreignkey")
    op.drop_constraint("customer_bill_bill_of_order_key", "customer_bill", type_="unique")
    op.drop_column("customer_bill", "adjustment")
    op.drop_column("customer_bill", "bill_of_order")
