"""Resources: what all objects of the network inventory have in common (TMF639 `Resource`).

A resource is a thing of the network or a part of it that can be given to somebody. Columns that TMF639 does not name go
out and come in as `resourceCharacteristic`. A rule that must look at the network for somebody who may not read it does
so in `core.database.network_view`.
"""

from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BeforeValidator, FiniteFloat
from sqlalchemy import select
from sqlmodel import Field, Session

from satcom.core.database import principal_in
from satcom.core.entity import Entity, shape, tmf
from satcom.core.errors import Fault, Refused
from satcom.core.schema import entities
from satcom.core.security import Capability
from satcom.core.tenancy import visible
from satcom.core.tmf_filter import is_uuid


class Band(StrEnum):
    """Frequency bands by the letters of the trade."""

    L = "L"
    S = "S"
    C = "C"
    X = "X"
    KU = "Ku"
    KA = "Ka"
    Q = "Q"
    V = "V"


class Polarisation(StrEnum):
    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    RHCP = "rhcp"
    LHCP = "lhcp"


def _known_id(value: object) -> object:
    if isinstance(value, str) and not is_uuid(value):
        raise ValueError("is no id (UUID)")
    return value


IdText = BeforeValidator(_known_id)
Finite = FiniteFloat


RESOURCE: Final = tmf("TMF639", "Resource", Capability.READ_NETWORK)
PHYSICAL: Final = tmf("TMF639", "Resource", Capability.READ_NETWORK, subtype="PhysicalResource")
PHYSICAL_COLLECTION: Final = tmf("TMF639", "PhysicalResource", Capability.READ_NETWORK)
LOGICAL_COLLECTION: Final = tmf("TMF639", "LogicalResource", Capability.READ_NETWORK)


class Resource(Entity):
    """Common part. What can be touched is `PHYSICAL`, the rest is logical.

    `illustrative` marks values that are made up; what rests on them says so.
    """

    name: str = Field(min_length=1, max_length=200)
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = RESOURCE
    characteristic_field: ClassVar[str | None] = "resourceCharacteristic"


def pointer(kind: type[Entity], column: str) -> str:
    """Where a column stands in the body, as a JSON pointer."""
    attribute = next(one for one in shape(kind).attributes if one.column == column)
    inside = f"/{kind.characteristic_field}" if attribute.characteristic else ""
    return f"{inside}/{attribute.wire}"


def check_references(session: Session, entity: Entity) -> None:
    """Every object that `entity` points at in this layer is there for the caller.

    Raises `Refused` with each that is not, or belongs to others.
    """
    kinds = {str(kind.__tablename__): kind for kind in entities()}
    faults = []
    for column in entity.__table__.columns:  # type: ignore[attr-defined]
        identifier = getattr(entity, column.name)
        for target in (key.column for key in column.foreign_keys if identifier is not None):
            seen = visible(kinds[target.table.name], principal_in(session))
            if session.connection().execute(select(target).where(target == identifier, seen)).first() is None:
                what = target.table.name.replace("_", " ")
                where = pointer(type(entity), column.name)
                faults.append(Fault(where, f"there is no {what} {identifier!r}", "notFound"))
    if faults:
        raise Refused.all(faults)
