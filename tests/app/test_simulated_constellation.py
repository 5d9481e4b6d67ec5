"""A service over passing satellites measures as planned: satellite, range and signal of plan and sky agree.

The two share no code but SGP4. What the product planned for a day is configured at every gateway, and the simulator's
clock is set to instants of that day.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from satcom.app.loading.load import load
from satcom.app.simulated_hub import fleet_of
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.values import instant_text
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import (
    CarrierConfiguration,
    CarrierMeasurement,
    CarrierPair,
    HubConfiguration,
    Measurement,
    RatePlan,
    TerminalConfiguration,
)
from satcom.resource.physics.orbit import look_angles
from satcom.service.activation import activate, letter, payload_id
from satcom.service.constellation_qualification import constellation_inputs
from satcom.service.constellation_solution import ConstellationSolution, PassingCarrier, PathLeg, PathPlan
from satcom.service.demand import ConstellationDemand
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import PassingInputs
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

OPERATOR = Path(__file__).parents[2] / "examples" / "meo_operator"
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
LATITUDE_DEG, LONGITUDE_DEG = -10.71, 25.39  # Kolwezi
LIGHT_KM_PER_S = 299_792.458
MODEM_DELAY_S = 0.012  # of the simulator's modems, one way
READING_ERROR_DB = 0.1  # of its modems, standard deviation
PLAN_STEP = timedelta(seconds=15)  # how often the rule chooses
DEMAND = ConstellationDemand(
    downlink_rate_bps=10_000_000,
    uplink_rate_bps=4_000_000,
    availability_percent=99.5,
    latitude_deg=LATITUDE_DEG,
    longitude_deg=LONGITUDE_DEG,
    start_at=START,
)
RATES = RatePlan("S-plan", "S-terminal", 10_000_000, 10_000_000, 4_000_000, 4_000_000)


@dataclass(frozen=True)
class Planned:
    """The plan of a day over the constellation, and the world that the simulator is told."""

    inputs: PassingInputs
    path: PathPlan
    solution: ConstellationSolution
    fleet: dict[str, object]

    def latency_s(self, satellite_id: str, hub_id: str, at: datetime) -> float:
        """There and back over this satellite and gateway, by the product's ranges."""
        facts = self.inputs.constellation
        [elements] = [one.elements for one in facts.satellites if one.id == satellite_id]
        [gateway] = [one for one in facts.gateways if one.hub_id == hub_id]
        ranges_km = look_angles(
            [elements],
            np.array([LATITUDE_DEG, gateway.latitude_deg]),
            np.array([LONGITUDE_DEG, gateway.longitude_deg]),
            np.array([self.inputs.height_m, gateway.altitude_m]),
            at,
        ).range_km
        return 2 * (float(ranges_km.sum()) / LIGHT_KM_PER_S + MODEM_DELAY_S)


@pytest.fixture
def planned(database: Database) -> Planned:
    with clock.at(START):
        load(database, OPERATOR, dry_run=False, by="ada at the command line")
        with database.as_worker() as session:
            inputs = constellation_inputs(session, "O3b mPOWER", DEMAND)
            answer = decide_constellation(inputs, DEMAND)
            assert answer.path is not None
            fleet = json.loads(json.dumps(fleet_of(session)))
            return Planned(inputs, answer.path, answer.solutions[0], fleet)


def carriers_of(one: Planned) -> Iterator[CarrierConfiguration]:
    """Both directions at every gateway."""
    facts = one.inputs.constellation
    for gateway in facts.gateways:
        for plan, payload in ((one.solution.forward, facts.forward), (one.solution.return_link, facts.return_link)):
            yield CarrierConfiguration(
                carrier_id=f"S-{gateway.hub_id}-{plan.direction}",
                hub_id=gateway.hub_id,
                port=1,
                satellite_id=facts.id,
                transponder_id=payload_id(facts.id, plan.direction),
                uplink_center_hz=payload.uplink_center_hz,
                downlink_center_hz=payload.downlink_center_hz,
                symbol_rate_baud=plan.symbol_rate_baud,
                roll_off=plan.roll_off,
                modcod=plan.modcod,
                uplink_polarisation=letter(plan.uplink_polarisation),
                downlink_polarisation=letter(plan.downlink_polarisation),
                transmit_power_dbw=plan.most_transmit_power_dbw,
                direction=plan.direction,
                power_share=plan.power_equivalent_bandwidth_hz / payload.bandwidth_hz,
            )


def terminal_of(one: Planned) -> TerminalConfiguration:
    pairs = [
        CarrierPair(f"S-{gateway.hub_id}-forward", f"S-{gateway.hub_id}-return")
        for gateway in one.inputs.constellation.gateways
    ]
    return TerminalConfiguration(
        terminal_id="S-terminal",
        serial_number="SN-1",
        terminal_type=one.solution.terminal_type_name,
        antenna_diameter_m=one.solution.antenna_diameter_m,
        latitude_deg=LATITUDE_DEG,
        longitude_deg=LONGITUDE_DEG,
        altitude_m=one.inputs.height_m,
        azimuth_deg=None,
        elevation_deg=None,
        carrier_id=pairs[0].carrier_id,
        return_carrier_id=pairs[0].return_carrier_id,
        handover_carriers=tuple(pairs[1:]),
    )


def instants_of(path: PathPlan) -> Iterator[tuple[PathLeg, datetime]]:
    """Soon after the begin of each leg, half way, and before its end, but no closer than the plan's step."""
    for leg in path.legs:
        for share in (0.02, 0.5, 0.98):
            at = leg.start_at + share * (leg.stop_at - leg.start_at)
            if min(at - leg.start_at, leg.stop_at - at) > PLAN_STEP:
                yield leg, at


def set_instant(process: HubNmsProcess, at: datetime) -> None:
    with process.client() as client:
        client.put("/v1/sky/instant", json={"at": instant_text(at)}).raise_for_status()


def within_plan(read: CarrierMeasurement, plan: PassingCarrier, by_db: float) -> bool:
    """Whether the reading lies in what the plan has under clear sky over all passes."""
    assert read.locked
    assert read.es_over_n0_db is not None
    over_db, margin = read.es_over_n0_db - plan.required_es_n0_db, plan.clear_sky_margin
    return margin.worst_db - by_db <= over_db <= margin.best_db + by_db


def read_both_ways(planned: Planned, measured: Measurement) -> list[tuple[CarrierMeasurement, PassingCarrier]]:
    assert measured.return_link is not None
    return [(measured.forward, planned.solution.forward), (measured.return_link, planned.solution.return_link)]


def test_satellite_distance_and_signal_are_as_planned_at_every_leg(planned: Planned, tmp_path: Path) -> None:
    hubs, satellites, too_strong_db = set(), set(), []
    with hub_nms_process(tmp_path, planned.fleet) as process, HubNmsDriver(process.url, process.token) as hub:
        wanted = HubConfiguration(tuple(carriers_of(planned)), (terminal_of(planned),), (RATES,))
        activate(hub, wanted, "S:activate")
        assert hub.drift(wanted) == []
        for number, (leg, at) in enumerate(instants_of(planned.path)):
            set_instant(process, at)
            measured = hub.measure("S-terminal", f"S:test:{number}")
            assert measured.satellite_id == leg.satellite_id, at
            assert measured.hub_id is not None
            due_s = planned.latency_s(leg.satellite_id, measured.hub_id, at)
            assert measured.round_trip_latency_s == pytest.approx(due_s, abs=1e-5)
            for read, plan in read_both_ways(planned, measured):
                assert within_plan(read, plan, by_db=5 * READING_ERROR_DB), (at, read)
                assert read.carrier_id == f"S-{measured.hub_id}-{plan.direction}"
                assert read.throughput_bps == plan.bit_rate_bps
                assert read.es_over_n0_db is not None
                too_strong_db.append(read.es_over_n0_db - plan.required_es_n0_db - plan.clear_sky_margin.median_db)
            hubs.add(measured.hub_id)
            satellites.add(leg.satellite_id)
    assert abs(mean(too_strong_db)) < 0.1
    assert len(hubs) > 1
    assert len(satellites) > 5


def test_a_carrier_with_power_but_without_a_share_is_not_as_planned(planned: Planned, tmp_path: Path) -> None:
    """The share is what holds the signal still: else a satellite that is near is reached too strongly."""
    with hub_nms_process(tmp_path, planned.fleet) as process, HubNmsDriver(process.url, process.token) as hub:
        fixed = [replace(one, power_share=None) for one in carriers_of(planned)]
        told = HubConfiguration(tuple(fixed), (terminal_of(planned),), (RATES,))
        activate(hub, told, "S:activate")
        as_planned = []
        for number, (_, at) in enumerate(islice(instants_of(planned.path), 6)):
            set_instant(process, at)
            [_, (read, plan)] = read_both_ways(planned, hub.measure("S-terminal", f"S:test:{number}"))
            as_planned.append(within_plan(read, plan, by_db=5 * READING_ERROR_DB))
        assert not all(as_planned)
        wanted = HubConfiguration(tuple(carriers_of(planned)), (replace(terminal_of(planned), handover_carriers=()),))
        differences = hub.drift(wanted)
        assert {(one.kind, one.field) for one in differences} == {
            ("carrier", "power_share"),
            ("terminal", "handover_carriers"),
        }
        [pairs] = [one for one in differences if one.kind == "terminal"]
        assert pairs.desired == ""
        assert str(pairs.actual).count(" and ") == len(planned.inputs.constellation.gateways) - 1
