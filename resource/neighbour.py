"""Neighbours on the arc: satellites of others that disturb one of ours, as its operator declares them.

Who stands where, in which bands it works, and how densely it and the stations that point at it radiate. A density that
nobody declares is taken to be that of our own transponder, evenly loaded. What gets through the side lobes of our
stations and of theirs is `resource.physics.adjacent_slots`.

Words: ITU-R S.465, S.580 (side lobes), Radio Regulations, Appendix 8 (EIRP densities of neighbouring networks).
"""

from typing import Annotated

from pydantic import ConfigDict
from pydantic import Field as ValueField
from pydantic.alias_generators import to_camel

from satcom.core.values import Value
from satcom.resource.resource import Band, Finite

MOST_NEIGHBOURS = 20


class NeighbourSatellite(Value):
    """Who stands beside one of our satellites.

    `uplink_eirp_density_dbw_per_hz` is that of its stations on axis, which are taken to be as large as ours;
    `downlink_eirp_density_dbw_per_hz` is its own towards the places that we serve.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
    name: Annotated[str, ValueField(min_length=1, max_length=200)]
    orbital_longitude_deg: Annotated[Finite, ValueField(ge=-180, le=180)]
    bands: Annotated[tuple[Band, ...], ValueField(min_length=1, max_length=len(Band))]
    uplink_eirp_density_dbw_per_hz: Annotated[Finite, ValueField(ge=-100, le=60)] | None = None
    downlink_eirp_density_dbw_per_hz: Annotated[Finite, ValueField(ge=-100, le=60)] | None = None

    def __str__(self) -> str:
        side = "W" if self.orbital_longitude_deg < 0 else "E"
        return f"{self.name} {abs(self.orbital_longitude_deg):.1f}{side}"
