"""Spot beams: a honeycomb of equal beams, the colours in which they share the band, and how much they disturb.

Beams stand on a hexagonal lattice as the satellite sees it. Beams of one colour use the same frequencies and
polarisation; the more colours, the farther apart they are, and the less band has each. All beams radiate alike, and
their side lobes are those of ITU-R S.672-4. Beams of the other polarisation are not counted.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 5 (frequency reuse, colours).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna_pattern import s672_gain_dbi
from satcom.resource.physics.coverage import SpotBeam, off_axis_angle_deg
from satcom.resource.physics.orbit import earth_fixed_km
from satcom.resource.physics.satellite_view import SatelliteView

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

COLOURS = {1: (0, 0, 1), 3: (1, 2, 3), 4: (0, 0, 4), 7: (1, 5, 7)}  # (q + factor r) modulo the last; 4 is by parity
CROSSING_AT_3_DB = np.sqrt(3) / 2  # spacing in beamwidths at which three neighbours meet 3 dB below their peaks
_APERTURE_DEG, _EFFICIENCY = 70.0, 0.65  # a beam's peak gain from its width


@dataclass(frozen=True, eq=False)
class SpotLattice:
    """Equal round beams; arrays of shape (beams,). The first is the one in the middle."""

    view: SatelliteView
    half_power_beamwidth_deg: float
    colours: int
    latitude_deg: Array
    longitude_deg: Array
    colour: Indices

    def beams(self) -> tuple[SpotBeam, ...]:
        """As `coverage` wants them."""
        at = self.view
        return tuple(
            SpotBeam(
                float(latitude),
                float(longitude),
                self.half_power_beamwidth_deg,
                at.satellite_longitude_deg,
                at.satellite_latitude_deg,
                at.satellite_altitude_km,
            )
            for latitude, longitude in zip(self.latitude_deg, self.longitude_deg, strict=True)
        )


@dataclass(frozen=True)
class ColourBand:
    """What the beams of one colour use: a part of the band, and one of two polarisations (0 or 1)."""

    low_edge_hz: float
    high_edge_hz: float
    polarisation: int


@dataclass(frozen=True, eq=False)
class CoChannel:
    """At each place the beam that is strongest there, its gain, and by how much it is above its own colour."""

    beam: Indices
    gain_dbi: Array
    ci_db: Array


def hexagonal_lattice(
    view: SatelliteView,
    centre_latitude_deg: float,
    centre_longitude_deg: float,
    half_power_beamwidth_deg: float,
    rings: int,
    colours: int = 4,
    spacing_beamwidths: float = CROSSING_AT_3_DB,
) -> SpotLattice:
    """A beam in the middle and `rings` around it, 1 + 3 rings (rings + 1) in all, less those that miss the Earth.

    Raises `ValueError` naming what is wrong: a centre that the satellite does not see, a width or spacing of zero, or
    a number of colours that no honeycomb has (1, 3, 4 or 7).
    """
    if colours not in COLOURS:
        raise ValueError(f"colours: a honeycomb has 1, 3, 4 or 7, not {colours}")
    for name, value in (("half_power_beamwidth_deg", half_power_beamwidth_deg), ("spacing", spacing_beamwidths)):
        if not 0 < value <= 20:
            raise ValueError(f"{name}: above 0 and up to 20, not {value:g}")
    if not 0 <= rings <= 50:
        raise ValueError(f"rings: 0 to 50, not {rings}")
    centre = view.direction_deg(centre_latitude_deg, centre_longitude_deg)
    if not np.isfinite(centre[0]):
        place = f"{centre_latitude_deg:g}, {centre_longitude_deg:g} deg"
        raise ValueError(f"centre: the satellite at {view.satellite_longitude_deg:g} deg does not see {place}")
    q, r = (axis.ravel() for axis in np.mgrid[-rings : rings + 1, -rings : rings + 1])
    kept = np.abs(q + r) <= rings
    q, r = q[kept], r[kept]
    order = np.argsort(np.hypot(q + r / 2, r * np.sqrt(3) / 2), kind="stable")
    q, r = q[order], r[order]
    step_deg = spacing_beamwidths * half_power_beamwidth_deg
    azimuth_deg = centre[0] + step_deg * (q + r / 2)
    elevation_deg = centre[1] + step_deg * r * np.sqrt(3) / 2
    latitude_deg, longitude_deg = view.place_deg(azimuth_deg, elevation_deg)
    seen = np.isfinite(latitude_deg)
    colour = colour_of(q, r, colours)
    return SpotLattice(view, half_power_beamwidth_deg, colours, latitude_deg[seen], longitude_deg[seen], colour[seen])


def colour_of(q: Indices, r: Indices, colours: int) -> Indices:
    """Colour (0 and up) of cells of a honeycomb by their axial coordinates; two that touch differ."""
    if colours == 4:
        return (2 * (q % 2) + r % 2).astype(np.intp)
    along, across, modulus = COLOURS[colours]
    return ((along * q + across * r) % modulus).astype(np.intp)


def colour_bands(colours: int, low_edge_hz: float, high_edge_hz: float) -> tuple[ColourBand, ...]:
    """What each colour gets of a band: an even number takes both polarisations, half as many parts of the band.

    Raises `ValueError` when the band is none.
    """
    if not 0 < low_edge_hz < high_edge_hz:
        raise ValueError(f"band: {low_edge_hz:g} to {high_edge_hz:g} Hz is none")
    polarisations = 2 if colours % 2 == 0 else 1
    parts = colours // polarisations
    width_hz = (high_edge_hz - low_edge_hz) / parts
    return tuple(
        ColourBand(
            low_edge_hz + one // polarisations * width_hz,
            low_edge_hz + (one // polarisations + 1) * width_hz,
            one % polarisations,
        )
        for one in range(colours)
    )


def peak_gain_dbi(half_power_beamwidth_deg: float) -> float:
    """Gain of a round beam of this width: 70 lambda/D wide, 65 % efficient."""
    return float(10 * np.log10(_EFFICIENCY * (np.pi * _APERTURE_DEG / half_power_beamwidth_deg) ** 2))


def co_channel(
    lattice: SpotLattice, latitude_deg: Array, longitude_deg: Array, side_lobe_db: float = -25.0
) -> CoChannel:
    """Carrier over co-channel interference at places on the down link, every beam radiating alike; shape (places,).

    nan (and beam -1) where the satellite is below the horizon; `inf` where a beam has its colour alone.
    `side_lobe_db` is -20, -25 or -30 (S.672-4).
    """
    latitude, longitude = (np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (latitude_deg, longitude_deg))
    seen = np.isfinite(lattice.view.direction_deg(latitude, longitude)[0])
    places_km = earth_fixed_km(latitude, longitude, 0.0)
    boresights_km = earth_fixed_km(lattice.latitude_deg, lattice.longitude_deg, 0.0)
    satellites_km = np.broadcast_to(lattice.view.position_km, boresights_km.shape)
    off_axis_deg = off_axis_angle_deg(
        satellites_km, boresights_km, np.where(seen[:, None], places_km, boresights_km[:1])
    )
    width_deg = lattice.half_power_beamwidth_deg
    gain_dbi = s672_gain_dbi.or_nan(off_axis_deg, peak_gain_dbi(width_deg), width_deg, side_lobe_db)
    best = np.argmax(gain_dbi, axis=0)
    everywhere = np.arange(len(latitude))
    wanted_dbi = gain_dbi[best, everywhere]
    same = lattice.colour[:, None] == lattice.colour[best][None, :]
    same[best, everywhere] = False
    disturbing = np.sum(np.where(same, 10 ** (gain_dbi / 10), 0.0), axis=0)
    with np.errstate(divide="ignore"):
        ci_db = wanted_dbi - 10 * np.log10(disturbing)
    return CoChannel(np.where(seen, best, -1), np.where(seen, wanted_dbi, np.nan), np.where(seen, ci_db, np.nan))
