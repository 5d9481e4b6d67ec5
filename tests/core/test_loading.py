"""Identifiers of loaded data."""

from itertools import product
from uuid import UUID

from satcom.core.loading import loaded_id


def test_what_is_loaded_again_is_the_same_object() -> None:
    assert loaded_id("Satellite", "sat-1") == loaded_id("Satellite", "sat-1")
    assert UUID(loaded_id("Satellite", "sat-1")).version == 5


def test_kinds_and_slugs_do_not_mix() -> None:
    ids = {loaded_id(kind, slug) for kind, slug in product(("Satellite", "Beam"), ("one", "two"))}
    assert len(ids) == 4
