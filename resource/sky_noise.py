"""What an antenna hears of the sky: no receiving system is quieter, so one that is said to be is refused.

The sky is that of clear air with the vapour of the wet twentieth of the year, as links are planned with: towards the
geostationary satellites that the antenna points at, and down to the horizon mask where it is a constellation's gateway.
An antenna of which neither is known is looked at when it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from satcom.core.errors import Fault, Refused
from satcom.resource.constellation import Constellation
from satcom.resource.ground import Antenna, EarthStation
from satcom.resource.payload import Transponder
from satcom.resource.physics.attenuation import clear_sky_noise_temperature_k
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.resource import pointer
from satcom.resource.satellite import Satellite

LOWEST_ELEVATION_DEG = 5.0  # P.618-14 holds from here up, and links are planned from here up


@dataclass(frozen=True)
class _Look:
    """A direction in which an antenna receives; `antenna` is its row in the station."""

    station: EarthStation
    antenna: int
    towards: str
    elevation_deg: float
    freq_hz: int

    @property
    def given(self) -> Antenna:
        return self.station.antennas[self.antenna]

    def why(self, sky_k: float) -> str:
        where = f"at {self.freq_hz / 1e9:g} GHz and {self.elevation_deg:.1f} degrees towards {self.towards}"
        return f"{self.given.noise_temperature_k:g} K is less than the clear sky alone, {sky_k:.1f} K {where}"


def check_station(session: Session, station: EarthStation) -> None:
    """None of its antennas is quieter than its sky. Raises `Refused` with each that is."""
    looks = _at_slots(session, [station]) + _at_constellations(session, station)
    faults: dict[int, Fault] = {}
    for one, sky_k in _too_quiet(looks):
        where = f"{pointer(EarthStation, 'antennas')}/{one.antenna}/noiseTemperatureK"
        faults.setdefault(one.antenna, Fault(where, one.why(sky_k), "belowSkyNoise", f"more than {sky_k:.1f} K"))
    if faults:
        raise Refused.all([faults[row] for row in sorted(faults)])


def check_transponder(session: Session, transponder: Transponder) -> None:
    """No antenna that receives it is quieter than the sky at its frequency. Raises `Refused`."""
    pointing = type_coerce(col(EarthStation.antennas), JSONB).contains([{"satelliteIds": [transponder.satellite_id]}])
    stations = session.exec(select(EarthStation).where(pointing)).all()
    _refuse(_at_slots(session, stations, transponder), pointer(Transponder, "downlink_center_hz"))


def check_constellation(session: Session, constellation: Constellation) -> None:
    """No antenna of its gateways is quieter than the lowest sky that it is worked in. Raises `Refused`."""
    wanted = [one.earth_station_id for one in constellation.gateways]
    stations = session.exec(select(EarthStation).where(col(EarthStation.id).in_(wanted))).all()
    looks = [look for station in stations for look in _as_gateway(station, constellation)]
    _refuse(looks, pointer(Constellation, "gateways"))


def _refuse(looks: Sequence[_Look], where: str) -> None:
    faults = [
        Fault(where, f"{one.given.id} of {one.station.name}: {one.why(sky_k)}", "belowSkyNoise")
        for one, sky_k in _too_quiet(looks)
    ]
    if faults:
        raise Refused.all(faults)


def _too_quiet(looks: Sequence[_Look]) -> list[tuple[_Look, float]]:
    """Those in which the sky is warmer than the system, the warmest sky first."""
    if not looks:
        return []
    stations = [one.station for one in looks]
    sky_k = clear_sky_noise_temperature_k.or_nan(
        latitude_deg=np.array([one.latitude_deg for one in stations]),
        longitude_deg=np.array([one.longitude_deg for one in stations]),
        freq_hz=np.array([float(one.freq_hz) for one in looks]),
        elevation_deg=np.array([one.elevation_deg for one in looks]),
        station_height_km=np.array([one.altitude_m / 1000 for one in stations]),
    )
    rows = [row for row, one in enumerate(looks) if one.given.noise_temperature_k <= sky_k[row]]
    return sorted(((looks[row], float(sky_k[row])) for row in rows), key=lambda found: -found[1])


def _at_slots(session: Session, stations: Sequence[EarthStation], only: Transponder | None = None) -> list[_Look]:
    """Towards each geostationary satellite, at each frequency that comes down from it in the antenna's band."""
    wanted = {each for station in stations for antenna in station.antennas for each in antenna.satellite_ids}
    standing = col(Satellite.orbital_longitude_deg).is_not(None)
    satellites = session.exec(select(Satellite).where(col(Satellite.id).in_(wanted), standing)).all()
    received = [only] if only is not None else _transponders(session, [one.id for one in satellites])
    looks = []
    for station in stations:
        slots = np.array([one.orbital_longitude_deg for one in satellites], dtype=np.float64)
        place = (np.array([getattr(station, name)]) for name in ("latitude_deg", "longitude_deg", "altitude_m"))
        elevation_deg = slot_angles.or_nan(slots, *place).elevation_deg[:, 0] if len(slots) else slots
        seen = {one.id: (one.name, float(elevation_deg[row])) for row, one in enumerate(satellites)}
        looks += [
            _Look(station, row, *seen[one.satellite_id], one.downlink_center_hz)
            for row, antenna in enumerate(station.antennas)
            for one in received
            if one.satellite_id in seen and one.satellite_id in antenna.satellite_ids and one.band == antenna.band
        ]
    return looks


def _transponders(session: Session, satellite_ids: Sequence[str]) -> Sequence[Transponder]:
    return session.exec(select(Transponder).where(col(Transponder.satellite_id).in_(satellite_ids))).all()


def _at_constellations(session: Session, station: EarthStation) -> list[_Look]:
    of_station = type_coerce(col(Constellation.gateways), JSONB).contains([{"earthStationId": station.id}])
    found = session.exec(select(Constellation).where(of_station)).all()
    return [look for one in found for look in _as_gateway(station, one)]


def _as_gateway(station: EarthStation, constellation: Constellation) -> list[_Look]:
    """Its satellites come by at every elevation from the horizon mask on."""
    named = {one.antenna_id for one in constellation.gateways if one.earth_station_id == station.id}
    lowest_deg = max(station.horizon_mask_deg, LOWEST_ELEVATION_DEG)
    freq_hz = constellation.return_link.downlink_center_hz
    return [
        _Look(station, row, constellation.name, lowest_deg, freq_hz)
        for row, antenna in enumerate(station.antennas)
        if antenna.id in named
    ]
