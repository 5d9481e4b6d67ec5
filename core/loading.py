"""Identifiers of loaded data: the same file loaded twice names the same objects, so nothing is doubled."""

from uuid import UUID, uuid5

LOADED = UUID("6f1d6a52-2c0b-5d0e-9a53-6a0c8f1b7d21")


def loaded_id(kind: str, slug: str) -> str:
    """The id of the `kind` (an entity's name, "Satellite") that a loaded file calls `slug`: a UUIDv5."""
    return str(uuid5(LOADED, f"{kind}:{slug}"))
