"""At which nodes of their paths satellites can be above the horizon of sites, and at which they surely are.

Seen from the Earth's centre, a satellite of one radius stands above an elevation while it is within an angle of the
site: in a cap. Between two nodes it keeps to a great circle but for a bend of at most half the product of its angular
acceleration and the square of half the step; twice that is allowed. Single precision suffices, with room to spare.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.earth_rotation import EARTH_ROTATION_RAD_PER_S
from satcom.resource.physics.fleet_path import FleetPath
from satcom.resource.physics.horizon_mask import Sites

Array = NDArray[np.float64]
Truth = NDArray[np.bool_]

ROUNDING = np.float32(1e-6)
SLACK_RAD = 1e-3  # what the radius changes between two nodes


@dataclass(frozen=True)
class Reach:
    """Nodes of all satellites as seen from all sites; what is told of them has shape (satellites, sites, nodes)."""

    path: FleetPath
    sites: Sites

    def within(self) -> Truth:
        """Nodes of which one at least is an end of every piece on which the satellite can be above the lowest horizon.

        If the arc touches the cap, one of its ends lies in the cap widened accordingly.
        """
        cap_rad = self.sites.reach_rad(np.fmax.reduce(self._radius_km, axis=1)) + self._bend_rad[:, None]
        half_arc_rad = np.minimum(self._turn_rad * 0.55, np.pi / 2)
        cosine = np.cos(np.minimum(cap_rad, np.pi))
        needed = np.minimum(cosine, cosine * np.cos(half_arc_rad)[:, None])
        within: Truth = self._cosine >= (needed.astype(np.float32) - ROUNDING)[:, :, None]
        return within

    def surely_above(self) -> Truth:
        """Where it is above the highest point of the horizon, and stays so up to a next node that is told so, too."""
        lowest_km = np.fmin.reduce(self._radius_km, axis=1) * (1 - self._bend_rad)
        cap_rad = self.sites.sure_reach_rad(lowest_km) - self._bend_rad[:, None]
        needed = np.cos(np.maximum(cap_rad, 0)).astype(np.float32) + ROUNDING
        surely: Truth = self._cosine >= needed[:, :, None]
        return surely

    @cached_property
    def _radius_km(self) -> Array:
        radius_km: Array = np.sqrt(np.einsum("snk,snk->sn", self.path.position_km, self.path.position_km))
        return radius_km

    @cached_property
    def _cosine(self) -> NDArray[np.float32]:
        direction = (self.path.position_km / self._radius_km[..., None]).astype(np.float32)
        cosine: NDArray[np.float32] = np.matmul(self.sites.direction.astype(np.float32), direction.transpose(0, 2, 1))
        return cosine

    @cached_property
    def _turn_rad(self) -> Array:
        """At most, in a step."""
        speed = np.sqrt(np.einsum("snk,snk->sn", self.path.velocity_km_per_s, self.path.velocity_km_per_s))
        turn: Array = np.fmax.reduce(speed / self._radius_km, axis=1) * self.path.step_s
        return turn

    @cached_property
    def _bend_rad(self) -> Array:
        bend: Array = (self._turn_rad + EARTH_ROTATION_RAD_PER_S * self.path.step_s) ** 2 / 4 + SLACK_RAD
        return bend
