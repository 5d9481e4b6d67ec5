"""A link that was budgeted right measures as planned: pointing, beams and intermodulation of plan and sky agree.

The two share no code. What is compared is the mean over many installations, and that no good one fails its test.
"""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from satcom.app.simulated_hub import fleet_of
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import Measurement
from satcom.resource.payload import Transponder
from satcom.service.activation import CarrierSlot, LinkSlots, SiteTerminal, activate, hub_ids, link_configuration
from satcom.service.qualification import qualify
from satcom.service.service_test import judge
from satcom.service.solution import LinkSolution
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand
from tests.simulators.hub_nms_process import hub_nms_process

SITE = SiteTerminal("SN-0", -10.7148, 25.3855, 1430.0)
INSTALLATIONS = 200
Found = tuple[dict[str, object], list[tuple[LinkSolution, LinkSlots]]]


@pytest.fixture
def found(database: Database) -> Found:
    """The fleet, and for each band the first and the last solution with slots in the middle of their transponders."""
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        ways = []
        for band in ("C", "Ku"):
            answer = qualify(session, the_demand(bands=(band,)))
            solutions = [one for one in answer.solutions if isinstance(one, LinkSolution)]
            for one in (solutions[0], solutions[-1]):
                transponder = session.get_one(Transponder, one.forward.transponder_id)
                middle = transponder.uplink_center_hz, transponder.downlink_center_hz
                beside = one.forward.transponder_id == one.return_link.transponder_id
                if not beside:
                    transponder = session.get_one(Transponder, one.return_link.transponder_id)
                apart_hz = 8_000_000 if beside else 0
                back = transponder.uplink_center_hz + apart_hz, transponder.downlink_center_hz + apart_hz
                forward = CarrierSlot(one.forward.transponder_id, *middle)
                ways.append((one, LinkSlots(forward, CarrierSlot(transponder.id, *back))))
        return json.loads(json.dumps(fleet_of(session))), ways


def deviations_db(solution: LinkSolution, measured: Measurement) -> tuple[float, float]:
    forward_db, back = measured.forward.es_over_n0_db, measured.return_link
    assert forward_db is not None
    assert back is not None
    assert back.es_over_n0_db is not None
    return (
        forward_db - solution.forward.clear_sky_es_n0_db,
        back.es_over_n0_db - solution.return_link.clear_sky_es_n0_db,
    )


def test_what_is_measured_scatters_about_the_plan_and_only_a_turned_antenna_fails(found: Found, tmp_path: Path) -> None:
    fleet, ways = found
    with hub_nms_process(tmp_path, fleet) as process, HubNmsDriver(process.url, process.token) as hub:
        for number, (solution, slots) in enumerate(ways):
            service = f"S{number}"
            wanted = link_configuration(solution, slots, number + 1, SITE, service)
            activate(hub, wanted, f"{service}:activate")
            [terminal] = wanted.terminals
            assert terminal.elevation_deg is not None
            read = []
            for one in range(INSTALLATIONS // len(ways)):
                installed = replace(terminal, serial_number=f"SN-{number}-{one}")
                hub.configure_terminal(installed, f"{service}:{one}")
                measured = hub.measure(hub_ids(service).terminal, f"{service}:{one}:test")
                assert judge(solution, measured) == [], installed.serial_number
                read.append(deviations_db(solution, measured))
            for direction in zip(*read, strict=True):
                assert abs(statistics.mean(direction)) < 0.2
                assert statistics.stdev(direction) > 0.05
            hub.configure_terminal(replace(terminal, elevation_deg=terminal.elevation_deg - 1.5), f"{service}:turned")
            assert any(one.fails for one in judge(solution, hub.measure(hub_ids(service).terminal, f"{service}:test")))
