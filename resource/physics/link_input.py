"""What an engineer gives for a link: satellite, stations and carriers, each number with its range and its default.

The same names stand in the file that `satcom link-budget` reads. What follows from them is `link_design`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from satcom.resource.physics.operating_point import Amplifier


class ImpossibleLink(ValueError):
    """A link that cannot be, with the field that makes it so."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class Given(BaseModel):
    """Numbers of an engineer: none infinite, no name that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True)


class Neighbour(Given):
    """A satellite beside ours; `excess_db` is how much denser than ours its carriers are, up and down."""

    longitude_deg: float = Field(ge=-180, le=360)
    excess_db: float = Field(default=0.0, ge=-60, le=60)


class DownlinkBeam(Given):
    """The beam that the carrier comes down in: where its peak lies and how wide it is between its -3 dB points.

    Round as the satellite sees it, or with `minor_width_deg` an ellipse, its longer axis turned by `rotation_deg` from
    East towards North.
    """

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=360)
    width_deg: float = Field(gt=0, le=18)
    minor_width_deg: float | None = Field(default=None, gt=0, le=18)
    rotation_deg: float = Field(default=0.0, ge=-180, le=180)


class SatelliteInput(Given):
    """A geostationary satellite with one transparent transponder, as it is at the peak of its beams."""

    longitude_deg: float = Field(ge=-180, le=360)
    uplink_ghz: float = Field(ge=1, le=55)
    downlink_ghz: float = Field(ge=1, le=55)
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
    element_age_days: float | None = Field(default=None, ge=0, le=365)


class StationInput(Given):
    """A station: where it stands, its dish, what it sends with and how noisy it hears.

    `downlink_beam` is the one that it receives; with it the flux density on the ground is told for the whole beam.
    """

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=360)
    altitude_m: float | None = Field(default=None, ge=-500, le=9000)
    diameter_m: float = Field(gt=0, le=40)
    efficiency: float = Field(default=0.65, gt=0, le=1)
    amplifier_w: float = Field(gt=0, le=20_000)
    amplifier_backoff_db: float = Field(default=1.0, ge=0, le=30)
    feed_loss_db: float = Field(default=0.3, ge=0, le=30)
    pointing_loss_db: float = Field(default=0.3, ge=0, le=30)
    pointing_rms_deg: float = Field(default=0.0, ge=0, le=5)
    uplink_power_control_db: float = Field(default=0.0, ge=0, le=40)
    noise_figure_db: float = Field(default=0.8, ge=0, le=30)
    ground_temperature_k: float = Field(default=25.0, ge=0, le=300)
    uplink_beam_db: float = Field(default=0.0, ge=-30, le=0)
    downlink_beam_db: float = Field(default=0.0, ge=-30, le=0)
    downlink_beam: DownlinkBeam | None = None


class CoChannelBeam(Given):
    """A beam on the same frequency and polarization, its carriers as dense as ours.

    Levels are relative to the peak of the wanted beam: as that beam hears the other's stations, and as the other beam
    reaches the station that receives; left out where it does not disturb. `activity` is the share of the time or of the
    band that is in use.
    """

    uplink_level_db: float | None = Field(default=None, ge=-100, le=30)
    downlink_level_db: float | None = Field(default=None, ge=-100, le=30)
    activity: float = Field(default=1.0, gt=0, le=1)


class AdjacentCarrier(Given):
    """A carrier beside ours on the transponder: how far from centre to centre, how wide, how much denser than ours."""

    spacing_mhz: float = Field(gt=0, le=5000)
    symbol_rate_mbaud: float = Field(gt=0, le=5000)
    rolloff: float = Field(default=0.2, gt=0, le=1)
    excess_db: float = Field(default=0.0, ge=-60, le=60)


class Modulation(Given):
    """How a carrier is modulated and framed, what its modem loses, and how much margin it shall keep."""

    waveform: Literal["dvb-s2x", "dvb-s2", "dvb-s2-short", "dvb-rcs2", "dvb-rcs2-short"] = "dvb-s2x"
    modcod: str | None = None
    pilots: bool = True
    rolloff: float = Field(default=0.2, ge=0, le=1)
    implementation_margin_db: float = Field(default=0.8, ge=0, le=20)
    required_margin_db: float = Field(default=0.5, ge=0, le=20)


class CarrierInput(Modulation):
    """What is asked of one direction, and what stands beside it on the satellite."""

    rate_mbps: float = Field(gt=0, le=10_000)
    availability_percent: float = Field(default=99.5, ge=50, le=99.998)
    co_channel_beams: tuple[CoChannelBeam, ...] = ()
    adjacent_carriers: tuple[AdjacentCarrier, ...] = ()


class CoordinationInput(Given):
    """What the operator's coordination agreements allow, as EIRP densities; left out where they say nothing."""

    uplink_eirp_density_dbw_per_hz: float | None = Field(default=None, ge=-200, le=100)
    downlink_eirp_density_dbw_per_hz: float | None = Field(default=None, ge=-200, le=100)


class LinkInput(Given):
    """Both directions of a link: `forward` from the gateway to the terminal, `return_link` back, where asked."""

    satellite: SatelliteInput
    gateway: StationInput
    terminal: StationInput
    forward: CarrierInput | None = None
    return_link: CarrierInput | None = Field(default=None, alias="return")
    coordination: CoordinationInput = CoordinationInput()
