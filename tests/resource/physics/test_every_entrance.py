"""Every function of physics that takes quantities tells a wrong one by name and unit; the list is read off the modules.

A new function is met here as soon as it exists: it is `checked`, or it stands below with the reason why it is not.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from inspect import Parameter, isfunction, signature
from pathlib import Path as Folder
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics import checked
from satcom.resource.physics.checked import OutOfRange, unit_of
from satcom.resource.physics.gas import Air
from satcom.resource.physics.hop import Hop
from satcom.resource.physics.link_budget import Carrier, Link
from tests.resource.physics.test_checked import a_link

Entrance = Callable[..., Any]
NAN = np.array(np.nan)
QUANTITIES = (ArrayLike, ArrayLike | None, float | NDArray[np.float64])
SPOILT = {  # what holds quantities, one of them nan, and which
    Air: (Air(NAN, NAN, NAN), "pressure_hpa"),
    Link: (replace(a_link(), up=replace(a_link().up, range_km=NAN)), "up.range_km"),
    Carrier: (Carrier(NAN, 1.487473, 4.83, 0.2), "bit_rate_bps"),
    Hop: (Hop(50.0, NAN, 12e9, 20.0), "range_km"),
}
UNCHECKED = {
    "beam_footprint.passing_footprint": "looks at grids that the plan of a pass made",
    "beam_footprint.worst_place": "looks at a footprint that was made",
    "carrier_sizing.size_carrier": "answers lane by lane, `Limit.OUT_OF_RANGE` where an input is",
    "horizon_mask.horizon_from_points_deg": "raises by itself: points of a horizon must rise in azimuth, too",
    "joint_availability.availability_percent": "takes fades and room that `Fades.at` and `Room.of` made",
    "joint_availability.modcod_availability": "takes fades and room that `Fades.at` and `Room.of` made",
    "joint_rain.attenuated_less_percent": "takes distributions that `fitted` made",
    "joint_rain.fitted": "leaves out of the fit what is nan",
    "latitude_coverage.by_latitude": "adds up what was seen",
    "latitude_coverage.coverage_by_latitude": "hands its places to `sites_on`, which raises",
    "latitude_coverage.in_view_by_latitude": "hands its places to `sites_on`, which raises",
    "orbit.earth_fixed_km": "geometry of millions of places; what asks for a place is checked",
    "orbit_array.element_ages_days": "takes instants that were made",
    "orbit_array.ephemeris": "takes instants that were made",
}
ALONE = {  # quantities that have an axis of their own, so that shapes need not fit
    "adjacent_slots.heard_beside_dbi",
    "interference.co_channel_ci_db",
    "orbit.slot_angles",
}


def entrances() -> Iterator[tuple[str, Entrance]]:
    """Name and function: public, of a module of physics, asking for quantities or what holds them."""
    for file in sorted(Folder(checked.__file__).parent.glob("*.py")):
        module = import_module(f"satcom.resource.physics.{file.stem}")
        for name, one in vars(module).items():
            of_here = isfunction(one) and one.__module__ == module.__name__ and not name.startswith("_")
            if of_here and any(_fault(asked) is not None for asked in signature(one).parameters.values()):
                yield f"{file.stem}.{name}", one


def _fault(asked: Parameter) -> tuple[object, str] | None:
    """What a parameter is given wrong, and the name under which that is to be told; nothing where it is no quantity."""
    if asked.kind is not Parameter.VAR_POSITIONAL and asked.annotation in QUANTITIES:
        return NAN, asked.name
    for kind, (value, field) in SPOILT.items():
        if asked.annotation is kind:
            return value, f"{asked.name}.{field}"
    return None


ENTRANCES = dict(entrances())
CHECKED = [one for one in ENTRANCES if one not in UNCHECKED]


@pytest.mark.parametrize("name", CHECKED)
def test_each_quantity_that_is_no_number_is_told_by_name_and_unit(name: str) -> None:
    asked = signature(ENTRANCES[name]).parameters.values()
    faults = {one.name: _fault(one) for one in asked if one.kind is not Parameter.VAR_POSITIONAL}
    with pytest.raises(OutOfRange) as refused:
        ENTRANCES[name](**{parameter: fault and fault[0] for parameter, fault in faults.items()})
    for _, field in filter(None, faults.values()):
        unit = unit_of(field.rpartition(".")[2])
        assert any(line.startswith(f"{field}: nan{unit and f' {unit}'} is out") for line in refused.value.lines), field


def quantities(name: str) -> list[str]:
    return [one.name for one in signature(ENTRANCES[name]).parameters.values() if one.annotation in QUANTITIES]


@pytest.mark.parametrize("name", [one for one in CHECKED if one not in ALONE and len(quantities(one)) > 1])
def test_shapes_that_do_not_fit_are_told_by_name_not_by_numpy(name: str) -> None:
    first, second = quantities(name)[:2]
    nothing = dict.fromkeys(signature(ENTRANCES[name]).parameters)
    with pytest.raises(OutOfRange) as refused:
        ENTRANCES[name](**nothing | {first: np.ones(2), second: np.ones(3)})
    assert refused.value.lines[-1] == f"shapes do not broadcast: {first} (2,), {second} (3,)"


def test_what_is_not_checked_is_there_and_takes_quantities() -> None:
    assert len(CHECKED) > 140
    assert UNCHECKED.keys() | ALONE <= ENTRANCES.keys()
    assert not [one for one in UNCHECKED if hasattr(ENTRANCES[one], "or_nan")]
