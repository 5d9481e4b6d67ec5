"""Activation against the real simulator in its own process: what was reserved is what the hub holds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from satcom.core.entity import checked, new_id
from satcom.core.errors import Refused
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import DriverRefused, HubConfiguration
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.activation import (
    CarrierSlot,
    LinkSlots,
    SiteTerminal,
    activate,
    carrier_slot,
    deactivate,
    drift,
    dry_run,
    from_json,
    hub_ids,
    left_over,
    letter,
    link_configuration,
    to_json,
)
from satcom.service.service_test import judge
from tests.service.a_service import a_payload
from tests.service.a_solution import a_solution
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

SLOTS = LinkSlots(
    CarrierSlot("TP1", 14_245_000_000, 11_195_000_000), CarrierSlot("TP1", 14_255_000_000, 11_205_000_000)
)
TERMINAL = SiteTerminal("SN-1", -10.7, 25.5, 1400.0)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubNmsProcess]:
    with hub_nms_process(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def hub(process: HubNmsProcess) -> Iterator[HubNmsDriver]:
    with HubNmsDriver(process.url, process.token, first_pause_s=0.01) as driver:
        yield driver


@pytest.fixture
def configured(hub: HubNmsDriver) -> Iterator[HubConfiguration]:
    """For a service of its own; taken out of the hub at the end."""
    wanted = link_configuration(a_solution(), SLOTS, 1, TERMINAL, new_id())
    yield wanted
    deactivate(hub, wanted, f"{wanted.plans[0].plan_id}:clean")


def test_what_the_hub_is_told_follows_from_solution_slots_port_and_terminal() -> None:
    wanted = link_configuration(a_solution(), SLOTS, 3, TERMINAL, "S")
    forward, back = wanted.carriers
    assert (forward.direction, back.direction) == ("forward", "return")
    assert (forward.uplink_center_hz, forward.downlink_center_hz) == (14_245_000_000, 11_195_000_000)
    assert (back.uplink_center_hz, back.downlink_center_hz) == (14_255_000_000, 11_205_000_000)
    assert {(one.port, one.uplink_polarisation, one.downlink_polarisation) for one in wanted.carriers} == {
        (3, "H", "V")
    }
    assert (forward.transmit_power_dbw, back.transmit_power_dbw) == (-6.0, 0.0)
    terminal, plan = wanted.terminals[0], wanted.plans[0]
    assert (terminal.carrier_id, terminal.return_carrier_id) == (forward.carrier_id, back.carrier_id)
    assert (terminal.azimuth_deg, terminal.elevation_deg, terminal.serial_number) == (35.33, 74.78, "SN-1")
    assert (plan.terminal_id, plan.forward_mir_bps, plan.return_mir_bps) == (terminal.terminal_id, 2_000_000, 400_000)


def test_the_hubs_names_follow_from_the_service_alone() -> None:
    first = link_configuration(a_solution(), SLOTS, 1, TERMINAL, "S")
    assert link_configuration(a_solution(), SLOTS, 1, TERMINAL, "S") == first
    assert first.carriers[0].carrier_id == hub_ids("S").forward_carrier
    assert not set(vars(hub_ids("S")).values()) & set(vars(hub_ids("S2")).values())


def test_carriers_through_a_gateway_that_is_not_gone_through_any_more_are_left_over() -> None:
    old = link_configuration(a_solution(), SLOTS, 1, TERMINAL, "S")
    away = replace(old, carriers=old.carriers[:1])
    assert left_over(old, away) == HubConfiguration(old.carriers[1:])
    assert left_over(away, old) == HubConfiguration()


def test_a_configuration_survives_as_a_tasks_result() -> None:
    wanted = link_configuration(a_solution(), SLOTS, 1, TERMINAL, "S")
    assert from_json(to_json(wanted)) == wanted


@pytest.mark.parametrize(("word", "name"), [("horizontal", "H"), ("vertical", "V"), ("lhcp", "L"), ("rhcp", "R")])
def test_the_hub_has_a_letter_for_each_polarisation(word: str, name: str) -> None:
    assert letter(word) == name


def test_an_unknown_polarisation_and_a_slot_elsewhere_are_refused() -> None:
    with pytest.raises(Refused, match="no polarisation"):
        letter("diagonal")
    elsewhere = replace(SLOTS, return_link=replace(SLOTS.return_link, transponder_id="TP2"))
    with pytest.raises(Refused, match="return slot lies on another transponder"):
        link_configuration(a_solution(), elsewhere, 1, TERMINAL, "S")


def test_the_slot_of_an_assignment_goes_up_where_it_comes_down() -> None:
    transponder = checked(Transponder, a_payload(new_id(), new_id()))
    values = {"name": "slot", "transponder_id": transponder.id, "start_hz": 11_194_000_000, "stop_hz": 11_196_000_000}
    assignment = checked(SpectrumAssignment, values | {"power_share_hz": 1, "start_at": "2027-01-01T00:00:00Z"})
    slot = carrier_slot(transponder, assignment)
    assert (slot.uplink_center_hz, slot.downlink_center_hz) == (14_245_000_000, 11_195_000_000)
    with pytest.raises(Refused, match="does not lie on"):
        carrier_slot(checked(Transponder, a_payload(new_id(), new_id())), assignment)


def test_a_step_that_is_repeated_has_one_effect(
    process: HubNmsProcess, hub: HubNmsDriver, configured: HubConfiguration
) -> None:
    planned = dry_run(hub, configured)
    assert [one.method for one in planned] == ["PUT"] * 4
    assert hub.read_back(configured) == HubConfiguration()
    for _ in range(3):
        activate(hub, configured, "order:activate")
    assert hub.read_back(configured) == configured
    assert dry_run(hub, configured) == []
    assert drift(hub, configured) == []
    effects = [process.journal(id=one.carrier_id) for one in configured.carriers]
    assert [len(one) for one in effects] == [1, 1]


def test_what_somebody_changed_at_the_hub_is_seen_as_drift(hub: HubNmsDriver, configured: HubConfiguration) -> None:
    activate(hub, configured, f"{configured.plans[0].plan_id}:activate")
    hub.configure_terminal(replace(configured.terminals[0], azimuth_deg=30.0), new_id())
    assert [(one.field, one.desired, one.actual) for one in drift(hub, configured)] == [("azimuth_deg", 35.33, 30.0)]


def test_the_undo_leaves_nothing_and_a_request_that_comes_late_is_refused(
    hub: HubNmsDriver, configured: HubConfiguration
) -> None:
    key = f"{configured.plans[0].plan_id}:activate"
    hub.configure_carrier(configured.carriers[0], f"{key}:{configured.carriers[0].carrier_id}")
    for _ in range(2):
        deactivate(hub, configured, f"{key}:undo", cancels=key)
    assert hub.read_back(configured) == HubConfiguration()
    with pytest.raises(DriverRefused):
        hub.configure_carrier(configured.carriers[1], f"{key}:{configured.carriers[1].carrier_id}")
    assert hub.read_back(configured) == HubConfiguration()


def test_a_pointed_terminal_meets_its_plan_and_a_mispointed_one_does_not(
    hub: HubNmsDriver, configured: HubConfiguration
) -> None:
    activate(hub, configured, f"{configured.plans[0].plan_id}:activate")
    first = hub.measure(configured.terminals[0].terminal_id, new_id())
    assert first.return_link is not None
    plan = a_solution()
    forward = plan.forward.model_copy(update={"clear_sky_es_n0_db": first.forward.es_over_n0_db})
    back = plan.return_link.model_copy(update={"clear_sky_es_n0_db": first.return_link.es_over_n0_db})
    solution = plan.model_copy(update={"forward": forward, "return_link": back})
    assert judge(solution, hub.measure(configured.terminals[0].terminal_id, new_id())) == []
    hub.configure_terminal(replace(configured.terminals[0], azimuth_deg=40.0), new_id())
    assert any(one.fails for one in judge(solution, hub.measure(configured.terminals[0].terminal_id, new_id())))
