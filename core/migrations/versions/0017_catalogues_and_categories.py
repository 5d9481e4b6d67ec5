"""Catalogues, categories and candidates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import change_readable_by_all, row_level_security

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KINDS = (
    "Catalog",
    "Category",
    "ResourceCandidate",
    "ResourceCatalog",
    "ResourceCategory",
    "ServiceCandidate",
    "ServiceCatalog",
    "ServiceCategory",
)
STATES = ("In study", "In design", "In test", "Active", "Launched", "Retired", "Obsolete")
NAMED = """
WITH named AS (
    SELECT offering.id AS offering_id, offering.party_id, one.position, one.category ->> 'id' AS called,
        left(coalesce(nullif(one.category ->> 'name', ''), one.category ->> 'id'), 300) AS name,
        CASE WHEN one.category ->> 'id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
            THEN CAST(one.category ->> 'id' AS uuid) ELSE CAST(md5(one.category ->> 'id') AS uuid) END AS id
    FROM product_offering offering, jsonb_array_elements(CASE jsonb_typeof(offering.further -> 'category')
        WHEN 'array' THEN offering.further -> 'category' ELSE '[]' END) WITH ORDINALITY AS one(category, position)
    WHERE one.category ->> 'id' <> ''
)
"""
# Until now an offering could name categories that nobody kept: from here on they are there.
KEPT = f"""{NAMED}
INSERT INTO category (id, party_id, version, created_at, updated_at, further, name, last_update, lifecycle_status,
    is_root)
SELECT DISTINCT ON (id) id, party_id, 1, now(), now(), '{{}}', name, now(), 'Active', true FROM named ORDER BY id
"""
REFERRED = f"""{NAMED}
UPDATE product_offering SET category = (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name) ORDER BY position), '[]') FROM (
        SELECT id, min(name) AS name, min(position) AS position FROM named
        WHERE offering_id = product_offering.id GROUP BY id) once
), further = further - 'category' WHERE further ? 'category'
"""
BACK = """
UPDATE product_offering SET further = further || jsonb_build_object('category', category) WHERE category <> '[]'
"""


def upgrade() -> None:
    _create("catalog", _json("category"), _json("related_party"), sa.Column("catalog_type", sa.String(300)))
    _create("category", *_of_the_tree())
    _create("service_catalog", _json("category"), _json("related_party"))
    _create("service_category", *_of_the_tree())
    _create("service_candidate", _json("category"), _json("service_specification", nullable=True))
    _create("resource_catalog", _json("category"), _json("related_party"))
    _create("resource_category", *_of_the_tree(), _json("related_party"))
    _create("resource_candidate", _json("category"), _json("resource_specification", nullable=True))
    change_readable_by_all(op.get_bind(), added=KINDS)
    op.add_column("product_offering", sa.Column("category", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.alter_column("product_offering", "category", server_default=None)
    op.execute(KEPT)
    op.execute(REFERRED)
    _rename("resourcecategory_known", "networkneed_known")


def downgrade() -> None:
    _rename("networkneed_known", "resourcecategory_known")
    op.execute(BACK)
    op.drop_column("product_offering", "category")
    change_readable_by_all(op.get_bind(), removed=KINDS)
    for layer in ("resource", "service"):
        op.drop_table(f"{layer}_candidate")
        op.drop_table(f"{layer}_category")
        op.drop_table(f"{layer}_catalog")
    op.drop_table("category")
    op.drop_table("catalog")


def _create(table: str, *columns: sa.Column[object]) -> None:
    status = sa.Enum(*STATES, name="lifecyclestatus_known", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("last_update", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("lifecycle_status", status, nullable=False),
        _json("valid_for", nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f(f"ix_{table}_party_id"), table, ["party_id"], unique=False)
    for statement in row_level_security(table, readable_by_all=True):
        op.execute(statement)


def _json(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=nullable)


def _of_the_tree() -> tuple[sa.Column[object], ...]:
    return sa.Column("parent_id", sa.String()), sa.Column("is_root", sa.Boolean())


def _rename(before: str, after: str) -> None:
    """The check of what a resource specification is for has the name of its enumeration."""
    op.execute(f"ALTER TABLE resource_specification RENAME CONSTRAINT {before} TO {after}")
