"""The simulated sky: what a carrier truly measures at the far end.

Own code, sharing nothing with the product whose link budgets it judges. A spherical-wave, clear-sky bent pipe:
geometry on the WGS 84 ellipsoid, free-space loss, a linear transponder, parabolic antennas with a
parabolic main lobe and the side lobes 29 - 25 log10(angle) of ITU-R S.580, neighbours on the same frequency as noise.
No antenna points exactly: one that tracks follows the satellite with some error, another stays as its installer left
it. Where satellites that pass are, is `passing`.
Decibels throughout; `None` where no signal arrives at all.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from satcom.simulators.hub_nms.configuration import Carrier, Hub, Satellite, Terminal, Transponder

LIGHT_M_PER_S = 299_792_458.0
BOLTZMANN_DBW_PER_K_HZ = -228.6
GEO_RADIUS_M = 42_164_170.0
WGS84_A_M = 6_378_137.0
WGS84_E2 = 6.694_379_990_14e-3
CROSS_POLAR_ISOLATION_DB = 30.0
ZENITH_GAS_DB = ((1e9, 0.03), (6e9, 0.04), (14e9, 0.08), (22e9, 0.5), (30e9, 0.25), (50e9, 1.5))
"""Rounded clear-sky zenith attenuation of a temperate, moist atmosphere, interpolated over frequency."""
TRACKING_ERROR_BEAMWIDTHS = 0.13
"""How far an antenna that tracks in steps is off the satellite: it costs 0.2 dB."""
INSTALLED_SIGMA_BEAMWIDTHS = 0.13
"""Standard deviation of what is left in each axis after a terminal was peaked on the signal that it receives."""
PEAKED_WITHIN_BEAMWIDTHS = 0.19
"""An installer who still loses more than 0.4 dB goes on peaking."""
LEAST_POWER_DBW = -60.0
IN_ITS_BOX_DEG = 0.2
"""Angles told so near to the satellite are meant for it, and it is peaked; farther off, the antenna was turned."""

Place = tuple[float, float, float]
"""Earth-fixed, from the Earth's centre, in metres."""


@dataclass(frozen=True)
class LookAngles:
    """Where a place sees the satellite."""

    azimuth_deg: float
    elevation_deg: float
    range_m: float


@dataclass(frozen=True)
class EarthStation:
    """One end of a link, hub or terminal alike."""

    look: LookAngles
    diameter_m: float
    efficiency: float
    noise_temperature_k: float
    figure_of_merit_db_per_k: float | None
    off_axis_deg: float
    fade_db: float
    uplink_beam_db: float = 0.0
    downlink_beam_db: float = 0.0


@dataclass(frozen=True)
class Link:
    """The lines of one carrier's true link."""

    uplink_eirp_dbw: float
    carrier_to_noise_density_up_db_hz: float
    downlink_eirp_dbw: float
    carrier_to_noise_density_down_db_hz: float
    carrier_to_interference_db: float | None
    carrier_to_noise_density_db_hz: float


def look_angles(latitude_deg: float, longitude_deg: float, altitude_m: float, there_m: Place) -> LookAngles:
    """Azimuth from true north, elevation above the ellipsoid's horizon (negative below), slant range."""
    lat, lon = math.radians(latitude_deg), math.radians(longitude_deg)
    x, y, z = position_m(latitude_deg, longitude_deg, altitude_m)
    dx, dy, dz = there_m[0] - x, there_m[1] - y, there_m[2] - z
    east = -math.sin(lon) * dx + math.cos(lon) * dy
    north = -math.sin(lat) * (math.cos(lon) * dx + math.sin(lon) * dy) + math.cos(lat) * dz
    up = math.cos(lat) * (math.cos(lon) * dx + math.sin(lon) * dy) + math.sin(lat) * dz
    range_m = math.sqrt(dx * dx + dy * dy + dz * dz)
    elevation_deg = math.degrees(math.atan2(up, math.hypot(east, north)))
    return LookAngles(math.degrees(math.atan2(east, north)) % 360, elevation_deg, range_m)


def standing_m(satellite: Satellite) -> Place:
    """Where a geostationary satellite is."""
    sub = math.radians(satellite.longitude_deg)
    return GEO_RADIUS_M * math.cos(sub), GEO_RADIUS_M * math.sin(sub), 0.0


def position_m(latitude_deg: float, longitude_deg: float, altitude_m: float) -> Place:
    """Of a place, Earth-fixed, from the Earth's centre."""
    lat, lon = math.radians(latitude_deg), math.radians(longitude_deg)
    normal_m = WGS84_A_M / math.sqrt(1 - WGS84_E2 * math.sin(lat) ** 2)
    from_axis_m = (normal_m + altitude_m) * math.cos(lat)
    z_m = (normal_m * (1 - WGS84_E2) + altitude_m) * math.sin(lat)
    return from_axis_m * math.cos(lon), from_axis_m * math.sin(lon), z_m


def angle_between_deg(azimuth_deg: float, elevation_deg: float, look: LookAngles) -> float:
    """Angle between where an antenna points and where the satellite is."""
    one, other = math.radians(elevation_deg), math.radians(look.elevation_deg)
    turn = math.radians(azimuth_deg - look.azimuth_deg)
    # haversine: the cosine formula loses all digits for the small errors that matter
    half = math.sin((one - other) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(turn / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, half))))


def beamwidth_deg(freq_hz: float, diameter_m: float) -> float:
    """Between the two points that are 3 dB below the peak."""
    return 70 * LIGHT_M_PER_S / freq_hz / diameter_m


def installed_error_beamwidths(serial_number: str) -> tuple[float, float]:
    """What the installation of this terminal left, across and in elevation: always the same for the same terminal."""
    deviate = random.Random(f"installed:{serial_number}")
    while True:
        across, up = (deviate.gauss(0, INSTALLED_SIGMA_BEAMWIDTHS) for _ in range(2))
        if math.hypot(across, up) <= PEAKED_WITHIN_BEAMWIDTHS:
            return across, up


def antenna_gain_dbi(freq_hz: float, diameter_m: float, efficiency: float, off_axis_deg: float) -> float:
    """Gain of a parabolic antenna at an angle from its axis: main lobe, then side lobes, never under -10 dBi."""
    wavelength_m = LIGHT_M_PER_S / freq_hz
    peak_dbi = 10 * math.log10(efficiency * (math.pi * diameter_m / wavelength_m) ** 2)
    main_lobe_dbi = peak_dbi - 12 * (off_axis_deg / beamwidth_deg(freq_hz, diameter_m)) ** 2
    side_lobe_dbi = 29 - 25 * math.log10(max(off_axis_deg, 1.0))
    return max(main_lobe_dbi, min(side_lobe_dbi, peak_dbi - 12), -10.0)


def path_loss_db(freq_hz: float, look: LookAngles) -> float:
    """Free space and clear air."""
    free_space_db = 20 * math.log10(4 * math.pi * look.range_m * freq_hz / LIGHT_M_PER_S)
    return free_space_db + gas_db(freq_hz, look.elevation_deg)


def gas_db(freq_hz: float, elevation_deg: float) -> float:
    """Attenuation of clear air along the path, by the cosecant, held at 5 degrees."""
    sin_elevation = math.sin(math.radians(max(elevation_deg, 5.0)))
    low_hz, low_db = ZENITH_GAS_DB[0]
    for high_hz, high_db in ZENITH_GAS_DB:
        if freq_hz <= high_hz:
            share = (freq_hz - low_hz) / (high_hz - low_hz) if high_hz > low_hz else 0.0
            return (low_db + max(share, 0.0) * (high_db - low_db)) / sin_elevation
        low_hz, low_db = high_hz, high_db
    return low_db / sin_elevation


def hub_station(hub: Hub, there_m: Place, freq_hz: float) -> EarthStation:
    """The hub towards a satellite on a frequency; its antenna tracks."""
    look = look_angles(hub.latitude_deg, hub.longitude_deg, hub.altitude_m, there_m)
    return EarthStation(
        look,
        hub.antenna_diameter_m,
        hub.antenna_efficiency,
        hub.system_noise_temperature_k,
        hub.figure_of_merit_db_per_k,
        TRACKING_ERROR_BEAMWIDTHS * beamwidth_deg(freq_hz, hub.antenna_diameter_m),
        0.0,
    )


def terminal_station(terminal: Terminal, there_m: Place, received_hz: float, fade_db: float) -> EarthStation:
    """The terminal towards a satellite, off axis by as much as it tracks badly, or points and was installed badly."""
    look = look_angles(terminal.latitude_deg, terminal.longitude_deg, terminal.altitude_m, there_m)
    return EarthStation(
        look,
        terminal.antenna_diameter_m,
        terminal.antenna_efficiency,
        terminal.system_noise_temperature_k,
        terminal.figure_of_merit_db_per_k,
        _off_axis_deg(terminal, look, received_hz),
        fade_db,
    )


def _off_axis_deg(terminal: Terminal, look: LookAngles, received_hz: float) -> float:
    """Between the satellite and where the antenna stands, which is not exactly where it was told to stand."""
    azimuth_deg, elevation_deg = terminal.azimuth_deg, terminal.elevation_deg
    width_deg = beamwidth_deg(received_hz, terminal.antenna_diameter_m)
    if azimuth_deg is None or elevation_deg is None:
        return TRACKING_ERROR_BEAMWIDTHS * width_deg
    if angle_between_deg(azimuth_deg, elevation_deg, look) <= IN_ITS_BOX_DEG:
        azimuth_deg, elevation_deg = look.azimuth_deg, look.elevation_deg
    across, up = installed_error_beamwidths(terminal.serial_number)
    # near the zenith a turn in azimuth moves the beam little
    turned_deg = across * width_deg / max(math.cos(math.radians(elevation_deg)), 0.01)
    return angle_between_deg(azimuth_deg + turned_deg, elevation_deg + up * width_deg, look)


def link(
    carrier: Carrier,
    sender: EarthStation,
    receiver: EarthStation,
    transponder: Transponder,
    same_transponder: Iterable[tuple[Carrier, EarthStation]],
) -> Link | None:
    """The true link of `carrier`, with the other carriers on its transponder as interference.

    None when nothing can arrive: an end below the horizon or out of coverage, the carrier outside the transponder's
    pass band, or the receiver tuned so far from the translated frequency (a tenth of the symbol rate) that it cannot
    acquire.
    """
    if min(sender.look.elevation_deg, receiver.look.elevation_deg) < 0 or not _passes(carrier, transponder):
        return None
    if math.isinf(sender.uplink_beam_db) or math.isinf(receiver.downlink_beam_db):
        return None
    eirp_up_dbw = _uplink_eirp_dbw(carrier, sender, transponder)
    up_db_hz = (
        eirp_up_dbw
        - path_loss_db(carrier.uplink_center_hz, sender.look)
        - sender.fade_db
        + transponder.g_over_t_db_per_k
        + sender.uplink_beam_db
        - BOLTZMANN_DBW_PER_K_HZ
    )
    eirp_peak_dbw = _downlink_eirp_dbw(carrier, sender, transponder)
    eirp_down_dbw = eirp_peak_dbw + receiver.downlink_beam_db
    crossed_db = 0.0 if carrier.downlink_polarisation == transponder.downlink_polarisation else CROSS_POLAR_ISOLATION_DB
    down_db_hz = (
        eirp_down_dbw
        - crossed_db
        - path_loss_db(carrier.downlink_center_hz, receiver.look)
        - receiver.fade_db
        + _figure_of_merit_db_per_k(carrier.downlink_center_hz, receiver)
        - BOLTZMANN_DBW_PER_K_HZ
    )
    interference_db = _carrier_to_interference_db(carrier, eirp_peak_dbw, transponder, same_transponder)
    noise = 10 ** (-up_db_hz / 10) + 10 ** (-down_db_hz / 10)
    if interference_db is not None:
        noise += 10 ** (-interference_db / 10) / carrier.symbol_rate_baud
    total_db_hz = -10 * math.log10(noise)
    return Link(eirp_up_dbw, up_db_hz, eirp_down_dbw, down_db_hz, interference_db, total_db_hz)


def _passes(carrier: Carrier, transponder: Transponder) -> bool:
    edge_hz = abs(carrier.uplink_center_hz - transponder.uplink_center_hz) + carrier.occupied_bandwidth_hz / 2
    translation_hz = transponder.uplink_center_hz - transponder.downlink_center_hz
    off_tune_hz = abs(carrier.uplink_center_hz - translation_hz - carrier.downlink_center_hz)
    return edge_hz <= transponder.bandwidth_hz / 2 + 1 and off_tune_hz <= carrier.symbol_rate_baud / 10


def _uplink_eirp_dbw(carrier: Carrier, sender: EarthStation, transponder: Transponder) -> float:
    crossed_db = 0.0 if carrier.uplink_polarisation == transponder.uplink_polarisation else CROSS_POLAR_ISOLATION_DB
    gain_dbi = antenna_gain_dbi(carrier.uplink_center_hz, sender.diameter_m, sender.efficiency, sender.off_axis_deg)
    return carrier.transmit_power_dbw + gain_dbi - crossed_db


def _downlink_eirp_dbw(carrier: Carrier, sender: EarthStation, transponder: Transponder) -> float:
    """EIRP of the carrier at the peak of the beam: as far below saturation as its flux, mended by gain compression."""
    spreading_db = 10 * math.log10(4 * math.pi * sender.look.range_m**2)
    air_db = gas_db(carrier.uplink_center_hz, sender.look.elevation_deg) + sender.fade_db
    flux_dbw_per_m2 = _uplink_eirp_dbw(carrier, sender, transponder) - spreading_db - air_db
    carrier_input_backoff_db = transponder.sfd_dbw_per_m2 - sender.uplink_beam_db - flux_dbw_per_m2
    compression_db = transponder.input_backoff_db - transponder.output_backoff_db
    return transponder.eirp_saturation_dbw - max(carrier_input_backoff_db - compression_db, 0.0)


def lined_up_power_dbw(carrier: Carrier, sender: EarthStation, transponder: Transponder, power_share: float) -> float:
    """What `sender` must put into its antenna for the carrier to take this share of the transponder in clear sky."""
    full_dbw = transponder.eirp_saturation_dbw - transponder.output_backoff_db
    # below saturation the transponder is linear: a decibel up there is one down here
    faint, clear = carrier.model_copy(update={"transmit_power_dbw": LEAST_POWER_DBW}), replace(sender, fade_db=0.0)
    missing_db = full_dbw + 10 * math.log10(power_share) - _downlink_eirp_dbw(faint, clear, transponder)
    return LEAST_POWER_DBW + missing_db


def at_its_share(carrier: Carrier, sender: EarthStation, transponder: Transponder) -> Carrier:
    """The carrier with the power that keeps its share of the transponder at this distance, as far as there is power."""
    if carrier.power_share is None:
        return carrier
    power_dbw = lined_up_power_dbw(carrier, sender, transponder, carrier.power_share)
    return carrier.model_copy(update={"transmit_power_dbw": min(power_dbw, carrier.transmit_power_dbw)})


def _figure_of_merit_db_per_k(freq_hz: float, receiver: EarthStation) -> float:
    off_axis_dbi = antenna_gain_dbi(freq_hz, receiver.diameter_m, receiver.efficiency, receiver.off_axis_deg)
    if receiver.figure_of_merit_db_per_k is None:
        return off_axis_dbi - 10 * math.log10(receiver.noise_temperature_k)
    on_axis_dbi = antenna_gain_dbi(freq_hz, receiver.diameter_m, receiver.efficiency, 0.0)
    return receiver.figure_of_merit_db_per_k - (on_axis_dbi - off_axis_dbi)


def _carrier_to_interference_db(
    carrier: Carrier,
    eirp_peak_dbw: float,
    transponder: Transponder,
    same_transponder: Iterable[tuple[Carrier, EarthStation]],
) -> float | None:
    interference = 0.0
    if transponder.carrier_to_interference_db is not None:
        interference += 10 ** (-transponder.carrier_to_interference_db / 10)
    if transponder.carrier_to_intermodulation_db is not None:
        # even over the band, so a carrier that is less dense than the whole has more of it
        full_dbw = transponder.eirp_saturation_dbw - transponder.output_backoff_db
        denser_db = eirp_peak_dbw - full_dbw + 10 * math.log10(transponder.bandwidth_hz / carrier.occupied_bandwidth_hz)
        interference += 10 ** (-(transponder.carrier_to_intermodulation_db + denser_db) / 10)
    for other, sender in same_transponder:
        mine_hz, theirs_hz = carrier.occupied_bandwidth_hz, other.occupied_bandwidth_hz
        apart_hz = abs(carrier.uplink_center_hz - other.uplink_center_hz)
        overlap_hz = min((mine_hz + theirs_hz) / 2 - apart_hz, mine_hz, theirs_hz)
        if overlap_hz > 1:
            stronger_db = _downlink_eirp_dbw(other, sender, transponder) - eirp_peak_dbw
            interference += overlap_hz / theirs_hz * 10 ** (stronger_db / 10)
    return -10 * math.log10(interference) if interference else None
