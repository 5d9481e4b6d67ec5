"""The paths of many satellites over the ground, propagated at few instants and followed between them to metres.

SGP4 runs at knots; between them a quintic through position, velocity and acceleration gives nodes, and between nodes a
cubic through position and velocity gives any instant. The acceleration is that of the Earth's mass and flattening: no
other moves a satellite by a centimetre in the minutes between two knots.

Source of the gravity: Vallado, Fundamentals of Astrodynamics, 4th edition, equation 8-30; constants of WGS 72, as SGP4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.earth_rotation import EARTH_ROTATION_RAD_PER_S
from satcom.resource.physics.orbit import Elements, sgp4_record
from satcom.resource.physics.orbit_array import ephemeris

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MU_KM3_PER_S2 = 398_600.8  # WGS 72, as the constants below
EARTH_RADIUS_KM = 6378.135
J2 = 1.082616e-3
NODES_PER_KNOT = 3
STEP_RAD = 0.1  # what a satellite may turn between nodes at its perigee: a cubic leaves a metre there
SHORTEST_STEP_S, STEP_RATIO = 45.0, 1.1  # steps form a ladder, so that satellites alike are propagated together
LONGEST_STEP_S = 150.0  # Sun and Moon, which the quintic leaves out, move a geostationary satellite by a metre


@dataclass(frozen=True)
class FleetPath:
    """Nodes at `first_s` + k `step_s`: Earth-fixed positions and velocities over the ground, (satellites, nodes, 3)."""

    first_s: float
    step_s: float
    position_km: Array
    velocity_km_per_s: Array

    @cached_property
    def _cubics(self) -> Array:
        """Of each interval the coefficients of 1, x, x^2, x^3, flat: (satellites x intervals, 4 x 3)."""
        p0, p1 = self.position_km[:, :-1], self.position_km[:, 1:]
        m0, m1 = self.velocity_km_per_s[:, :-1] * self.step_s, self.velocity_km_per_s[:, 1:] * self.step_s
        cubics: Array = np.stack([p0, m0, 3 * (p1 - p0) - 2 * m0 - m1, m0 + m1 - 2 * (p1 - p0)], axis=2)
        return cubics.reshape(-1, 12)

    def cubic(self, satellite: IntArray, node: IntArray) -> Array:
        """Position behind a node, as coefficients of the part of the step: (nodes asked for, 4 powers, 3)."""
        intervals = self.position_km.shape[1] - 1
        cubic: Array = self._cubics.take(satellite * intervals + node, axis=0).reshape(-1, 4, 3)
        return cubic

    def at(self, satellite: IntArray, time_s: Array) -> Array:
        """Position of one satellite at one instant each, (instants, 3); outside the nodes extrapolated."""
        intervals = self.position_km.shape[1] - 1
        since = (time_s - self.first_s) / self.step_s
        interval = np.clip(since.astype(np.int64), 0, intervals - 1)
        x = (since - interval)[:, None]
        cubic = self._cubics.take(satellite * intervals + interval, axis=0)
        position: Array = cubic[:, :3] + x * (cubic[:, 3:6] + x * (cubic[:, 6:9] + x * cubic[:, 9:]))
        return position


def step_s(elements: Elements) -> float:
    """Time between nodes for one satellite, from the ladder of steps: short where it passes perigee fast."""
    record = sgp4_record(elements)
    eccentricity = record.ecco
    rate_rad_per_s = record.no_kozai / 60 * (1 + eccentricity) ** 2 / (1 - eccentricity**2) ** 1.5
    rung = np.floor(np.log(STEP_RAD / rate_rad_per_s / SHORTEST_STEP_S) / np.log(STEP_RATIO))
    return float(min(SHORTEST_STEP_S * STEP_RATIO ** max(rung, 0), LONGEST_STEP_S))


def fleet_path(
    elements: Sequence[Elements], start: datetime, first_s: float, last_s: float, step_s: float
) -> FleetPath:
    """Follow satellites from `first_s` to `last_s` after `start`, and at least one step beyond either end.

    nan where SGP4 reports an error.
    """
    knot_s = step_s * NODES_PER_KNOT
    knots = int(np.ceil((last_s - first_s) / knot_s)) + 3
    before_s = first_s - knot_s
    propagated = ephemeris(elements, start, before_s + np.arange(knots) * knot_s)
    position, velocity = propagated.position_km, propagated.velocity_km_per_s
    acceleration = acceleration_km_per_s2(position, velocity)
    # along the first axis: what a quintic is made of; the last axis is satellites x knots x 3
    parts = np.stack(
        [
            part.reshape(-1)
            for whole, scale in ((position, 1.0), (velocity, knot_s), (acceleration, knot_s**2))
            for part in (whole[:, :-1] * scale, whole[:, 1:] * scale)
        ]
    )
    # not by BLAS, whose threads spin on the processors that other blocks are worked on by
    between = np.einsum("ij,jk->ik", _quintic(), parts).reshape(2, NODES_PER_KNOT, len(elements), knots - 1, 3)
    moved = between.transpose(0, 2, 3, 1, 4).reshape(2, len(elements), (knots - 1) * NODES_PER_KNOT, 3)
    return FleetPath(before_s, step_s, moved[0], moved[1] / knot_s)


def acceleration_km_per_s2(position_km: Array, velocity_km_per_s: Array) -> Array:
    """Acceleration over the turning ground by the Earth's mass and flattening; arrays (..., 3), Earth-fixed."""
    x, y, z = np.moveaxis(position_km, -1, 0)
    square = x * x + y * y + z * z
    attraction = -MU_KM3_PER_S2 / (square * np.sqrt(square))
    flattening = 1.5 * J2 * EARTH_RADIUS_KM**2 / square
    polar = 5 * z * z / square
    sideways = attraction * (1 + flattening * (1 - polar)) + EARTH_ROTATION_RAD_PER_S**2
    acceleration = np.empty_like(position_km)
    acceleration[..., 0] = sideways * x + 2 * EARTH_ROTATION_RAD_PER_S * velocity_km_per_s[..., 1]
    acceleration[..., 1] = sideways * y - 2 * EARTH_ROTATION_RAD_PER_S * velocity_km_per_s[..., 0]
    acceleration[..., 2] = attraction * (1 + flattening * (3 - polar)) * z
    return acceleration


def _quintic() -> Array:
    """Weights of (p0, p1, v0, v1, a0, a1) for the positions, then the velocities, of the nodes of one knot's span."""
    x = np.arange(NODES_PER_KNOT) / NODES_PER_KNOT
    powers = np.vander(x, 6, increasing=True)
    slopes = np.concatenate([np.zeros((len(x), 1)), np.arange(1, 6) * powers[:, :5]], axis=1)
    ends = np.array(
        [
            [1, 0, 0, 0, 0, 0],  # position at 0 and 1, of each power
            [1, 1, 1, 1, 1, 1],
            [0, 1, 0, 0, 0, 0],  # velocity
            [0, 1, 2, 3, 4, 5],
            [0, 0, 2, 0, 0, 0],  # acceleration
            [0, 0, 2, 6, 12, 20],
        ],
        float,
    )
    weights: Array = np.concatenate([powers, slopes]) @ np.linalg.inv(ends)
    return weights
