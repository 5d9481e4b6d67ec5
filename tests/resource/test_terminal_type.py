"""Terminal types and licences are entered and corrected by commands that can refuse."""

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import NotAllowed, Refused, RuleRefused
from satcom.core.security import WORKER, Principal, Role
from satcom.resource.ground import Terminal, TerminalState, TerminalType, move_terminal, plan_terminal
from satcom.resource.licence import Licence, correct_licence, enter_licence
from satcom.resource.terminal_type import correct_terminal_type, enter_terminal_type
from tests.enterprise.an_operator import an_operator

SALES = Principal("Sam", frozenset({Role.SALES}), None, frozenset(), all_parties=True)
RADIO = {
    "terminal_class": "vsat",
    "antenna_diameter_m": 1.8,
    "antenna_efficiency": 0.65,
    "buc_power_w": 8,
    "lnb_noise_figure_db": 0.7,
}


def a_type(name: str = "Ku 1.80 m", approved: bool = True) -> TerminalType:
    return checked(TerminalType, {"name": name, "band": "Ku", "approved": approved, **RADIO})


def a_licence(country: str = "CD") -> Licence:
    days = {"valid_from": "2024-01-01", "valid_until": "2036-12-31"}
    return checked(
        Licence, {"country": country, "band": "Ku", "terminal_class": "vsat", "reference": "ARPTC/1", **days}
    )


def stands(session: Session, kind: TerminalType) -> Terminal:
    place = {"latitude_deg": -10.7, "longitude_deg": 25.4}
    planned = checked(Terminal, {"name": "At the mine", "terminal_type_id": kind.id, **place})
    return plan_terminal(session, planned, WORKER)


def test_a_terminal_type_is_the_operators_and_its_name_is_its_own(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        kind = enter_terminal_type(session, a_type(), WORKER)
        assert kind.party_id == operator.organization_id
        with pytest.raises(RuleRefused, match=r"there is a terminal type 'Ku 1\.80 m' already"):
            enter_terminal_type(session, a_type(), WORKER)


def test_the_band_of_terminals_that_stand_at_sites_stays(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        kind = enter_terminal_type(session, a_type(), WORKER)
        terminal = stands(session, kind)
        assert correct_terminal_type(session, kind, {"bucPowerW": 16, "approved": False}, WORKER).buc_power_w == 16
        with pytest.raises(RuleRefused, match="terminals of this type stand at sites"), session.begin_nested():
            correct_terminal_type(session, kind, {"band": "C"}, WORKER)
        assert kind.band == "Ku"
        move_terminal(session, terminal, TerminalState.REMOVED, WORKER)
        assert correct_terminal_type(session, kind, {"band": "C"}, WORKER).band == "C"


def test_a_licence_is_of_a_country_and_can_be_renewed(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        enter_terminal_type(session, a_type(), WORKER)
        licence = enter_licence(session, a_licence(), WORKER)
        assert licence.party_id == operator.organization_id
        renewed = correct_licence(session, licence, {"validUntil": "2040-12-31"}, WORKER)
        assert renewed.valid_until.year == 2040
        with pytest.raises(Refused, match="is before the first day"):
            correct_licence(session, licence, {"validUntil": "2020-12-31"}, WORKER)
        with pytest.raises(Refused, match="'XX' is no country"):
            enter_licence(session, a_licence("XX"), WORKER)


def test_a_licence_is_of_a_class_that_a_terminal_type_has(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(Refused, match="enter a terminal type first"):
            enter_licence(session, a_licence(), WORKER)
        enter_terminal_type(session, a_type(), WORKER)
        licence = enter_licence(session, a_licence(), WORKER)
        with pytest.raises(Refused, match=r"no terminal type is of the class 'vast' \(accepted: vsat\)"):
            correct_licence(session, licence, {"terminalClass": "vast"}, WORKER)


def test_only_migration_enters_what_the_network_may_be_built_on(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        kind = enter_terminal_type(session, a_type(), WORKER)
        licence = enter_licence(session, a_licence(), WORKER)
        with pytest.raises(NotAllowed):
            enter_terminal_type(session, a_type("Another"), SALES)
        with pytest.raises(NotAllowed):
            correct_terminal_type(session, kind, {"approved": False}, SALES)
        with pytest.raises(NotAllowed):
            enter_licence(session, a_licence("ZM"), SALES)
        with pytest.raises(NotAllowed):
            correct_licence(session, licence, {"validUntil": "2040-12-31"}, SALES)
