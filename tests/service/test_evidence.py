"""Evidence: a year later, with another fleet, the same numbers."""

from datetime import timedelta

import orjson
import pytest
from sqlmodel import Session, select

from satcom.core.clock import clock
from satcom.core.database import Database, find
from satcom.core.entity import wire
from satcom.resource.ground import TerminalType
from satcom.resource.hold import HoldState
from satcom.resource.licence import Licence
from satcom.resource.payload import Transponder
from satcom.resource.satellite import ElementSet, Satellite
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.evidence import (
    SAME_TO,
    QualificationEvidence,
    largest_difference,
    qualify_on_record,
    qualify_solution_on_record,
    recompute,
    standards,
)
from satcom.service.qualification import qualify
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand


def turn_the_fleet_upside_down(session: Session) -> None:
    """Weaker transponders, ended satellites, no licences, other elements, other terminals, other carriers."""
    for transponder in session.exec(select(Transponder)):
        transponder.eirp_saturation_dbw -= 10
    for satellite in session.exec(select(Satellite)):
        satellite.end_of_life_date = ORDERED_AT.date()
    for licence in session.exec(select(Licence)):
        session.delete(licence)
    for elements in session.exec(select(ElementSet)):
        session.delete(elements)
    for kind in session.exec(select(TerminalType)):
        kind.approved, kind.antenna_diameter_m = False, 0.3
    for carrier in session.exec(select(SpectrumAssignment)):
        carrier.state = HoldState.RELEASED
    session.flush()


def test_a_year_later_with_another_fleet_the_numbers_are_the_same(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        told = qualify_on_record(session, the_demand())
        assert len(told.to_sites) > 3
        assert told.evidence_id is not None
    with clock.at(ORDERED_AT + timedelta(days=365)), database.as_worker() as session:
        turn_the_fleet_upside_down(session)
        later = the_demand().model_copy(update={"stop_at": None})
        assert qualify(session, later).to_sites == ()
    with clock.at(ORDERED_AT + timedelta(days=365)), database.as_worker() as session:
        again = recompute(find(session, QualificationEvidence, told.evidence_id))
        assert largest_difference(told, again) <= SAME_TO
        assert [one.space_segment_name for one in again.solutions] == [one.space_segment_name for one in told.solutions]
        assert (again.losers, again.left_out, again.country) == (told.losers, told.left_out, "CD")


def test_a_number_that_was_changed_by_hand_is_found(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        told = qualify_on_record(session, the_demand())
        assert told.evidence_id is not None
        evidence = find(session, QualificationEvidence, told.evidence_id)
        inputs = orjson.loads(orjson.dumps(evidence.inputs))
        inputs["fleet"]["transponders"][0]["eirp_saturation_dbw"] += 0.001
        evidence.inputs = inputs
        assert largest_difference(told, recompute(evidence)) > SAME_TO


def test_evidence_holds_only_what_the_solutions_rest_on(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        told = qualify_on_record(session, the_demand(bands=("C",)))
        assert told.evidence_id is not None
        body = wire(find(session, QualificationEvidence, told.evidence_id))
        inputs = body["inputs"]
        assert isinstance(inputs, dict)
        fleet = inputs["fleet"]
        assert isinstance(fleet, dict)
        kept = orjson.loads(orjson.dumps(fleet))
        used = {one.forward.transponder_id for one in told.to_sites} | {
            one.return_link.transponder_id for one in told.to_sites
        }
        assert {one["id"] for one in kept["transponders"]} == used
        assert {one["id"] for one in kept["satellites"]} == {one.satellite_id for one in told.to_sites}
        assert all(len(one["elements"]["line1"]) == 69 for one in kept["satellites"])
        assert body["standards"] == standards()


def test_what_nobody_can_deliver_leaves_evidence_of_the_reasons(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        told = qualify_on_record(session, the_demand(bands=("Ka",)))
        assert told.to_sites == ()
        assert told.evidence_id is not None
        again = recompute(find(session, QualificationEvidence, told.evidence_id))
        assert (again.losers, again.left_out, again.country) == (told.losers, told.left_out, "CD")
        assert largest_difference(told, again) == 0


def test_the_solution_of_an_order_comes_with_its_evidence(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        solution, evidence_id = qualify_solution_on_record(session, the_demand())
        assert solution in find(session, QualificationEvidence, evidence_id).result.to_sites


@pytest.mark.parametrize("name", ["modcods", "digitalMaps"])
def test_tables_and_maps_are_named_by_their_digest(name: str) -> None:
    assert len(standards()[name]) == 64
