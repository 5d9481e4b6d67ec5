"""Link design: from what an engineer knows of satellite, stations and carriers to the budgets of both directions.

Everything else follows: look angles, propagation of every site, operating point, side lobes towards neighbours, the
MODCOD of least cost, and the availability with rain on both links. The columns take half of the unavailability as
rain on either link; `joint_availability_percent` is what the carrier then reaches. No server, no clock.

Words: as `link_budget`, `operating_point`, `interference`, `joint_availability`.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.budget_lines import Line
from satcom.resource.physics.carrier_sizing import AskedCarrier, CarrierSizing, Limit, size_carrier
from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.framing import framed_table
from satcom.resource.physics.interference import (
    cross_polar_ci_db,
    rain_cross_polar_ci_db,
    side_lobe_gain_dbi,
    topocentric_separation_deg,
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
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    combine_db,
)
from satcom.resource.physics.modcod import ModcodTable
from satcom.resource.physics.operating_point import (
    Amplifier,
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


class ImpossibleLink(ValueError):
    """A link that cannot be, with the field that makes it so."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True)


class Neighbour(_Given):
    """A satellite beside ours; `excess_db` is how much denser than ours its carriers are, up and down."""

    longitude_deg: float = Field(ge=-180, le=360)
    excess_db: float = Field(default=0.0, ge=-60, le=60)


class SatelliteInput(_Given):
    """A geostationary satellite with one transparent transponder, as it is at the peak of its beams."""

    longitude_deg: float = Field(ge=-180, le=360)
    uplink_ghz: float = Field(gt=0, le=52.5)
    downlink_ghz: float = Field(gt=0, le=52.5)
    bandwidth_mhz: float = Field(gt=0, le=5000)
    eirp_dbw: float = Field(ge=-20, le=100)
    figure_of_merit_db_per_k: float = Field(ge=-60, le=60)
    saturation_flux_density_dbw_per_m2: float = Field(ge=-150, le=-40)
    amplifier: Amplifier = Amplifier.TWTA
    many_carriers: bool = True
    input_backoff_db: float = Field(default=6.0, ge=0, le=30)
    polarization_tilt_deg: float = Field(default=45.0, ge=0, le=180)
    cross_polar_discrimination_db: float = Field(default=30.0, ge=0, le=80)
    neighbours: tuple[Neighbour, ...] = ()


class StationInput(_Given):
    """A station: where it stands, its dish, what it sends with and how noisy it hears."""

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=360)
    altitude_m: float | None = Field(default=None, ge=-500, le=9000)
    diameter_m: float = Field(gt=0, le=40)
    efficiency: float = Field(default=0.65, gt=0, le=1)
    amplifier_w: float = Field(gt=0, le=20_000)
    amplifier_backoff_db: float = Field(default=1.0, ge=0, le=30)
    feed_loss_db: float = Field(default=0.3, ge=0, le=30)
    pointing_loss_db: float = Field(default=0.3, ge=0, le=30)
    uplink_power_control_db: float = Field(default=0.0, ge=0, le=40)
    noise_figure_db: float = Field(default=0.8, ge=0, le=30)
    ground_temperature_k: float = Field(default=25.0, ge=0, le=300)
    uplink_beam_db: float = Field(default=0.0, ge=-30, le=0)
    downlink_beam_db: float = Field(default=0.0, ge=-30, le=0)


class CarrierInput(_Given):
    """What is asked of one direction."""

    rate_mbps: float = Field(gt=0, le=10_000)
    availability_percent: float = Field(default=99.5, ge=50, le=99.998)
    waveform: Literal["dvb-s2x", "dvb-s2", "dvb-s2-short", "dvb-rcs2", "dvb-rcs2-short"] = "dvb-s2x"
    modcod: str | None = None
    pilots: bool = True
    rolloff: float = Field(default=0.2, ge=0, le=1)
    implementation_margin_db: float = Field(default=0.8, ge=0, le=20)
    required_margin_db: float = Field(default=0.5, ge=0, le=20)


class CoordinationInput(_Given):
    """What the operator's coordination agreements allow, as EIRP densities; left out where they say nothing."""

    uplink_eirp_density_dbw_per_hz: float | None = Field(default=None, ge=-200, le=100)
    downlink_eirp_density_dbw_per_hz: float | None = Field(default=None, ge=-200, le=100)


class LinkInput(_Given):
    """Both directions of a link: `forward` from the gateway to the terminal, `return_link` back, where asked."""

    satellite: SatelliteInput
    gateway: StationInput
    terminal: StationInput
    forward: CarrierInput | None = None
    return_link: CarrierInput | None = Field(default=None, alias="return")
    coordination: CoordinationInput = CoordinationInput()


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
    breaches: tuple[Breach, ...]

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
            float(altitude_km(station.latitude_deg, station.longitude_deg))
            if station.altitude_m is None
            else station.altitude_m / 1000
        )
        look = slot_angles(satellite.longitude_deg, station.latitude_deg, station.longitude_deg, 1000 * height_km)
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
        return total_attenuation(
            station.latitude_deg, station.longitude_deg, self.freq_hz, self.elevation_deg, unavailability_percent,
            self.tilt_deg, station.diameter_m, station.efficiency, self.height_km,
        )  # fmt: skip

    def fades(self) -> Fades:
        station = self.station
        return Fades.at(
            station.latitude_deg, station.longitude_deg, self.freq_hz, self.elevation_deg, self.tilt_deg,
            station.diameter_m, station.efficiency, self.height_km,
        )  # fmt: skip

    def path(self, air: TotalAttenuation, beam_db: float) -> Path:
        return Path(
            range_km=self.range_km,
            clear_attenuation_db=air.gas_db,
            faded_attenuation_db=air.total_db,
            beam_gain_db=beam_db,
            gas_attenuation_db=air.gas_db,
            cloud_attenuation_db=air.cloud_db,
            rain_attenuation_db=air.rain_db,
            scintillation_db=air.scintillation_db,
        )

    def gain_dbi(self) -> Array:
        return parabola_gain_dbi(self.station.diameter_m, self.station.efficiency, self.freq_hz)

    def neighbours_ci_db(self, satellite: SatelliteInput) -> float | Array:
        """Through this station's side lobes; the neighbours' stations are taken to be as large as ours."""
        if not satellite.neighbours:
            return np.inf
        station = self.station
        longitudes = np.array([one.longitude_deg for one in satellite.neighbours])
        apart = topocentric_separation_deg(
            station.latitude_deg, station.longitude_deg, satellite.longitude_deg, longitudes
        )
        lobes_dbi = side_lobe_gain_dbi(apart, station.diameter_m, station.efficiency, self.freq_hz)
        excess_db = np.array([one.excess_db for one in satellite.neighbours])
        seen = np.isfinite(apart)
        return combine_db(*(self.gain_dbi() - lobes_dbi - excess_db)[seen]) if seen.any() else np.inf

    def cross_polar_ci_db(self, satellite: SatelliteInput, air: TotalAttenuation, unavailability: float) -> Array:
        """Of antennas, and of rain, which is counted under clear sky too: on the safe side."""
        by_rain = rain_cross_polar_ci_db(
            self.freq_hz, self.elevation_deg, self.tilt_deg, min(unavailability, 1.0), air.rain_db
        )
        return cross_polar_ci_db(satellite.cross_polar_discrimination_db, np.where(np.isnan(by_rain), np.inf, by_rain))


def _direction(
    given: LinkInput, sender: tuple[str, StationInput], receiver: tuple[str, StationInput], of: tuple[str, CarrierInput]
) -> DirectionDesign:
    """Stations and carrier come with the names they were given by."""
    (up_name, up), (down_name, down), (name, asked) = sender, receiver, of
    satellite, half = given.satellite, (100 - asked.availability_percent) / 2
    up_ray = _Ray.of(up_name, up, satellite, satellite.uplink_ghz)
    down_ray = _Ray.of(down_name, down, satellite, satellite.downlink_ghz)
    up_air, down_air = up_ray.air(half), down_ray.air(half)
    _check_known(up_name, up_ray, up_air)
    _check_known(down_name, down_ray, down_air)
    curve = (multi_carrier_curve if satellite.many_carriers else single_carrier_curve)(satellite.amplifier)
    point = operating_point_at(satellite.input_backoff_db, curve)
    link = Link(
        transmit=TransmitStation(
            antenna_gain_dbi=up_ray.gain_dbi(),
            hpa_power_dbw=10 * np.log10(up.amplifier_w),
            hpa_backoff_db=up.amplifier_backoff_db,
            feed_loss_db=up.feed_loss_db,
            pointing_loss_db=up.pointing_loss_db,
            uplink_power_control_db=up.uplink_power_control_db,
        ),
        up=up_ray.path(up_air, up.uplink_beam_db),
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
        down=down_ray.path(down_air, down.downlink_beam_db),
        receive=ReceiveStation(
            ReceiveAntenna.of_dish(
                down.diameter_m, down.efficiency, down_ray.freq_hz, down.noise_figure_db, down.ground_temperature_k,
                down.feed_loss_db,
            ),
            down.pointing_loss_db,
        ),
        interference=Interference(
            uplink_adjacent_satellite_ci_db=up_ray.neighbours_ci_db(satellite),
            uplink_cross_polar_ci_db=up_ray.cross_polar_ci_db(satellite, up_air, half),
            downlink_adjacent_satellite_ci_db=down_ray.neighbours_ci_db(satellite),
            downlink_cross_polar_ci_db=down_ray.cross_polar_ci_db(satellite, down_air, half),
        ),
    )  # fmt: skip
    table = waveform_table(asked, name)
    sized = _sized(link, asked, table)
    return _designed(given, asked, link, point, table, sized, (up_ray, down_ray))


def _check_known(name: str, ray: _Ray, air: TotalAttenuation) -> None:
    if not np.isfinite(air.total_db):
        raise ImpossibleLink(
            f"{name}.latitude_deg", f"propagation is not known there at {ray.freq_hz / 1e9:g} GHz (1 to 52.5 GHz)"
        )


def waveform_table(asked: CarrierInput, name: str = "carrier") -> ModcodTable:
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


def _sized(link: Link, asked: CarrierInput, table: ModcodTable) -> CarrierSizing:
    carrier = AskedCarrier(
        asked.rate_mbps * 1e6, asked.rolloff, asked.implementation_margin_db, asked.required_margin_db
    )
    width_hz = link.transponder.bandwidth_hz
    return size_carrier(link, carrier, table, width_hz, width_hz)


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
    up_fades, down_fades = (ray.fades() for ray in rays)
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
        breaches=_breaches(given.coordination, budget, rays),
    )


def _breaches(agreed: CoordinationInput, budget: BentPipeBudget, rays: tuple[_Ray, _Ray]) -> tuple[Breach, ...]:
    """Held under clear sky, over the symbol rate."""
    up, down = rays
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
    )


def distance_km(first: StationInput, second: StationInput) -> float:
    """Along the great circle between two stations."""
    one, other = (
        np.radians([first.latitude_deg, first.longitude_deg]),
        np.radians([second.latitude_deg, second.longitude_deg]),
    )
    half = np.sin((other - one) / 2) ** 2
    return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half[0] + np.cos(one[0]) * np.cos(other[0]) * half[1])))
