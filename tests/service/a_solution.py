"""A solution over the illustrative fleet of the hub simulator's tests, and what the line-up of it may read."""

from dataclasses import replace

from satcom.resource.drivers.port import CarrierMeasurement, Measurement
from satcom.service.demand import Direction
from satcom.service.solution import LinkSolution
from satcom.service.way import CarrierPlan


def a_carrier_plan(direction: Direction, transponder_id: str = "TP1") -> CarrierPlan:
    forward = direction == "forward"
    return CarrierPlan(
        direction=direction,
        transponder_id=transponder_id,
        transponder_name="TP1",
        uplink_polarisation="horizontal",
        downlink_polarisation="vertical",
        bit_rate_bps=2_000_000 if forward else 400_000,
        modcod="QPSK 3/4",
        symbol_rate_baud=2_000_000 if forward else 500_000,
        roll_off=0.2,
        occupied_bandwidth_hz=2_400_000 if forward else 600_000,
        power_equivalent_bandwidth_hz=1_500_000 if forward else 300_000,
        transmit_power_dbw=-6.0 if forward else 0.0,
        required_es_n0_db=4.03,
        clear_sky_es_n0_db=12.0 if forward else 11.0,
        margin_db=2.0,
    )


def a_solution(
    satellite_id: str = "SAT-33E", hub_id: str = "HUB-NAIROBI", station_id: str = "ES", transponder_id: str = "TP1"
) -> LinkSolution:
    return LinkSolution(
        satellite_id=satellite_id,
        satellite_name="Sat 33E",
        band="Ku",
        earth_station_id=station_id,
        earth_station_name="Nairobi",
        antenna_id="A1",
        hub_id=hub_id,
        hub_name="Nairobi 1",
        terminal_type_id="T",
        terminal_type_name="VSAT 1.2 m",
        antenna_diameter_m=1.2,
        azimuth_deg=35.33,
        elevation_deg=74.78,
        element_age_days=1.0,
        licence_reference="L-1",
        forward=a_carrier_plan("forward", transponder_id),
        return_link=a_carrier_plan("return", transponder_id),
        availability_percent=99.7,
        margin_db=2.0,
        charged_bandwidth_hz=3_000_000,
        illustrative=True,
    )


def as_planned(solution: LinkSolution) -> Measurement:
    """A line-up that reads exactly what the solution promises."""
    return Measurement("T1", _read(solution.forward), _read(solution.return_link), 0.53)


def weaker(measured: Measurement, direction: Direction, by_db: float) -> Measurement:
    """The same with one direction weaker by `by_db`; negative: stronger."""
    if direction == "forward":
        return replace(measured, forward=_weaker(measured.forward, by_db))
    assert measured.return_link is not None
    return replace(measured, return_link=_weaker(measured.return_link, by_db))


def _read(plan: CarrierPlan) -> CarrierMeasurement:
    ratio_db = plan.clear_sky_es_n0_db
    return CarrierMeasurement(
        plan.direction, True, ratio_db + 60.0, ratio_db, ratio_db, plan.required_es_n0_db, plan.bit_rate_bps
    )


def _weaker(read: CarrierMeasurement, by_db: float) -> CarrierMeasurement:
    assert read.es_over_n0_db is not None
    return replace(read, es_over_n0_db=read.es_over_n0_db - by_db, carrier_to_noise_db=read.es_over_n0_db - by_db)
