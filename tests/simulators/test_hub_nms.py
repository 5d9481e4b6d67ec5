"""The simulated hub NMS, as a separate process over HTTP: what it measures, refuses, remembers and breaks."""

import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.simulators.hub_nms_process import FLEET, HubNmsProcess, hub_nms_process

CARRIER: dict[str, object] = {
    "hub_id": "HUB-NAIROBI",
    "port": 1,
    "satellite_id": "SAT-33E",
    "transponder_id": "TP1",
    "uplink_center_hz": 14_245_000_000,
    "downlink_center_hz": 11_195_000_000,
    "symbol_rate_baud": 2_000_000,
    "roll_off": 0.2,
    "modcod": "QPSK 3/4",
    "uplink_polarisation": "H",
    "downlink_polarisation": "V",
    "transmit_power_dbw": -6,
}
RETURN_CARRIER = CARRIER | {
    "direction": "return",
    "uplink_center_hz": 14_255_000_000,
    "downlink_center_hz": 11_205_000_000,
    "symbol_rate_baud": 500_000,
    "transmit_power_dbw": 0,
}
TERMINAL: dict[str, object] = {
    "serial_number": "SN-1",
    "terminal_type": "VSAT 1.2 m",
    "antenna_diameter_m": 1.2,
    "latitude_deg": -10.7,
    "longitude_deg": 25.5,
    "carrier_id": "C1",
    "azimuth_deg": 0.0,
    "elevation_deg": 0.0,
}
PLAN = {"terminal_id": "T1", "forward_cir_bps": 2_000_000, "forward_mir_bps": 2_500_000}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubNmsProcess]:
    with hub_nms_process(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def hub(process: HubNmsProcess) -> Iterator[httpx.Client]:
    """An empty hub without faults. Its journal goes on."""
    with process.client() as client:
        yield client
        process.set_faults()
        client.put("/v1/sky/terminals/T1/weather", json={"fade_db": 0}).raise_for_status()
        for kind in ("plans", "terminals", "carriers"):
            for held in client.get(f"/v1/{kind}").json()["items"]:
                client.delete(f"/v1/{kind}/{held['id']}").raise_for_status()


def put(hub: httpx.Client, path: str, body: object, key: str | None = None) -> httpx.Response:
    return hub.put(f"/v1/{path}", json=body, headers={"Idempotency-Key": key} if key else {})


def line_up(hub: httpx.Client, carrier: dict[str, object], **turned_by_deg: float) -> dict[str, object]:
    """A terminal on that carrier, pointed at the satellite but for `turned_by_deg`: what its modem reads."""
    for path, body in (("carriers/C1", carrier), ("terminals/T1", TERMINAL)):
        put(hub, path, body).raise_for_status()
    true = hub.get("/v1/sky/terminals/T1").json()
    pointed = {axis: true[f"true_{axis}"] + turned_by_deg.get(axis, 0) for axis in ("azimuth_deg", "elevation_deg")}
    put(hub, "terminals/T1", TERMINAL | pointed).raise_for_status()
    put(hub, "plans/P1", PLAN).raise_for_status()
    reading: dict[str, object] = hub.post("/v1/terminals/T1/measurement").json()["forward"]
    return reading


def number(reading: dict[str, object], name: str) -> float:
    value = reading[name]
    assert isinstance(value, int | float)
    return value


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.01)


# what it measures


def test_a_terminal_as_planned_locks_and_carries_its_plan(hub: httpx.Client) -> None:
    reading = line_up(hub, CARRIER)
    assert reading["locked"] is True
    assert reading["throughput_bps"] == PLAN["forward_mir_bps"]
    assert reading["required_es_over_n0_db"] == 4.03  # EN 302 307-1, table 13
    true = hub.get("/v1/sky/terminals/T1").json()["forward"]
    deviation_db = number(reading, "carrier_to_noise_density_db_hz") - true["carrier_to_noise_density_db_hz"]
    assert abs(deviation_db) < 0.5  # five standard deviations of a reading


def test_a_plan_faster_than_the_carrier_gets_what_the_carrier_carries(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    put(hub, "plans/P1", PLAN | {"forward_mir_bps": 9_000_000}).raise_for_status()
    reading = hub.post("/v1/terminals/T1/measurement").json()["forward"]
    assert reading["throughput_bps"] == int(2_000_000 * 1.487473)  # EN 302 307-1, table 13


def test_without_a_plan_no_traffic_passes(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    hub.delete("/v1/plans/P1").raise_for_status()
    reading = hub.post("/v1/terminals/T1/measurement").json()["forward"]
    assert (reading["locked"], reading["throughput_bps"]) == (True, 0)


def test_the_round_trip_is_twice_to_the_orbit_and_back(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    latency_s = hub.post("/v1/terminals/T1/measurement").json()["round_trip_latency_s"]
    assert 4 * 35_786_000 / 299_792_458 < latency_s < 4 * 41_700_000 / 299_792_458 + 0.03


@pytest.mark.parametrize("axis", ["azimuth_deg", "elevation_deg"])
def test_a_terminal_pointed_beside_the_satellite_does_not_lock(hub: httpx.Client, axis: str) -> None:
    reading = line_up(hub, CARRIER, **{axis: -12.0})
    assert (reading["locked"], reading["throughput_bps"]) == (False, 0)


def test_a_pointing_error_costs_twelve_decibels_a_beamwidth_squared(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    straight = hub.get("/v1/sky/terminals/T1").json()
    beamwidth_deg = 70 * (299_792_458 / 11_195_000_000) / 1.2
    line_up(hub, CARRIER, elevation_deg=beamwidth_deg / 2)
    beside = hub.get("/v1/sky/terminals/T1").json()
    down = "carrier_to_noise_density_down_db_hz"
    lost_db = straight["forward"][down] - beside["forward"][down]
    less, more = (true["pointing_error_deg"] / beamwidth_deg for true in (straight, beside))
    assert less < 0.19 < 0.5 - 0.19 < more, "as its installer left it, and turned by half a beamwidth from there"
    assert lost_db == pytest.approx(12 * (more**2 - less**2))


def test_each_terminal_keeps_the_error_with_which_it_was_installed(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    pointed = {name: value for name, value in hub.get("/v1/terminals/T1").json().items() if name in TERMINAL}
    errors_deg = []
    for serial in ("SN-1", "SN-2", "SN-1"):
        # told to the tenth of a degree, as angles come from elements of some days ago
        told = pointed | {"serial_number": serial, "elevation_deg": round(pointed["elevation_deg"], 1)}
        put(hub, "terminals/T1", told).raise_for_status()
        errors_deg.append(hub.get("/v1/sky/terminals/T1").json()["pointing_error_deg"])
    assert errors_deg[0] == errors_deg[2] != errors_deg[1]
    assert min(errors_deg) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"uplink_polarisation": "V"},
        {"downlink_polarisation": "H"},
        {"downlink_center_hz": 11_195_500_000},
        {"uplink_center_hz": 14_245_500_000},
        {"uplink_center_hz": 14_300_000_000, "downlink_center_hz": 11_250_000_000},
        {"uplink_center_hz": 14_232_500_000, "downlink_center_hz": 11_182_500_000},
        {"transmit_power_dbw": -30},
        {"modcod": "32APSK 9/10"},
    ],
    ids=lambda wrong: ",".join(wrong),
)
def test_a_wrong_carrier_does_not_lock(hub: httpx.Client, wrong: dict[str, object]) -> None:
    assert line_up(hub, CARRIER)["locked"] is True
    reading = line_up(hub, CARRIER | wrong)
    assert (reading["locked"], reading["throughput_bps"]) == (False, 0)


def test_a_carrier_of_another_customer_on_the_same_frequency_breaks_the_link(hub: httpx.Client) -> None:
    assert line_up(hub, CARRIER)["locked"] is True
    put(hub, "carriers/C2", CARRIER | {"port": 2}).raise_for_status()
    assert hub.post("/v1/terminals/T1/measurement").json()["forward"]["carrier_to_noise_db"] < 1
    beside = {"port": 2, "uplink_center_hz": 14_247_400_000, "downlink_center_hz": 11_197_400_000}
    put(hub, "carriers/C2", CARRIER | beside).raise_for_status()
    assert hub.post("/v1/terminals/T1/measurement").json()["forward"]["locked"] is True


def test_a_fade_lowers_the_reading(hub: httpx.Client) -> None:
    clear_db = number(line_up(hub, CARRIER), "carrier_to_noise_db")
    hub.put("/v1/sky/terminals/T1/weather", json={"fade_db": 20}).raise_for_status()
    faded = hub.post("/v1/terminals/T1/measurement").json()["forward"]
    assert faded["carrier_to_noise_db"] < clear_db - 10
    assert faded["locked"] is False


def test_the_return_link_is_measured_too_and_fails_with_the_terminal_mispointed(hub: httpx.Client) -> None:
    put(hub, "carriers/R1", RETURN_CARRIER).raise_for_status()
    line_up(hub, CARRIER)
    pointed = {name: value for name, value in hub.get("/v1/terminals/T1").json().items() if name in TERMINAL}
    put(hub, "terminals/T1", pointed | {"return_carrier_id": "R1"}).raise_for_status()
    put(hub, "plans/P1", PLAN | {"return_cir_bps": 500_000, "return_mir_bps": 500_000}).raise_for_status()
    back = hub.post("/v1/terminals/T1/measurement").json()["return"]
    assert (back["carrier_id"], back["locked"], back["throughput_bps"]) == ("R1", True, 500_000)
    astray = pointed | {"return_carrier_id": "R1", "azimuth_deg": (float(pointed["azimuth_deg"]) + 30) % 360}
    put(hub, "terminals/T1", astray).raise_for_status()
    assert hub.post("/v1/terminals/T1/measurement").json()["return"]["locked"] is False
    hub.delete("/v1/plans/P1").raise_for_status()
    hub.delete("/v1/terminals/T1").raise_for_status()


# what it refuses


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("carriers/C2", CARRIER | {"hub_id": "NOWHERE"}, 422, "no_such_hub"),
        ("carriers/C2", CARRIER | {"transponder_id": "TP9"}, 422, "no_such_transponder"),
        ("carriers/C2", CARRIER | {"port": 9}, 422, "no_such_port"),
        ("carriers/C2", CARRIER, 409, "port_taken"),
        ("carriers/C2", CARRIER | {"port": 2, "transmit_power_dbw": 21}, 422, "too_much_power"),
        ("carriers/C2", CARRIER | {"port": 2, "modcod": "QPSK 7/3"}, 422, "malformed"),
        ("carriers/C2", CARRIER | {"port": 2, "colour": "red"}, 422, "malformed"),
        ("carriers/C1", CARRIER | {"direction": "return"}, 409, "in_use"),
        ("carriers/a%20b", CARRIER | {"port": 2}, 422, "malformed"),
        ("terminals/T2", TERMINAL | {"carrier_id": "C9"}, 422, "no_such_carrier"),
        ("terminals/T2", TERMINAL | {"return_carrier_id": "C1"}, 422, "wrong_direction"),
        ("terminals/T2", TERMINAL | {"latitude_deg": 91}, 422, "malformed"),
        ("plans/P2", PLAN, 409, "has_a_plan"),
        ("plans/P2", PLAN | {"terminal_id": "T9"}, 422, "no_such_terminal"),
        ("plans/P1", PLAN | {"forward_cir_bps": 3_000_000}, 422, "malformed"),
        ("plans/P1", PLAN | {"forward_cir_bps": 3_000_000, "forward_mir_bps": 3_000_000}, 422, "too_fast"),
        ("plans/P1", PLAN | {"return_mir_bps": 1}, 422, "no_return_carrier"),
    ],
)
def test_a_refusal_says_why_and_leaves_no_trace(
    hub: httpx.Client, process: HubNmsProcess, path: str, body: object, status: int, code: str
) -> None:
    line_up(hub, CARRIER)
    before = [hub.get(f"/v1/{kind}").json() for kind in ("carriers", "terminals", "plans")]
    answer = put(hub, path, body, key=f"refused:{path}:{code}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert [hub.get(f"/v1/{kind}").json() for kind in ("carriers", "terminals", "plans")] == before
    assert process.journal(idempotency_key=f"refused:{path}:{code}") == []


def test_nan_is_refused(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    body = hub.get("/v1/terminals/T1").content.replace(b'"altitude_m":0.0', b'"altitude_m":NaN')
    assert hub.put("/v1/terminals/T2", content=body, headers={"Content-Type": "application/json"}).status_code == 422


def test_what_is_in_use_is_not_removed(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    for path in ("carriers/C1", "terminals/T1"):
        answer = hub.delete(f"/v1/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "in_use")


def test_removing_what_is_not_there_is_no_error_and_no_effect(hub: httpx.Client, process: HubNmsProcess) -> None:
    for _ in range(2):
        assert hub.delete("/v1/carriers/NEVER").status_code == 204
    assert process.journal(id="NEVER") == []


def test_a_freed_port_can_be_given_again(hub: httpx.Client) -> None:
    put(hub, "carriers/C1", CARRIER).raise_for_status()
    hub.delete("/v1/carriers/C1").raise_for_status()
    assert put(hub, "carriers/C2", CARRIER).status_code == 201
    assert hub.get("/v1/hubs").json()["items"][0]["ports_taken"] == [
        {"port": 1, "direction": "forward", "carrier_id": "C2"}
    ]


def test_nobody_gets_in_without_the_token(process: HubNmsProcess) -> None:
    paths = httpx.get(f"{process.url}/openapi.json").json()["paths"]
    assert len(paths) > 10
    for path, methods in paths.items():
        for method in methods:
            answer = httpx.request(method, f"{process.url}{path}", headers={"Authorization": "Bearer wrong"})
            assert (answer.status_code == 401) == (path != "/health"), (method, path)
    assert stat.S_IMODE((process.state_dir / "token").stat().st_mode) == 0o600


# what it remembers


def test_the_same_key_has_one_effect_and_one_answer(hub: httpx.Client, process: HubNmsProcess) -> None:
    answers = [put(hub, "carriers/C1", CARRIER, key="one") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert [line["outcome"] for line in process.journal(idempotency_key="one")] == ["created"]


def test_without_a_key_each_repetition_is_an_effect(hub: httpx.Client, process: HubNmsProcess) -> None:
    for _ in range(2):
        put(hub, "carriers/WITHOUT-KEY", CARRIER).raise_for_status()
    assert [line["revision"] for line in process.journal(id="WITHOUT-KEY")] == [1, 2]


def test_a_measurement_repeated_under_its_key_is_the_same_reading(hub: httpx.Client) -> None:
    line_up(hub, CARRIER)
    same = [hub.post("/v1/terminals/T1/measurement", headers={"Idempotency-Key": "reading"}).content for _ in range(2)]
    other = hub.post("/v1/terminals/T1/measurement").content
    assert same[0] == same[1] != other


def test_a_key_used_for_another_request_is_refused(hub: httpx.Client) -> None:
    put(hub, "carriers/C1", CARRIER, key="two").raise_for_status()
    for answer in (
        put(hub, "carriers/C1", CARRIER | {"transmit_power_dbw": 0}, key="two"),
        put(hub, "carriers/C2", CARRIER, key="two"),
        hub.delete("/v1/carriers/C1", headers={"Idempotency-Key": "two"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")
    assert hub.get("/v1/carriers/C1").json()["revision"] == 1


def test_a_refused_request_may_be_repeated_under_its_key_once_the_cause_is_gone(hub: httpx.Client) -> None:
    put(hub, "carriers/C1", CARRIER).raise_for_status()
    assert put(hub, "carriers/C2", CARRIER, key="three").status_code == 409
    hub.delete("/v1/carriers/C1").raise_for_status()
    assert put(hub, "carriers/C2", CARRIER, key="three").status_code == 201


def kill_at(process: HubNmsProcess, acknowledged: list[str], number: int) -> None:
    """In the middle of the work: when so many are acknowledged, and more are on their way."""
    wait_until(lambda: len(acknowledged) >= number)
    process.kill()


def test_sigkill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with hub_nms_process(tmp_path) as killed, killed.client() as client:
        put(client, "carriers/C1", CARRIER).raise_for_status()
        for round_number in range(3):
            enough = len(acknowledged) + 20 + 10 * round_number
            killer = threading.Thread(target=kill_at, args=(killed, acknowledged, enough))
            killer.start()
            try:
                for number_in_round in range(100_000):
                    terminal_id = f"R{round_number}-{number_in_round:06}"
                    put(client, f"terminals/{terminal_id}", TERMINAL, key=terminal_id).raise_for_status()
                    acknowledged.append(terminal_id)
            except httpx.TransportError:
                killer.join()  # it reaps the process that is started again here
                killed.restart()
        journal = [str(line["id"]) for line in _all(client, "/v1/journal") if line["kind"] == "terminal"]
        held = [str(line["id"]) for line in _all(client, "/v1/terminals")]
    assert set(acknowledged) <= set(held)
    assert sorted(journal) == sorted(held)  # no effect without its line, no line without its effect


def _all(client: httpx.Client, path: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    after: str | int | None = None
    while True:
        page = client.get(path, params={} if after is None else {"after": after}).json()
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def test_fleet_faults_and_token_outlive_a_kill(tmp_path: Path) -> None:
    with hub_nms_process(tmp_path, fleet={"hubs": [], "satellites": []}) as killed, killed.client() as client:
        client.put("/v1/fleet", json=FLEET).raise_for_status()
        killed.set_faults({"kind": "error500", "path": "/v1/plans/*"})
        killed.kill()
        killed.restart()
        assert put(client, "carriers/C1", CARRIER).status_code == 201
        assert client.get("/v1/plans/P1").status_code == 500


def test_the_same_seed_gives_the_same_readings(tmp_path: Path) -> None:
    readings = []
    for seed, folder in ((7, "one"), (7, "two"), (8, "three")):
        with hub_nms_process(tmp_path / folder, seed=seed) as running, running.client() as client:
            readings.append(line_up(client, CARRIER))
    assert readings[0] == readings[1] != readings[2]


# what it breaks on demand


def test_error500_does_nothing_as_often_as_told(hub: httpx.Client, process: HubNmsProcess) -> None:
    process.set_faults({"kind": "error500", "method": "PUT", "count": 2})
    statuses = [put(hub, "carriers/C1", CARRIER, key="broken").status_code for _ in range(3)]
    assert statuses == [500, 500, 201]
    assert len(process.journal(idempotency_key="broken")) == 1


def test_an_answer_is_lost_though_the_effect_is_done(hub: httpx.Client, process: HubNmsProcess) -> None:
    process.set_faults({"kind": "effect_done_answer_lost", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        put(hub, "carriers/C1", CARRIER, key="lost")
    assert hub.get("/v1/carriers/C1").status_code == 200
    assert put(hub, "carriers/C1", CARRIER, key="lost").status_code == 201
    assert len(process.journal(idempotency_key="lost")) == 1


@pytest.mark.parametrize(("key", "effects"), [("repeated", 1), (None, 2)])
def test_a_duplicate_is_done_once_only_with_a_key(
    hub: httpx.Client, process: HubNmsProcess, key: str | None, effects: int
) -> None:
    process.set_faults({"kind": "duplicate", "method": "PUT", "count": 1})
    put(hub, f"carriers/DOUBLE-{effects}", CARRIER, key).raise_for_status()
    assert len(process.journal(id=f"DOUBLE-{effects}")) == effects


def test_slow_is_done_after_the_client_has_given_up(hub: httpx.Client, process: HubNmsProcess) -> None:
    process.set_faults({"kind": "slow", "method": "PUT", "count": 1, "delay_s": 0.5})
    with pytest.raises(httpx.ReadTimeout):
        hub.put("/v1/carriers/C1", json=CARRIER, headers={"Idempotency-Key": "slow"}, timeout=0.1)
    assert hub.get("/v1/carriers/C1").status_code == 404
    assert put(hub, "carriers/C1", CARRIER, key="slow").status_code == 201
    assert len(process.journal(idempotency_key="slow")) == 1


def test_out_of_order_lets_the_next_write_overtake(tmp_path: Path) -> None:
    # a hub of its own: a slow write of an earlier test may still be under way, and would be the next
    with hub_nms_process(tmp_path) as process, process.client() as hub:
        process.set_faults({"kind": "out_of_order", "path": "/v1/carriers/LATE", "count": 1, "delay_s": 20})
        late = threading.Thread(target=put, args=(hub, "carriers/LATE", CARRIER, "late"))
        late.start()
        wait_until(lambda: hub.get("/v1/faults").json()["rules"][0]["struck"] == 1)
        put(hub, "carriers/EARLY", CARRIER | {"port": 2}, key="early").raise_for_status()
        late.join()
        order = [line["id"] for line in process.journal() if line["idempotency_key"] in ("late", "early")]
    assert order == ["EARLY", "LATE"]


def test_a_request_cancelled_while_under_way_is_refused_when_it_arrives(
    hub: httpx.Client, process: HubNmsProcess
) -> None:
    process.set_faults({"kind": "out_of_order", "method": "PUT", "count": 1, "delay_s": 20})
    answers: list[httpx.Response] = []
    late = threading.Thread(target=lambda: answers.append(put(hub, "carriers/GHOST", CARRIER, "ghost")))
    late.start()
    wait_until(lambda: hub.get("/v1/faults").json()["rules"][0]["struck"] == 1)
    hub.delete("/v1/carriers/GHOST", headers={"Cancels-Key": "ghost"}).raise_for_status()
    late.join()
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (409, "key_cancelled")
    assert hub.get("/v1/carriers/GHOST").status_code == 404


def test_restart_is_away_for_a_moment_and_keeps_what_it_held(hub: httpx.Client, process: HubNmsProcess) -> None:
    put(hub, "carriers/C1", CARRIER).raise_for_status()
    process.set_faults({"kind": "restart", "method": "DELETE", "count": 1, "delay_s": 0.3})
    assert hub.delete("/v1/carriers/C1").status_code == 503
    assert hub.get("/v1/hubs").status_code == 503
    wait_until(lambda: hub.get("/v1/hubs").status_code == 200)
    assert hub.get("/v1/carriers/C1").json()["revision"] == 1


def test_a_fault_can_be_meant_for_one_terminal(hub: httpx.Client, process: HubNmsProcess) -> None:
    line_up(hub, CARRIER)
    process.set_faults({"kind": "error500", "terminal": "T1"})
    assert hub.post("/v1/terminals/T1/measurement").status_code == 500
    assert put(hub, "plans/P1", PLAN).status_code == 500
    assert put(hub, "terminals/T2", TERMINAL).status_code == 201


def test_faults_by_probability_come_again_with_the_same_seed(hub: httpx.Client, process: HubNmsProcess) -> None:
    runs = []
    for seed in (1, 1, 2):
        process.set_faults({"kind": "error500", "probability": 0.5, "seed": seed})
        runs.append([hub.get("/v1/plans/P1").status_code for _ in range(40)])
    assert runs[0] == runs[1] != runs[2]
    assert {404, 500} == set(runs[0])
