"""Chains of hops: noise ends where bits are decided, adds up where not, and rain falls on each hop by itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from satcom.resource.physics.attenuation import total_attenuation
from satcom.resource.physics.hop_chain import ChainInput, design_chain
from satcom.resource.physics.link_input import ImpossibleLink

EXAMPLE = Path(__file__).parents[3] / "examples" / "hop_chain.yaml"
CARRIER = {"symbol_rate_mbaud": 10.0, "modcod": "QPSK 3/4"}
AIR = {"latitude_deg": 1.35, "longitude_deg": 103.8, "elevation_deg": 40.0, "diameter_m": 1.2}
DB = st.floats(-3, 3)


def hop(name: str = "a hop", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "freq_ghz": 20.0,
        "eirp_dbw": 45.0,
        "figure_of_merit_db_per_k": 5.0,
        "range_km": 1000.0,
    } | more


def chain(*hops: dict[str, Any]) -> ChainInput:
    return ChainInput.model_validate({"hops": hops})


@given(first_db=DB, second_db=DB)
def test_noise_adds_up_until_bits_are_decided(first_db: float, second_db: float) -> None:
    up, down = hop(losses_db=4 + first_db), hop(losses_db=4 + second_db)
    (transparent,) = design_chain(chain(up, down | {"carrier": CARRIER})).stretches
    first, second = design_chain(chain(up | {"carrier": CARRIER}, down | {"carrier": CARRIER})).stretches
    ratios = [10 ** (-one.es_n0_clear_db / 10) for one in (first, second)]
    assert transparent.es_n0_clear_db == pytest.approx(-10 * np.log10(sum(ratios)))
    assert len(transparent.hops) == 2
    assert transparent.margin_db < min(first.margin_db, second.margin_db)


def test_a_chain_is_as_good_as_its_weakest_stretch_and_as_fast_as_its_narrowest() -> None:
    wide, narrow = CARRIER | {"symbol_rate_mbaud": 40.0}, CARRIER
    made = design_chain(chain(hop(carrier=wide), hop(carrier=narrow, losses_db=20.0)))
    assert made.margin_db == min(one.margin_db for one in made.stretches) == made.stretches[1].margin_db
    assert made.bit_rate_bps == made.stretches[1].bit_rate_bps < made.stretches[0].bit_rate_bps
    assert made.closes is all(one.closes for one in made.stretches)
    weak = design_chain(chain(hop(carrier=wide), hop(carrier=narrow, losses_db=50.0)))
    assert not weak.closes


def test_rain_falls_on_each_hop_by_itself_and_outages_add_up() -> None:
    dry = hop(freq_ghz=25.0)
    wet = [hop(air=AIR | {"availability_percent": share}, carrier=CARRIER) for share in (99.9, 99.5)]
    made = design_chain(chain(wet[0], dry | {"carrier": CARRIER}, wet[1]))
    assert made.availability_percent == pytest.approx(99.4)
    seldom, between, often = made.stretches
    assert between.es_n0_faded_db == between.es_n0_clear_db
    assert seldom.es_n0_faded_db < often.es_n0_faded_db < often.es_n0_clear_db
    air = total_attenuation(1.35, 103.8, 20e9, 40.0, 0.1, 45.0, 1.2, 0.65)
    assert seldom.es_n0_clear_db - seldom.es_n0_faded_db == pytest.approx(float(air.total_db - air.gas_db))
    # both hops of one stretch: the worse of the two rains
    (together,) = design_chain(chain({**wet[0], "carrier": None}, wet[1])).stretches
    ratios = [10 ** (-one / 10) for one in (seldom.es_n0_faded_db, often.es_n0_clear_db)]
    assert together.es_n0_faded_db == pytest.approx(-10 * np.log10(sum(ratios)))


def test_rain_makes_a_receiver_on_the_ground_noisier() -> None:
    sends, hears = (
        design_chain(chain(hop(air=AIR | more, carrier=CARRIER))).stretches[0]
        for more in ({}, {"system_temperature_k": 150.0})
    )
    assert sends.es_n0_clear_db == hears.es_n0_clear_db
    # a quiet receiver under a black sky hears up to 275 K more: less than a factor of 1 + 275 / 150
    assert 0.5 < sends.es_n0_faded_db - hears.es_n0_faded_db < 10 * np.log10(1 + 275 / 150)


def test_every_line_tells_its_source_and_losses_in_air_stand_by_cause() -> None:
    lines = design_chain(chain(hop(air=AIR, losses_db=1.0, carrier=CARRIER))).stretches[0].hops[0].lines()
    assert all(one.source for one in lines)
    by_label = {one.label: one for one in lines}
    losses = by_label["Other losses"]
    assert isinstance(losses.clear_sky, float)
    assert losses.clear_sky == pytest.approx(1.0 + float(by_label["of it gas"].faded or 0))
    assert by_label["of it rain"].clear_sky is None


@pytest.mark.parametrize(
    ("hops", "field", "why"),
    [
        ([hop()], "hops.0.carrier", "bits are decided"),
        ([hop(range_km=None, carrier=CARRIER)], "hops.0.range_km", "by one of"),
        ([hop(air=AIR | {"satellite_altitude_km": 600.0}, carrier=CARRIER)], "hops.0.range_km", "by one of"),
        ([hop(), hop(carrier=CARRIER | {"modcod": "QPSK 7/7"})], "hops.1.carrier.modcod", "has no 'QPSK 7/7'"),
        ([hop(freq_ghz=60.0, air=AIR, carrier=CARRIER)], "hops.0.freq_ghz", "1 to 55 GHz"),
    ],
)
def test_a_chain_that_cannot_be_names_its_field(hops: list[dict[str, Any]], field: str, why: str) -> None:
    with pytest.raises(ImpossibleLink, match=why) as refused:
        design_chain(chain(*hops))
    assert refused.value.field == field


def test_no_radio_wave_passes_through_the_earth() -> None:
    two = {"first_altitude_km": 550.0, "second_altitude_km": 550.0}
    apart = hop(range_km=None, between=two | {"separation_deg": 60.0}, carrier=CARRIER)
    with pytest.raises(ImpossibleLink, match="the Earth stands between"):
        design_chain(chain(apart))
    with pytest.raises(ImpossibleLink, match="at one place"):
        design_chain(chain(apart | {"between": two | {"separation_deg": 0.0}}))


@pytest.mark.parametrize("wrong", [{"eirp_dbw": float("nan")}, {"freq_ghz": -1.0}, {"losses_db": -1.0}, {"foo": 1}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        chain(hop(carrier=CARRIER) | wrong)
    assert refused.value.errors()[0]["loc"] == ("hops", 0, next(iter(wrong)))


def test_the_shipped_example_closes_over_two_regenerative_satellites() -> None:
    made = design_chain(ChainInput.model_validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))))
    assert made.closes
    assert [len(one.hops) for one in made.stretches] == [1, 1, 1]
