"""The power a margin needs, and the cheapest carrier of each lane, against search by brute force."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.antenna import ReceiveAntenna
from satcom.resource.physics.carrier_sizing import (
    AskedCarrier,
    CarrierSizing,
    Limit,
    carrier_power_for_margin,
    size_carrier,
)
from satcom.resource.physics.link_budget import (
    Carrier,
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    Values,
    bent_pipe_budget,
)
from satcom.resource.physics.modcod import dvb_table

TABLE = dvb_table()
ASKED = AskedCarrier(bit_rate_bps=10e6, rolloff=0.2, implementation_margin_db=0.5, required_margin_db=1.0)


@st.composite
def links(draw: st.DrawFn) -> Link:
    """Links as operators have them, good and bad ones."""
    clear_up, clear_down = draw(st.floats(0.05, 0.5)), draw(st.floats(0.05, 0.5))
    return Link(
        transmit=TransmitStation(
            antenna_gain_dbi=draw(st.floats(42, 62)),
            hpa_power_dbw=draw(st.floats(3, 30)),
            hpa_backoff_db=draw(st.floats(0, 4)),
            feed_loss_db=draw(st.floats(0, 1)),
            pointing_loss_db=draw(st.floats(0, 0.5)),
            uplink_power_control_db=draw(st.floats(0, 8)),
        ),
        up=Path(draw(st.floats(35_800, 41_600)), clear_up, clear_up + draw(st.floats(0, 20)), draw(st.floats(-6, 0))),
        transponder=Transponder(
            up_freq_hz=14.25e9,
            down_freq_hz=11.7e9,
            bandwidth_hz=draw(st.sampled_from([27e6, 36e6, 54e6, 72e6])),
            saturation_eirp_dbw=draw(st.floats(44, 56)),
            figure_of_merit_db_per_k=draw(st.floats(-3, 12)),
            saturation_flux_density_dbw_per_m2=draw(st.floats(-96, -80)),
            input_backoff_db=draw(st.floats(3, 9)),
            output_backoff_db=draw(st.floats(2, 6)),
            intermodulation_ci_db=draw(st.floats(14, 25)),
        ),
        down=Path(
            draw(st.floats(35_800, 41_600)), clear_down, clear_down + draw(st.floats(0, 20)), draw(st.floats(-6, 0))
        ),
        receive=ReceiveStation(ReceiveAntenna(draw(st.floats(36, 55)), draw(st.floats(50, 150)), 25.0)),
        interference=Interference(
            draw(st.floats(14, 35)),
            draw(st.floats(20, 35)),
            np.inf,
            draw(st.floats(12, 35)),
            draw(st.floats(20, 35)),
            even_uplink_adjacent_satellite_ci_db=draw(st.one_of(st.just(np.inf), st.floats(14, 35))),
            even_downlink_adjacent_satellite_ci_db=draw(st.one_of(st.just(np.inf), st.floats(14, 35))),
        ),
    )


def sized(link: Link, asked: AskedCarrier = ASKED) -> CarrierSizing:
    return size_carrier(link, asked, TABLE, link.transponder.bandwidth_hz, link.transponder.bandwidth_hz)


def carrier_of(row: int, asked: AskedCarrier = ASKED) -> Carrier:
    return Carrier(
        bit_rate_bps=asked.bit_rate_bps,
        spectral_efficiency=float(TABLE.spectral_efficiency[row]),
        required_es_n0_db=float(TABLE.es_n0_threshold_db[row]) + asked.implementation_margin_db,
        rolloff=asked.rolloff,
        required_margin_db=asked.required_margin_db,
    )


def backoff_by_bisection(link: Link, carrier: Carrier) -> float:
    """The back-off that leaves the required margin, found by halving."""
    strong, weak = -200.0, 200.0
    for _ in range(100):
        middle = (strong + weak) / 2
        enough = bent_pipe_budget.or_nan(link, carrier, middle).margin_db >= carrier.required_margin_db
        strong, weak = (middle, weak) if enough else (strong, middle)
    return strong


@settings(deadline=None, max_examples=60)
@given(link=links(), row=st.integers(0, len(TABLE) - 1))
def test_the_closed_form_finds_the_power_that_bisection_finds(link: Link, row: int) -> None:
    power = carrier_power_for_margin(link, carrier_of(row))
    if np.isnan(power.power_share):
        assert bent_pipe_budget(link, carrier_of(row), -150.0).margin_db < ASKED.required_margin_db  # no power would do
    else:
        assert power.carrier_output_backoff_db == pytest.approx(backoff_by_bisection(link, carrier_of(row)), abs=1e-6)


@given(link=links(), row=st.integers(0, len(TABLE) - 1))
def test_the_levels_of_the_needed_power_are_those_of_its_budget(link: Link, row: int) -> None:
    power = carrier_power_for_margin(link, carrier_of(row))
    budget = bent_pipe_budget.or_nan(link, carrier_of(row), power.carrier_output_backoff_db)
    for ours, theirs in (
        (power.satellite_eirp_dbw, budget.satellite_eirp_dbw),
        (power.uplink_eirp_dbw, budget.uplink_eirp_dbw),
        (power.hpa_margin_db, budget.hpa_margin_db),
        (power.power_equivalent_bandwidth_hz, budget.power_equivalent_bandwidth_hz),
    ):
        assert ours == pytest.approx(float(theirs), nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(link=links())
def test_the_chosen_modcod_is_the_cheapest_of_all_that_close(link: Link) -> None:
    chosen = sized(link)
    leased_hz = {}
    for row in range(len(TABLE)):
        power = carrier_power_for_margin(link, carrier_of(row))
        occupied_hz = 10e6 / float(TABLE.spectral_efficiency[row]) * 1.2
        if power.closes and occupied_hz <= link.transponder.bandwidth_hz:
            leased_hz[row] = max(occupied_hz, float(power.power_equivalent_bandwidth_hz))
    assert bool(chosen.closes) == bool(leased_hz)
    if leased_hz:
        assert chosen.leased_bandwidth_hz == pytest.approx(min(leased_hz.values()))
        assert chosen.limit == Limit.NONE
        assert chosen.margin_db == pytest.approx(0.0, abs=1e-9)
        assert chosen.budget.hpa_margin_db >= -1e-9


@given(link=links())
def test_a_lane_that_cannot_close_says_how_far_off_it_is(link: Link) -> None:
    asked = replace(ASKED, required_margin_db=12.0)
    lane = sized(link, asked)
    if not lane.closes:
        assert lane.margin_db < 0
        assert lane.limit != Limit.NONE
        assert np.isnan(
            [lane.leased_bandwidth_hz, lane.occupied_bandwidth_hz, lane.power_equivalent_bandwidth_hz]
        ).all()
        relaxed = replace(asked, required_margin_db=12.0 + float(lane.margin_db) - 1e-6)
        if lane.limit != Limit.BANDWIDTH:
            assert sized(link, relaxed).closes  # exactly what was missing is enough


@given(link=links(), more_db=st.floats(0, 10))
def test_more_rain_never_makes_a_carrier_cheaper(link: Link, more_db: float) -> None:
    rainier = replace(
        link,
        up=replace(link.up, faded_attenuation_db=link.up.faded_attenuation_db + more_db),
        down=replace(link.down, faded_attenuation_db=link.down.faded_attenuation_db + more_db),
    )
    before, after = sized(link), sized(rainier)
    assert before.closes or not after.closes
    if after.closes:
        assert after.leased_bandwidth_hz >= before.leased_bandwidth_hz * (1 - 1e-12)


def a_link() -> Link:
    return Link(
        transmit=TransmitStation(59.0, 23.0, 3.0, 0.5, uplink_power_control_db=6.0),
        up=Path(38_500.0, 0.2, 8.2, -2.0),
        transponder=Transponder(14.25e9, 11.7e9, 36e6, 52.0, 4.0, -88.0, 6.0, 3.5, 19.0),
        down=Path(37_000.0, 0.15, 4.0, -1.5),
        receive=ReceiveStation(ReceiveAntenna(41.5, 70.0, 25.0)),
        interference=Interference(25.0, 30.0, 28.0, 22.0, 27.0),
    )


@pytest.mark.filterwarnings("error")
def test_each_kind_of_loser_is_told_apart() -> None:
    link = a_link()
    station = replace(link, transmit=replace(link.transmit, hpa_power_dbw=-5.0))
    jammed = replace(link, interference=Interference(-5.0))
    outside = replace(link, down=replace(link.down, beam_gain_db=-np.inf))
    whole = link.transponder.bandwidth_hz
    assert sized(link).limit == Limit.NONE
    assert sized(station).limit == Limit.STATION_POWER
    assert sized(jammed).limit == Limit.INTERFERENCE
    assert sized(outside).limit == Limit.OUT_OF_RANGE
    assert sized(link, replace(ASKED, bit_rate_bps=-1.0)).limit == Limit.OUT_OF_RANGE
    assert sized(replace(link, up=replace(link.up, faded_attenuation_db=-1.0))).limit == Limit.OUT_OF_RANGE
    assert size_carrier(link, ASKED, TABLE, whole, 0.1e6).limit == Limit.TRANSPONDER_POWER
    assert size_carrier(link, ASKED, TABLE, whole, 0.0).limit == Limit.TRANSPONDER_POWER
    assert size_carrier(link, ASKED, TABLE, 1e6, whole).limit == Limit.BANDWIDTH


def test_a_small_dish_pays_for_power_and_a_big_one_for_bandwidth_no_more_than_it_must() -> None:
    link = a_link()
    dishes = replace(link, receive=ReceiveStation(ReceiveAntenna(np.array([36.0, 41.5, 50.0]), 70.0, 25.0)))
    sizes = sized(dishes)
    assert sizes.closes.all()
    assert np.all(np.diff(sizes.leased_bandwidth_hz) < 0)
    assert np.all(np.diff(TABLE.spectral_efficiency[sizes.modcod]) > 0)


def test_a_modem_of_the_older_standard_gets_only_its_own_modcods() -> None:
    dvb_s2 = TABLE.of_standard("DVB-S2")
    lane = size_carrier(a_link(), ASKED, dvb_s2, 36e6, 36e6)
    assert str(lane.budget.modcod) == dvb_s2.name[lane.modcod]
    assert lane.leased_bandwidth_hz >= sized(a_link()).leased_bandwidth_hz


def test_a_fleet_of_satellites_transponders_and_gateways_is_one_call() -> None:
    random = np.random.default_rng(20261124)
    range_km = random.uniform(36e3, 41e3, (40, 1, 5))
    eirp_dbw = random.uniform(40, 54, (40, 6, 1))
    beam_db = np.where(random.random((40, 6, 1)) < 0.2, -np.inf, -2.0)
    lanes = sized(lane_of(range_km, eirp_dbw, beam_db))
    assert lanes.closes.shape == lanes.budget.shape == (40, 6, 5)
    outside = np.broadcast_to(np.isinf(beam_db), lanes.limit.shape)
    assert np.all(lanes.limit[outside] == Limit.OUT_OF_RANGE)
    assert np.all(lanes.limit[~outside] != Limit.OUT_OF_RANGE)
    for satellite, transponder, gateway in random.integers((0, 0, 0), (40, 6, 5), (20, 3)):
        alone = sized(
            lane_of(
                range_km[satellite, 0, gateway], eirp_dbw[satellite, transponder, 0], beam_db[satellite, transponder, 0]
            )
        )
        here = (satellite, transponder, gateway)
        assert lanes.leased_bandwidth_hz[here] == pytest.approx(float(alone.leased_bandwidth_hz), nan_ok=True)
        assert lanes.limit[here] == alone.limit


def lane_of(range_km: Values, eirp_dbw: Values, beam_gain_db: Values) -> Link:
    link = a_link()
    return replace(
        link,
        up=replace(link.up, range_km=range_km),
        transponder=replace(link.transponder, saturation_eirp_dbw=eirp_dbw),
        down=replace(link.down, beam_gain_db=beam_gain_db),
    )


@settings(max_examples=40, deadline=None)
@given(link=links(), tighter_db=st.floats(-3, -0.001) | st.floats(0.001, 12))
def test_within_a_limit_on_density_the_cheapest_of_all_that_keep_it_is_chosen(link: Link, tighter_db: float) -> None:
    free = sized(link)
    limit = float(free.budget.power_share / free.budget.symbol_rate_baud) * 10 ** (-tighter_db / 10)
    whole_hz = link.transponder.bandwidth_hz
    held = size_carrier(link, ASKED, TABLE, whole_hz, whole_hz, limit)
    least_hz = np.inf
    for row in range(len(TABLE.name)):
        carrier = carrier_of(row)
        power = carrier_power_for_margin(link, carrier)
        occupied_hz = float(ASKED.bit_rate_bps / carrier.spectral_efficiency) * 1.2
        if power.closes and occupied_hz <= whole_hz and power.power_share / (occupied_hz / 1.2) <= limit:
            least_hz = min(least_hz, max(occupied_hz, float(power.power_equivalent_bandwidth_hz)))
    assert bool(held.closes) == np.isfinite(least_hz)
    if held.closes:
        assert float(held.leased_bandwidth_hz) == pytest.approx(least_hz)
    elif free.closes:
        # of the MODCOD that comes nearest; that one may run out of power before it is too dense
        assert held.limit in (Limit.POWER_DENSITY, Limit.STATION_POWER, Limit.TRANSPONDER_POWER)
        assert held.margin_db < 0
