"""Link design: from what an engineer knows of satellite, stations and carriers to the budgets of both directions.

Everything else follows: look angles, propagation of every site, operating point, side lobes towards neighbours, the
MODCOD of least cost, and the availability with rain on both links. The columns take half of the unavailability as
rain on either link; `joint_availability_percent` is what the carrier then reaches. No server, no clock.

Words: as `link_budget`, `operating_point`, `interference`, `joint_availability`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.adjacent_slots import adjacent_satellite_ci_db
from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.beam_footprint import Footprint, footprint
from satcom.resource.physics.budget_lines import Line, as_text
from satcom.resource.physics.carrier_sizing import AskedCarrier, CarrierSizing, Limit, size_carrier
from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.coverage import SpotBeam
from satcom.resource.physics.framing import framed_table
from satcom.resource.physics.interference import (
    adjacent_carrier_ci_db,
    co_channel_ci_db,
    cross_polar_ci_db,
    rain_cross_polar_ci_db,
)
from satcom.resource.physics.joint_availability import (
    Fades,
    ModcodAvailability,
    Room,
    availability_percent,
    modcod_availability,
)
from satcom.resource.physics.link_budget import (
    BentPipeBudget,
    Carrier,
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    combine_db,
)
from satcom.resource.physics.link_input import CarrierInput as CarrierInput
from satcom.resource.physics.link_input import DownlinkBeam, Modulation, SatelliteInput, StationInput
from satcom.resource.physics.link_input import ImpossibleLink as ImpossibleLink
from satcom.resource.physics.link_input import LinkInput as LinkInput
from satcom.resource.physics.modcod import ModcodTable
from satcom.resource.physics.operating_point import (
    OperatingPoint,
    multi_carrier_curve,
    operating_point_at,
    single_carrier_curve,
)
from satcom.resource.physics.orbit import EARTH_RADIUS_KM, slot_angles
from satcom.resource.physics.regulatory_limits import Breach, CoordinationLimits, breaches
from satcom.resource.physics.return_waveform import rcs2_table

Array = NDArray[np.float64]
LOWEST_ELEVATION_DEG = 5.0
RAREST_PERCENT = 0.001  # of the year: where P.618 ends


@dataclass(frozen=True, eq=False)
class DirectionDesign:
    """One direction: its budget, what holds it back (`Limit.NONE` where it closes), and how available it is.

    `breaches` are the regulatory limits that it does not keep; it may close all the same.
    """

    asked: CarrierInput
    limit: Limit
    budget: BentPipeBudget
    operating_point: OperatingPoint
    joint_availability_percent: float
    modcods: ModcodTable
    modcod_availability: ModcodAvailability
    up: StationInput
    down: StationInput
    link: Link
    room: Room
    fades: tuple[Fades, Fades]
    breaches: tuple[Breach, ...]

    def __repr__(self) -> str:
        asked, leased_mhz = self.asked, float(self.budget.leased_bandwidth_hz) / 1e6
        ends = f"{leased_mhz:.3f} MHz" if self.limit is Limit.NONE else f"does not close, {self.limit.name}"
        return f"<{asked.rate_mbps:g} Mbit/s at {asked.availability_percent:g} %, {self.budget.modcod}: {ends}>"

    def __str__(self) -> str:
        """Every line, as text."""
        return as_text([*self.budget.as_table(), *self.extra_lines()])

    @property
    def carrier(self) -> Carrier:
        """What the design ends with, to be put into another link."""
        budget, asked = self.budget, self.asked
        efficiency = budget.bit_rate_bps / budget.symbol_rate_baud
        required = budget.required_es_n0_db, asked.rolloff, asked.required_margin_db
        return Carrier(budget.bit_rate_bps, efficiency, *required, modcod=budget.modcod)

    def extra_lines(self) -> list[Line]:
        """What belongs to the design beside the budget."""
        point = self.operating_point
        return [
            Line("Transponder input back-off", float(point.input_backoff_db), "dB", "given"),
            Line("Transponder output back-off", float(point.output_backoff_db), "dB", "AM/AM curve, operating point"),
            Line("Availability asked", self.asked.availability_percent, "%", "given"),
            Line(
                "Availability, rain on both links", self.joint_availability_percent, "%", "ITU-R P.618 2.2.4.1 and 2.5"
            ),
            Line("Mean rate with ACM", float(self.modcod_availability.mean_bps), "bit/s", "MODCODs by their share"),
        ]


@dataclass(frozen=True, eq=False)
class LinkDesign:
    """Both directions, as far as asked."""

    forward: DirectionDesign | None
    return_link: DirectionDesign | None


def design_link(given: LinkInput) -> LinkDesign:
    """Work out what was asked.

    Raises `ImpossibleLink` where a station does not see the satellite, or the waveform has no such MODCOD.
    """
    if given.forward is None and given.return_link is None:
        raise ImpossibleLink("forward", "ask for forward, for return, or for both")
    gateway, terminal = ("gateway", given.gateway), ("terminal", given.terminal)
    return LinkDesign(
        forward=None if given.forward is None else _direction(given, gateway, terminal, ("forward", given.forward)),
        return_link=(
            None if given.return_link is None else _direction(given, terminal, gateway, ("return", given.return_link))
        ),
    )


@dataclass(frozen=True, eq=False)
class _Ray:
    """One station with its satellite at one frequency."""

    station: StationInput
    freq_hz: float
    tilt_deg: float
    elevation_deg: float
    range_km: float
    height_km: float

    @classmethod
    def of(cls, name: str, station: StationInput, satellite: SatelliteInput, ghz: float) -> "_Ray":
        height_km = (
            float(altitude_km.or_nan(station.latitude_deg, station.longitude_deg))
            if station.altitude_m is None
            else station.altitude_m / 1000
        )
        look = slot_angles.or_nan(
            satellite.longitude_deg, station.latitude_deg, station.longitude_deg, 1000 * height_km
        )
        elevation_deg, range_km = float(np.ravel(look.elevation_deg)[0]), float(np.ravel(look.range_km)[0])
        if elevation_deg < LOWEST_ELEVATION_DEG:
            raise ImpossibleLink(
                f"{name}.latitude_deg, {name}.longitude_deg",
                f"the satellite at {satellite.longitude_deg:g} deg stands {elevation_deg:.1f} deg over the horizon;"
                f" {LOWEST_ELEVATION_DEG:g} deg are needed",
            )
        return cls(station, ghz * 1e9, satellite.polarization_tilt_deg, elevation_deg, range_km, height_km)

    def air(self, unavailability_percent: float) -> TotalAttenuation:
        station = self.station
        return total_attenuation.or_nan(
            station.latitude_deg, station.longitude_deg, self.freq_hz, self.elevation_deg, unavailability_percent,
            self.tilt_deg, station.diameter_m, station.efficiency, self.height_km,
        )  # fmt: skip

    def fades(self) -> Fades:
        station = self.station
        return Fades.at(
            station.latitude_deg, station.longitude_deg, self.freq_hz, self.elevation_deg, self.tilt_deg,
            station.diameter_m, station.efficiency, self.height_km,
        )  # fmt: skip

    def gain_dbi(self) -> Array:
        return parabola_gain_dbi.or_nan(self.station.diameter_m, self.station.efficiency, self.freq_hz)

    def neighbours_ci_db(self, satellite: SatelliteInput) -> float | Array:
        """Through this station's side lobes; the neighbours' stations are taken to be as large as ours."""
        if not satellite.neighbours:
            return np.inf
        station = self.station
        each_db = adjacent_satellite_ci_db.or_nan(
            satellite.longitude_deg,
            np.array([one.longitude_deg for one in satellite.neighbours]),
            station.latitude_deg,
            station.longitude_deg,
            station.diameter_m,
            station.efficiency,
            self.freq_hz,
            np.array([one.excess_db for one in satellite.neighbours]),
        )
        return combine_db(*each_db)

    def cross_polar_ci_db(self, satellite: SatelliteInput, air: TotalAttenuation, unavailability: float) -> Array:
        """Of antennas, and of rain, which is counted under clear sky too: on the safe side."""
        by_rain = rain_cross_polar_ci_db.or_nan(
            self.freq_hz, self.elevation_deg, self.tilt_deg, min(unavailability, 1.0), air.rain_db
        )
        return cross_polar_ci_db(satellite.cross_polar_discrimination_db, np.where(np.isnan(by_rain), np.inf, by_rain))


def _direction(
    given: LinkInput, sender: tuple[str, StationInput], receiver: tuple[str, StationInput], of: tuple[str, CarrierInput]
) -> DirectionDesign:
    """Stations and carrier come with the names they were given by."""
    (up_name, up), (down_name, down), (name, asked) = sender, receiver, of
    satellite, half = given.satellite, _half_percent(asked)
    up_ray = _Ray.of(up_name, up, satellite, satellite.uplink_ghz)
    down_ray = _Ray.of(down_name, down, satellite, satellite.downlink_ghz)
    up_air, down_air = up_ray.air(half), down_ray.air(half)
    _check_known(up_name, up_ray, up_air)
    _check_known(down_name, down_ray, down_air)
    curve = (multi_carrier_curve if satellite.many_carriers else single_carrier_curve)(satellite.amplifier)
    point = operating_point_at.or_nan(satellite.input_backoff_db, curve)
    link = Link(
        transmit=TransmitStation(
            antenna_gain_dbi=up_ray.gain_dbi(),
            hpa_power_dbw=10 * np.log10(up.amplifier_w),
            hpa_backoff_db=up.amplifier_backoff_db,
            feed_loss_db=up.feed_loss_db,
            pointing_loss_db=up.pointing_loss_db,
            uplink_power_control_db=up.uplink_power_control_db,
        ),
        up=Path.through(up_air, up_ray.range_km, up.uplink_beam_db),
        transponder=point.of(
            Transponder(
                up_freq_hz=up_ray.freq_hz,
                down_freq_hz=down_ray.freq_hz,
                bandwidth_hz=satellite.bandwidth_mhz * 1e6,
                saturation_eirp_dbw=satellite.eirp_dbw,
                figure_of_merit_db_per_k=satellite.figure_of_merit_db_per_k,
                saturation_flux_density_dbw_per_m2=satellite.saturation_flux_density_dbw_per_m2,
            )
        ),
        down=Path.through(down_air, down_ray.range_km, down.downlink_beam_db),
        receive=ReceiveStation(
            ReceiveAntenna.of_dish(
                down.diameter_m, down.efficiency, down_ray.freq_hz, down.noise_figure_db, down.ground_temperature_k,
                down.feed_loss_db,
            ),
            down.pointing_loss_db,
        ),
        interference=_interference(satellite, asked, (up_ray, down_ray), (up_air, down_air)),
    )  # fmt: skip
    table = waveform_table(asked, name)
    link, sized = _sized(link, asked, table, name)
    return _designed(given, asked, link, point, table, sized, (up_ray, down_ray))


def _interference(
    satellite: SatelliteInput,
    asked: CarrierInput,
    rays: tuple[_Ray, _Ray],
    airs: tuple[TotalAttenuation, TotalAttenuation],
) -> Interference:
    """All but the carriers beside ours, which follow from its symbol rate (`_sized`)."""
    (up, down), (up_air, down_air), half = rays, airs, _half_percent(asked)
    beams = asked.co_channel_beams
    # a station makes good by power where it lies in its beam: on the up link wanted carriers arrive as from the peak
    heard = [(one.uplink_level_db, one.activity) for one in beams if one.uplink_level_db is not None]
    reaching = [(one.downlink_level_db, one.activity) for one in beams if one.downlink_level_db is not None]
    return Interference(
        uplink_adjacent_satellite_ci_db=up.neighbours_ci_db(satellite),
        uplink_cross_polar_ci_db=up.cross_polar_ci_db(satellite, up_air, half),
        downlink_adjacent_satellite_ci_db=down.neighbours_ci_db(satellite),
        downlink_cross_polar_ci_db=down.cross_polar_ci_db(satellite, down_air, half),
        uplink_co_channel_ci_db=_beams_ci_db(0.0, heard),
        downlink_co_channel_ci_db=_beams_ci_db(down.station.downlink_beam_db, reaching),
    )


def _beams_ci_db(wanted_db: float, others: list[tuple[float, float]]) -> Array:
    """Level and activity of each beam against the level of the wanted one."""
    level_db, activity = np.array(others).reshape(-1, 2).T
    return co_channel_ci_db.or_nan(wanted_db, level_db, activity)


def _half_percent(asked: CarrierInput) -> float:
    """Half of the unavailability, rain on either link; of 99.998 % it is 0.001, of which rounding must take nothing."""
    return max((100 - asked.availability_percent) / 2, RAREST_PERCENT)


def _check_known(name: str, ray: _Ray, air: TotalAttenuation) -> None:
    if not np.isfinite(air.total_db):
        raise ImpossibleLink(
            f"{name}.latitude_deg", f"propagation is not known there at {ray.freq_hz / 1e9:g} GHz (1 to 55 GHz)"
        )


def waveform_table(asked: Modulation, name: str = "carrier") -> ModcodTable:
    """The MODCODs that may be used. Raises `ImpossibleLink` for one that the waveform has not."""
    if asked.waveform.startswith("dvb-rcs2"):
        table = rcs2_table(536 if asked.waveform.endswith("short") else 1616)
    else:
        table = framed_table(asked.waveform == "dvb-s2-short", asked.pilots)
        table = table if asked.waveform == "dvb-s2x" else table.of_standard("DVB-S2")
    if asked.modcod is None:
        return table
    rows = np.flatnonzero(table.name == asked.modcod)
    if not rows.size:
        raise ImpossibleLink(f"{name}.modcod", f"{asked.waveform} has no {asked.modcod!r}: {', '.join(table.name)}")
    return table.rows(rows)


def _sized(link: Link, asked: CarrierInput, table: ModcodTable, name: str) -> tuple[Link, CarrierSizing]:
    """The cheapest carrier, and the link with what the carriers beside it do to one of its width.

    They disturb a wider carrier more, and one that is disturbed may need to be wider: sized again until nothing
    changes. What was the worst on the way stays, which is on the safe side and ends after as many turns as MODCODs.
    """
    carrier = AskedCarrier(
        asked.rate_mbps * 1e6, asked.rolloff, asked.implementation_margin_db, asked.required_margin_db
    )
    width_hz, worst_db = link.transponder.bandwidth_hz, np.inf
    if asked.adjacent_carriers and asked.rolloff == 0:
        raise ImpossibleLink(f"{name}.rolloff", "adjacent carriers need a roll-off above 0")
    while True:
        sized = size_carrier(link, carrier, table, width_hz, width_hz)
        beside_db = float(_adjacent_carriers_ci_db(asked, sized.budget.symbol_rate_baud))
        if not beside_db < worst_db:
            return link, sized
        worst_db = beside_db
        link = replace(link, interference=replace(link.interference, uplink_adjacent_carrier_ci_db=worst_db))


def _adjacent_carriers_ci_db(asked: CarrierInput, symbol_rate_baud: Array) -> Array:
    return combine_db(
        *(
            adjacent_carrier_ci_db.or_nan(
                symbol_rate_baud,
                asked.rolloff,
                one.symbol_rate_mbaud * 1e6,
                one.rolloff,
                one.spacing_mhz * 1e6,
                one.excess_db,
            )
            for one in asked.adjacent_carriers
        )
    )


def _designed(
    given: LinkInput,
    asked: CarrierInput,
    link: Link,
    point: OperatingPoint,
    table: ModcodTable,
    sized: CarrierSizing,
    rays: tuple[_Ray, _Ray],
) -> DirectionDesign:
    budget = sized.budget
    room = Room.of(link, asked.rolloff, budget.symbol_rate_baud, budget.power_share)
    up_fades, down_fades = rays[0].fades(), rays[1].fades()
    apart_km = distance_km(given.gateway, given.terminal)
    every = waveform_table(asked.model_copy(update={"modcod": None}))
    return DirectionDesign(
        asked=asked,
        limit=Limit(int(sized.limit)),
        budget=replace(budget, modcod=np.asarray(table.name[sized.modcod])),
        operating_point=point,
        joint_availability_percent=float(
            availability_percent(room, budget.required_es_n0_db, up_fades, down_fades, apart_km)
        ),
        modcods=every,
        modcod_availability=modcod_availability(
            room, every, asked.implementation_margin_db, budget.symbol_rate_baud, up_fades, down_fades, apart_km
        ),
        up=rays[0].station,
        down=rays[1].station,
        link=link,
        room=room,
        fades=(up_fades, down_fades),
        breaches=_breaches(given, budget, rays),
    )


def _breaches(given: LinkInput, budget: BentPipeBudget, rays: tuple[_Ray, _Ray]) -> tuple[Breach, ...]:
    """Held under clear sky, over the symbol rate."""
    (up, down), agreed = rays, given.coordination
    beam = down.station.downlink_beam
    width_db = 10 * np.log10(float(budget.symbol_rate_baud))
    uplink, downlink = float(budget.uplink_eirp_dbw) - width_db, float(budget.satellite_eirp_dbw) - width_db
    limits = agreed.uplink_eirp_density_dbw_per_hz, agreed.downlink_eirp_density_dbw_per_hz
    return breaches(
        uplink_power_density_dbw_per_hz=uplink - float(up.gain_dbi()),
        uplink_eirp_density_dbw_per_hz=uplink,
        diameter_m=up.station.diameter_m,
        efficiency=up.station.efficiency,
        uplink_freq_hz=up.freq_hz,
        downlink_eirp_density_dbw_per_hz=downlink,
        downlink_range_km=down.range_km,
        arrival_deg=down.elevation_deg,
        downlink_freq_hz=down.freq_hz,
        agreed=CoordinationLimits(*(np.inf if one is None else one for one in limits)),
        lit=None if beam is None else _lit(given.satellite, beam),
        below_peak_db=-down.station.downlink_beam_db,
    )


def _lit(satellite: SatelliteInput, beam: DownlinkBeam) -> Footprint:
    shape = SpotBeam(
        boresight_latitude_deg=beam.latitude_deg,
        boresight_longitude_deg=beam.longitude_deg,
        half_power_beamwidth_deg=beam.width_deg,
        satellite_longitude_deg=satellite.longitude_deg,
        minor_beamwidth_deg=beam.minor_width_deg,
        rotation_deg=beam.rotation_deg,
    )
    return footprint(shape, satellite.longitude_deg)


def distance_km(first: StationInput, second: StationInput) -> float:
    """Along the great circle between two stations."""
    one, other = (
        np.radians([first.latitude_deg, first.longitude_deg]),
        np.radians([second.latitude_deg, second.longitude_deg]),
    )
    half = np.sin((other - one) / 2) ** 2
    return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half[0] + np.cos(one[0]) * np.cos(other[0]) * half[1])))
