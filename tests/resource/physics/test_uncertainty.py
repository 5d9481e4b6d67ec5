"""What may be sold with a confidence: random links and years, there and back, and what must hold anywhere."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.antenna import pointing_loss_db
from satcom.resource.physics.joint_availability import Fades, Room, availability_percent
from satcom.resource.physics.link_confidence import at_confidence
from satcom.resource.physics.link_design import design_link
from satcom.resource.physics.link_input import ImpossibleLink, LinkInput
from satcom.resource.physics.uncertainty import (
    Unknowns,
    availability_at_confidence_percent,
    element_error_deg,
    margin_at_confidence_db,
    mean_pointing_loss_db,
)
from satcom.resource.physics.year_to_year import year_deviation_percent
from tests.resource.physics.test_joint_availability import CLEAR_DB, ROOM, rainy

REQUIRED_DB = CLEAR_DB - 5
FADES = rainy(), rainy(mean=-0.3)
SURE = np.array([0.5, 0.6, 0.75, 0.9, 0.95])
NOTHING = Unknowns(0.0, prediction_error=1e-9)
EXAMPLE = Path(__file__).parents[3] / "examples" / "link_budget.yaml"


def available(unknowns: Unknowns, confidence: object = SURE) -> np.ndarray:
    return availability_at_confidence_percent(ROOM, REQUIRED_DB, FADES, np.inf, unknowns, np.asarray(confidence))


def test_the_confident_availability_is_that_of_random_links_in_random_years() -> None:
    """20,000 links: each with its error of prediction, its pointing and its year."""
    unknowns, links = Unknowns(0.2, up_pointing_db=0.2, down_pointing_db=0.1), 20_000
    random = np.random.default_rng(11)
    factor = np.exp(0.25 * random.standard_normal(links))[:, None]
    up, down = (Fades(one.fade_db * factor, one.rain_percent) for one in FADES)
    lost_up, lost_down = random.exponential(0.2, links), random.exponential(0.1, links)
    weaker = Room(ROOM.steady, ROOM.downlink * 10 ** (lost_down / 10), ROOM.hot, ROOM.cold, ROOM.power_control_db)
    outage = 100 - availability_percent(weaker, REQUIRED_DB + lost_up, up, down)
    inside = np.clip(outage, 0.01, 2)
    outage += random.standard_normal(links) * outage * year_deviation_percent(inside, 0.2) / inside

    told = 100 - np.quantile(outage, SURE)
    assert available(unknowns) == pytest.approx(told, abs=0.03 * (100 - told).max())


def test_where_all_is_known_the_average_year_is_sold_at_any_confidence_but_for_chance() -> None:
    average = float(availability_percent(ROOM, REQUIRED_DB, *FADES))
    assert available(NOTHING, [0.5])[0] == pytest.approx(average, abs=1e-6)
    assert available(NOTHING, [0.9])[0] < average  # a year holds a limited number of storms


@settings(max_examples=15)
@given(ratio=st.floats(0, 0.6), more=st.floats(0.01, 0.4), error=st.floats(0.05, 0.5), pointing=st.floats(0, 0.5))
def test_whoever_knows_less_or_wants_to_be_surer_sells_less(
    ratio: float, more: float, error: float, pointing: float
) -> None:
    known, less = (Unknowns(one, error, pointing, pointing) for one in (ratio, ratio + more))
    assert (np.diff(available(known)) < 0).all()
    assert available(less, [0.9])[0] < available(known, [0.9])[0]
    margins = margin_at_confidence_db(ROOM, REQUIRED_DB, FADES, 0.1, known, SURE)
    assert (np.diff(margins) < 0).all()


def test_the_margin_of_even_odds_is_that_of_the_budget() -> None:
    fade_db = [float(one.fade_exceeded_db(np.array([0.1]))[0]) for one in FADES]
    there = min(float(ROOM.es_n0_db(fade_db[0], 0.0)), float(ROOM.es_n0_db(0.0, fade_db[1]))) - REQUIRED_DB
    assert margin_at_confidence_db(ROOM, REQUIRED_DB, FADES, 0.1, Unknowns(0.3), 0.5)[0] == pytest.approx(there)


def test_the_loss_by_random_pointing_has_the_mean_of_the_beam() -> None:
    angles_deg = 0.1 / np.sqrt(2) * np.random.default_rng(5).standard_normal((200_000, 2))
    loss_db = pointing_loss_db(np.hypot(*angles_deg.T), 0.8)
    assert mean_pointing_loss_db(0.1, 0.8) == pytest.approx(loss_db.mean(), rel=0.01)
    assert np.quantile(loss_db, 0.9) == pytest.approx(-np.log(0.1) * loss_db.mean(), rel=0.02)


def test_old_elements_point_beside() -> None:
    assert element_error_deg.or_nan(0.0, 38_000.0) == pytest.approx(np.degrees(1 / 38_000), rel=1e-6)
    assert element_error_deg.or_nan(10.0, 1_200.0) > element_error_deg.or_nan(1.0, 1_200.0) > 0.1
    assert np.isnan(element_error_deg.or_nan(-1.0, 1_200.0))
    assert np.isnan(mean_pointing_loss_db.or_nan(-0.1, 1.0))


def test_a_designed_link_tells_what_is_sold_with_which_confidence() -> None:
    given_link = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    given_link["terminal"]["pointing_rms_deg"] = 0.1
    link = LinkInput.model_validate(given_link)
    design = design_link(link).forward
    assert design is not None
    even, sure = at_confidence(link, design, 50), at_confidence(link, design, 90)
    assert sure.availability_percent < even.availability_percent <= design.joint_availability_percent + 0.01
    assert float(design.budget.margin_db) <= even.margin_db  # either link may take what the other leaves
    assert sure.margin_db < even.margin_db
    assert [c for c, _ in sure.margin_db_by_confidence] == [0.1, 0.5, 0.9]
    assert sure.margin_db_by_confidence[2][1] == pytest.approx(sure.margin_db)
    for confidence_percent in (50, 90, 99, 99.9):
        told = at_confidence(link, design, confidence_percent)
        assert (told.margin_db >= 0) == told.meets
    for wrong in (0.9, 49, 100, float("nan")):
        with pytest.raises(ImpossibleLink, match="confidence"):
            at_confidence(link, design, wrong)
