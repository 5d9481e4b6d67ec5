"""Satellites that pass in the simulator's sky: where they are, which one serves through which hub, and how strongly."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, load
from skyfield.framelib import itrs

from satcom.simulators.hub_nms.configuration import MeanElements
from satcom.simulators.hub_nms.passing import earth_fixed_m
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

EPOCH = datetime(2027, 3, 1, 12, tzinfo=UTC)
TIME = load.timescale(builtin=True)
A_KILOMETRE_AND_A_HALF = 1500  # what leaving out nutation, UT1 and the pole may cost at this height
LAP = timedelta(hours=6)  # of these orbits over the turning Earth
PAYLOAD = {
    "bandwidth_hz": 216_000_000,
    "uplink_polarisation": "L",
    "downlink_polarisation": "R",
    "eirp_saturation_dbw": 54,
    "g_over_t_db_per_k": 9,
    "sfd_dbw_per_m2": -86,
    "input_backoff_db": 3,
    "output_backoff_db": 2,
}
FORWARD = {"uplink_center_hz": 28_400_000_000, "downlink_center_hz": 18_600_000_000}
BACK = {"uplink_center_hz": 28_900_000_000, "downlink_center_hz": 19_100_000_000}
TERMINAL = {
    "serial_number": "SN-1",
    "terminal_type": "2 x 2.4 m",
    "antenna_diameter_m": 2.4,
    "latitude_deg": -5,
    "longitude_deg": 27,
    "azimuth_deg": None,
    "elevation_deg": None,
    "carrier_id": "F-HUB-W",
    "return_carrier_id": "R-HUB-W",
    "handover_carriers": [{"carrier_id": "F-HUB-E", "return_carrier_id": "R-HUB-E"}],
}


def elements_over(longitude_deg: float, at: datetime) -> dict[str, object]:
    """A satellite over the equator that laps the Earth four times a day, and stands over this longitude then."""
    sidereal_deg = TIME.from_datetime(at).gmst * 15
    return {
        "EPOCH": at.isoformat(),
        "MEAN_MOTION": 5.0027,
        "ECCENTRICITY": 0.0001,
        "INCLINATION": 0.05,
        "RA_OF_ASC_NODE": 0,
        "ARG_OF_PERICENTER": 0,
        "MEAN_ANOMALY": (longitude_deg + sidereal_deg) % 360,
    }


def fleet(at: datetime = EPOCH, mask_deg: Mapping[str, float] | None = None) -> dict[str, object]:
    """Two hubs, and two satellites that follow each other: over 15 and over 45 degrees East at the instant."""
    return {
        "hubs": [
            {
                "id": hub_id,
                "latitude_deg": 10,
                "longitude_deg": longitude_deg,
                "antenna_diameter_m": 7.3,
                "ports": 8,
                "horizon_mask_deg": (mask_deg or {}).get(hub_id, 0),
            }
            for hub_id, longitude_deg in (("HUB-W", 0), ("HUB-E", 60))
        ],
        "constellations": [
            {
                "id": "CON",
                "lowest_elevation_deg": 20,
                "edge_gain_db": -3,
                "transponders": [
                    {"id": "CON-forward", **PAYLOAD, **FORWARD},
                    {"id": "CON-return", **PAYLOAD, **BACK},
                ],
                "satellites": [
                    {"id": "WEST", "elements": elements_over(15, at)},
                    {"id": "EAST", "elements": elements_over(45, at)},
                ],
            }
        ],
    }


def a_carrier(hub_id: str, direction: str, **changes: object) -> dict[str, object]:
    return {
        "hub_id": hub_id,
        "port": 1,
        "direction": direction,
        "satellite_id": "CON",
        "transponder_id": f"CON-{direction}",
        **(FORWARD if direction == "forward" else BACK),
        "symbol_rate_baud": 3_000_000,
        "roll_off": 0.2,
        "modcod": "QPSK 1/2",
        "uplink_polarisation": "L",
        "downlink_polarisation": "R",
        "transmit_power_dbw": 30,
        "power_share": 0.02,
        **changes,
    }


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubNmsProcess]:
    with hub_nms_process(tmp_path_factory.mktemp("state"), fleet()) as running:
        yield running


@pytest.fixture
def nms(process: HubNmsProcess) -> Iterator[httpx.Client]:
    """A simulator with a terminal that follows the satellites, through two hubs."""
    with process.client() as client:
        put(client, "/v1/fleet", fleet())
        for hub_id in ("HUB-W", "HUB-E"):
            put(client, f"/v1/carriers/F-{hub_id}", a_carrier(hub_id, "forward"))
            put(client, f"/v1/carriers/R-{hub_id}", a_carrier(hub_id, "return"))
        put(client, "/v1/terminals/T", TERMINAL)
        put(client, "/v1/sky/instant", {"at": EPOCH.isoformat()})
        put(client, "/v1/sky/terminals/T/weather", {"fade_db": 0})
        yield client


def put(client: httpx.Client, path: str, body: Mapping[str, object]) -> None:
    answer = client.put(path, json=body)
    assert answer.is_success, answer.text


def at(client: httpx.Client, instant: datetime) -> None:
    put(client, "/v1/sky/instant", {"at": instant.isoformat()})


def measured(client: httpx.Client) -> dict[str, object]:
    answer = client.post("/v1/terminals/T/measurement")
    assert answer.is_success, answer.text
    reading: dict[str, object] = answer.json()
    return reading


def truth(client: httpx.Client) -> dict[str, object]:
    seen: dict[str, object] = client.get("/v1/sky/terminals/T").json()
    return seen


def way(client: httpx.Client) -> tuple[object, object]:
    """Satellite and hub, as modem and sky have them."""
    read, true = measured(client), truth(client)
    assert (read["satellite_id"], read["hub_id"]) == (true["satellite_id"], true["hub_id"])
    return read["satellite_id"], read["hub_id"]


def refusal(client: httpx.Client, path: str, body: Mapping[str, object]) -> str:
    answer = client.put(path, json=body)
    assert answer.status_code in {409, 422}, answer.text
    return str(answer.json()["error"]["code"])


@settings(max_examples=15)
@given(
    after_hours=st.floats(-24, 24),
    rev_per_day=st.floats(2, 15.5),
    inclination=st.floats(0, 179).map(lambda deg: round(deg, 8)),
    node=st.floats(0, 360),
    anomaly=st.floats(0, 360),
)
def test_a_satellite_is_where_skyfield_sees_it(
    after_hours: float, rev_per_day: float, inclination: float, node: float, anomaly: float
) -> None:
    told = {**elements_over(0, EPOCH), "MEAN_MOTION": rev_per_day, "INCLINATION": inclination, "BSTAR": 0}
    told |= {"RA_OF_ASC_NODE": node, "MEAN_ANOMALY": anomaly, "MEAN_MOTION_DOT": 0, "MEAN_MOTION_DDOT": 0}
    instant = EPOCH + timedelta(hours=after_hours)
    ours = earth_fixed_m(MeanElements.model_validate(told), instant)
    assert ours is not None
    rest = {"CLASSIFICATION_TYPE": "U", "OBJECT_ID": "2027-001A", "EPHEMERIS_TYPE": 0, "OBJECT_NAME": "X"}
    rest |= {"ELEMENT_SET_NO": 1, "REV_AT_EPOCH": 1, "NORAD_CAT_ID": 1, "EPOCH": EPOCH.strftime("%Y-%m-%dT%H:%M:%S.%f")}
    theirs = EarthSatellite.from_omm(TIME, {**told, **rest}).at(TIME.from_datetime(instant)).frame_xyz(itrs).m
    assert math.dist(ours, theirs) < A_KILOMETRE_AND_A_HALF


def test_the_satellite_that_stands_highest_serves_through_the_hub_that_sees_it_highest(nms: httpx.Client) -> None:
    assert way(nms) == ("WEST", "HUB-W")
    read = measured(nms)
    assert [read[one]["carrier_id"] for one in ("forward", "return")] == ["F-HUB-W", "R-HUB-W"]  # type: ignore[index]
    at(nms, EPOCH - timedelta(minutes=10))
    assert way(nms) == ("EAST", "HUB-E")
    assert measured(nms)["forward"]["carrier_id"] == "F-HUB-E"  # type: ignore[index]
    put(nms, "/v1/fleet", fleet(mask_deg={"HUB-E": 80}))
    assert way(nms) == ("EAST", "HUB-W")
    put(nms, "/v1/fleet", fleet(mask_deg={"HUB-E": 80, "HUB-W": 80}))
    assert way(nms) == (None, None)


def test_where_no_satellite_is_in_view_nothing_is_read(nms: httpx.Client) -> None:
    assert measured(nms)["forward"]["locked"]  # type: ignore[index]
    at(nms, EPOCH + LAP / 2)
    read, true = measured(nms), truth(nms)
    for direction in ("forward", "return"):
        one = read[direction]
        assert isinstance(one, dict)
        assert not one["locked"]
        assert one["es_over_n0_db"] is None
        assert true[direction] is None
    assert read["round_trip_latency_s"] is None
    assert true["true_elevation_deg"] is None
    at(nms, EPOCH + LAP)
    assert way(nms) == ("WEST", "HUB-W")


def carried(client: httpx.Client, direction: str = "return") -> dict[str, float]:
    true = truth(client)[direction]
    assert isinstance(true, dict)
    return true


def test_power_follows_the_distance_and_never_the_rain(nms: httpx.Client) -> None:
    share_dbw = 54 - 2 + 10 * math.log10(0.02)
    near = {one: carried(nms, one) for one in ("forward", "return")}
    at(nms, EPOCH + timedelta(minutes=35))  # WEST has gone on by 35 degrees, EAST is farther off
    assert way(nms)[0] == "WEST"
    far = {one: carried(nms, one) for one in ("forward", "return")}
    assert far["return"]["uplink_eirp_dbw"] > near["return"]["uplink_eirp_dbw"] + 0.3
    for seen in (near, far):
        assert seen["return"]["downlink_eirp_dbw"] == pytest.approx(share_dbw, abs=1e-6)
        assert seen["forward"]["downlink_eirp_dbw"] == pytest.approx(share_dbw - 3, abs=1e-6)  # at the beam's edge
    put(nms, "/v1/sky/terminals/T/weather", {"fade_db": 4})
    assert carried(nms)["uplink_eirp_dbw"] == pytest.approx(far["return"]["uplink_eirp_dbw"])
    assert carried(nms)["downlink_eirp_dbw"] == pytest.approx(share_dbw - 4, abs=1e-6)
    for hub_id in ("HUB-W", "HUB-E"):
        put(nms, f"/v1/carriers/R-{hub_id}", a_carrier(hub_id, "return", transmit_power_dbw=-25))
    gain_dbi = 10 * math.log10(0.65 * (math.pi * 2.4 * 28.9e9 / 299_792_458) ** 2)
    assert carried(nms)["uplink_eirp_dbw"] == pytest.approx(gain_dbi - 25, abs=0.6)  # but for its pointing


def test_an_antenna_that_stands_still_loses_what_passes(nms: httpx.Client) -> None:
    seen = truth(nms)
    pointed = {axis: seen[f"true_{axis}"] for axis in ("azimuth_deg", "elevation_deg")}
    put(nms, "/v1/terminals/T", {**TERMINAL, **pointed})
    assert measured(nms)["forward"]["locked"]  # type: ignore[index]
    at(nms, EPOCH + timedelta(minutes=5))
    assert not measured(nms)["forward"]["locked"]  # type: ignore[index]
    put(nms, "/v1/terminals/T", TERMINAL)
    assert measured(nms)["forward"]["locked"]  # type: ignore[index]


def test_carriers_that_do_not_belong_together_are_refused(nms: httpx.Client) -> None:
    path = "/v1/terminals/T"
    other = {"carrier_id": "F-HUB-E", "return_carrier_id": "R-HUB-W"}
    assert refusal(nms, path, {**TERMINAL, "handover_carriers": [other]}) == "two_hubs"
    assert refusal(nms, path, {**TERMINAL, "azimuth_deg": 10}) == "malformed"
    reversed_ = {"carrier_id": "R-HUB-E", "return_carrier_id": "F-HUB-E"}
    assert refusal(nms, path, {**TERMINAL, "handover_carriers": [reversed_]}) == "wrong_direction"
    assert nms.delete("/v1/carriers/R-HUB-E").status_code == 409
    standing = {
        **fleet(),
        "satellites": [{"id": "SAT", "longitude_deg": 30, "transponders": [PAYLOAD | FORWARD | {"id": "TP"}]}],
    }
    put(nms, "/v1/fleet", standing)
    put(nms, "/v1/carriers/F-SAT", a_carrier("HUB-E", "forward", port=2, satellite_id="SAT", transponder_id="TP"))
    assert refusal(nms, path, {**TERMINAL, "carrier_id": "F-SAT"}) == "not_one_constellation"
    assert (
        refusal(
            nms,
            path,
            {
                **TERMINAL,
                "carrier_id": "F-SAT",
                "return_carrier_id": None,
                "handover_carriers": [{"carrier_id": "F-SAT", "return_carrier_id": "R-HUB-W"}],
            },
        )
        == "not_one_constellation"
    )


def test_a_rate_must_fit_the_carriers_of_every_hub(nms: httpx.Client) -> None:
    put(nms, "/v1/carriers/F-HUB-E", a_carrier("HUB-E", "forward", symbol_rate_baud=1_000_000))
    plan = {"terminal_id": "T", "forward_cir_bps": 2_000_000, "forward_mir_bps": 2_000_000}
    assert refusal(nms, "/v1/plans/P", plan) == "too_fast"


def test_the_time_is_that_of_the_clock_unless_it_is_set_and_outlives_a_restart(
    nms: httpx.Client, process: HubNmsProcess
) -> None:
    for wrong in ("2027-03-01T12:00:00", "0001-01-01T00:00:00+14:00", "noon"):  # in which zone, before space age, when
        assert refusal(nms, "/v1/sky/instant", {"at": wrong}) == "malformed"
    now = datetime.now(UTC)
    put(nms, "/v1/fleet", fleet(now))
    at(nms, now - timedelta(minutes=10))
    process.restart()
    with process.client() as again:
        assert way(again) == ("EAST", "HUB-E")
        put(again, "/v1/sky/instant", {"at": None})
        assert way(again) == ("WEST", "HUB-W")
