"""The hub NMS driver against the real simulator in its own process: one effect per step, whatever the network does."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from pydantic import TypeAdapter

from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import (
    UNDO,
    Action,
    CarrierConfiguration,
    Difference,
    DriverRefused,
    DriverUnavailable,
    HubConfiguration,
    HubDriver,
    Measurement,
    PortTaken,
    RatePlan,
    TerminalConfiguration,
)
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

CARRIER = CarrierConfiguration(
    carrier_id="C1",
    hub_id="HUB-NAIROBI",
    port=1,
    satellite_id="SAT-33E",
    transponder_id="TP1",
    uplink_center_hz=14_245_000_000,
    downlink_center_hz=11_195_000_000,
    symbol_rate_baud=2_000_000,
    roll_off=0.2,
    modcod="QPSK 3/4",
    uplink_polarisation="H",
    downlink_polarisation="V",
    transmit_power_dbw=-6.0,
)
RETURN_CARRIER = replace(
    CARRIER,
    carrier_id="R1",
    direction="return",
    uplink_center_hz=14_255_000_000,
    downlink_center_hz=11_205_000_000,
    symbol_rate_baud=500_000,
    transmit_power_dbw=0.0,
)
TERMINAL = TerminalConfiguration(
    terminal_id="T1",
    serial_number="SN-1",
    terminal_type="VSAT 1.2 m",
    antenna_diameter_m=1.2,
    latitude_deg=-10.7,
    longitude_deg=25.5,
    azimuth_deg=35.33,
    elevation_deg=74.78,
    carrier_id="C1",
    return_carrier_id="R1",
)
PLAN = RatePlan("P1", "T1", 2_000_000, 2_500_000, 400_000, 500_000)
DESIRED = HubConfiguration((CARRIER, RETURN_CARRIER), (TERMINAL,), (PLAN,))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubNmsProcess]:
    with hub_nms_process(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def hub(process: HubNmsProcess) -> Iterator[HubNmsProcess]:
    """An empty hub without faults. Its journal goes on."""
    yield process
    process.set_faults()
    with process.client() as client:
        for kind in ("plans", "terminals", "carriers"):
            for held in client.get(f"/v1/{kind}").json()["items"]:
                client.delete(f"/v1/{kind}/{held['id']}").raise_for_status()


@pytest.fixture
def driver(hub: HubNmsProcess) -> Iterator[HubNmsDriver]:
    with HubNmsDriver(hub.url, hub.token, first_pause_s=0.01) as ready:
        yield ready


def configure_all(driver: HubDriver, order: str) -> None:
    driver.configure_carrier(CARRIER, f"{order}:carrier")
    driver.configure_carrier(RETURN_CARRIER, f"{order}:return carrier")
    driver.configure_terminal(TERMINAL, f"{order}:terminal")
    driver.apply_plan(PLAN, f"{order}:plan")


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.01)


def holds_nothing(driver: HubDriver) -> bool:
    return driver.read_back(DESIRED) == HubConfiguration()


def test_what_was_configured_is_read_back(driver: HubNmsDriver) -> None:
    assert holds_nothing(driver)
    configure_all(driver, "read back")
    assert driver.read_back(DESIRED) == DESIRED


def test_all_that_the_hub_holds_is_listed_page_by_page(driver: HubNmsDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    configure_all(driver, "listed")
    pages: list[str] = []
    ask = driver._ask

    def one_on_a_page(method: str, path: str) -> httpx.Response:
        pages.append(path)
        return ask(method, f"{path}&limit=1")

    monkeypatch.setattr(driver, "_ask", one_on_a_page)
    assert driver.holds(lambda _: True) == DESIRED
    assert len(pages) == len({*pages}) == 7, "carriers on three pages, the last of them empty; the others on two each"
    assert driver.holds(lambda name: name == "R1") == HubConfiguration((RETURN_CARRIER,))


def test_what_was_kept_before_satellites_passed_is_read_today() -> None:
    read = {"locked": True, "carrier_to_noise_density_db_hz": 70.0, "carrier_to_noise_db": 7.0, "es_over_n0_db": 7.0}
    reading = {"carrier_id": "C1", **read, "required_es_over_n0_db": 4.0, "throughput_bps": 1}
    kept = {"terminal_id": "T1", "forward": reading, "return_link": None, "round_trip_latency_s": 0.5}
    measured = TypeAdapter(Measurement).validate_python(kept)
    assert (measured.satellite_id, measured.hub_id) == (None, None)
    new = ("power_share", "handover_carriers")
    configured = TypeAdapter(HubConfiguration).dump_python(DESIRED, mode="json")
    for one in (*configured["carriers"], *configured["terminals"]):
        for name in new:
            one.pop(name, None)
    assert TypeAdapter(HubConfiguration).validate_python(configured) == DESIRED


def test_a_configured_service_measures_both_ways(driver: HubNmsDriver) -> None:
    configure_all(driver, "measured")
    measured = driver.measure("T1", "measured:test")
    assert measured.forward.locked
    assert measured.forward.throughput_bps == PLAN.forward_mir_bps
    assert measured.return_link is not None
    assert measured.return_link.locked
    assert measured.return_link.throughput_bps == PLAN.return_mir_bps
    assert measured.round_trip_latency_s == pytest.approx(0.5, abs=0.05)
    assert driver.measure("T1", "measured:test") == measured


def test_a_mispointed_terminal_fails_its_test(driver: HubNmsDriver) -> None:
    configure_all(driver, "mispointed")
    driver.configure_terminal(replace(TERMINAL, elevation_deg=60.0), "mispointed:wrong")
    measured = driver.measure("T1", "mispointed:test")
    assert measured.return_link is not None
    assert not measured.forward.locked
    assert not measured.return_link.locked
    assert measured.round_trip_latency_s is None


def test_a_carrier_on_a_wrong_frequency_gives_no_signal(driver: HubNmsDriver) -> None:
    configure_all(driver, "wrong")
    driver.configure_carrier(replace(CARRIER, downlink_center_hz=11_199_000_000), "wrong:frequency")
    measured = driver.measure("T1", "wrong:test")
    assert (measured.forward.locked, measured.forward.carrier_to_noise_db) == (False, None)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error500", "count": 2},
        {"kind": "effect_done_answer_lost", "count": 2},
        {"kind": "duplicate", "count": 2},
        {"kind": "slow", "count": 1, "delay_s": 1.0},
        {"kind": "out_of_order", "count": 1, "delay_s": 1.0},
        {"kind": "restart", "count": 1, "delay_s": 0.3},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_each_step_has_one_effect_under_each_fault(hub: HubNmsProcess, fault: dict[str, object]) -> None:
    steps = ("carrier", "return carrier", "terminal", "plan")
    order = f"fault {fault['kind']}"
    with HubNmsDriver(hub.url, hub.token, first_pause_s=0.05, timeout_s=0.4, attempts=10) as driver:
        hub.set_faults(*({**fault, "method": "PUT", "path": f"/v1/{kind}/*"} for kind in ("carriers", "plans")))
        configure_all(driver, order)
        assert driver.read_back(DESIRED) == DESIRED
    time.sleep(1.2 if "delay_s" in fault else 0)  # what was held back arrives now
    for step in steps:
        assert [line["outcome"] for line in hub.journal(idempotency_key=f"{order}:{step}")] == ["created"]


def test_with_a_new_key_for_each_attempt_a_lost_answer_would_be_two_effects(hub: HubNmsProcess) -> None:
    """Why the key must stay the same: the journal tells the difference."""
    hub.set_faults({"kind": "effect_done_answer_lost", "count": 1})
    with HubNmsDriver(hub.url, hub.token, attempts=1) as careless:
        with pytest.raises(DriverUnavailable):
            careless.configure_carrier(replace(CARRIER, carrier_id="TWICE"), "first key")
        careless.configure_carrier(replace(CARRIER, carrier_id="TWICE"), "second key")
        careless.remove_carrier("TWICE", "away")
    assert [line["outcome"] for line in hub.journal(id="TWICE")] == ["created", "replaced", "removed"]


def test_a_hub_killed_between_two_steps_has_lost_nothing(hub: HubNmsProcess) -> None:
    with HubNmsDriver(hub.url, hub.token, first_pause_s=0.2, attempts=10) as driver:
        driver.configure_carrier(CARRIER, "killed:carrier")
        hub.kill()
        back = threading.Thread(target=hub.restart)
        back.start()
        driver.configure_carrier(RETURN_CARRIER, "killed:return carrier")
        back.join()
        driver.configure_carrier(CARRIER, "killed:carrier")
        assert driver.read_back(DESIRED).carriers == (CARRIER, RETURN_CARRIER)
    assert len(hub.journal(idempotency_key="killed:carrier")) == 1


def test_a_refusal_is_told_in_the_hubs_words_and_not_repeated(driver: HubNmsDriver, hub: HubNmsProcess) -> None:
    driver.configure_carrier(CARRIER, "refused:first")
    hub.set_faults({"kind": "slow", "delay_s": 0})  # counts the requests
    with pytest.raises(PortTaken, match=r"port 1 .* belongs to carrier C1") as refused:
        driver.configure_carrier(replace(CARRIER, carrier_id="C2"), "refused:second")
    assert (refused.value.status, refused.value.code) == (409, "port_taken")
    with hub.client() as client:
        assert client.get("/v1/faults").json()["rules"][0]["struck"] == 1


def test_a_wrong_token_is_a_refusal(hub: HubNmsProcess) -> None:
    with HubNmsDriver(hub.url, "wrong") as stranger, pytest.raises(DriverRefused) as refused:
        stranger.read_back(DESIRED)
    assert refused.value.status == 401


def test_a_hub_that_never_answers_is_unavailable_after_the_given_attempts(hub: HubNmsProcess) -> None:
    hub.set_faults({"kind": "error500"})
    with HubNmsDriver(hub.url, hub.token, attempts=3, first_pause_s=0.01) as driver:
        with pytest.raises(DriverUnavailable, match=r"3 attempts.*500"):
            driver.configure_carrier(CARRIER, "never")
        with hub.client() as client:
            assert client.get("/v1/faults").json()["rules"][0]["struck"] == 3
    assert hub.journal(idempotency_key="never") == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"hub_id": 7}', b'{"forward": 1}'])
def test_an_answer_that_makes_no_sense_is_no_answer(body: bytes) -> None:
    nonsense = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with HubNmsDriver("http://hub", "token", transport=nonsense) as driver:
        with pytest.raises(DriverUnavailable):
            driver.measure("T1", "nonsense")
        with pytest.raises(DriverUnavailable):
            driver.read_back(HubConfiguration(carriers=(CARRIER,)))


def test_the_hubs_wish_to_be_left_alone_is_kept() -> None:
    asked_at: list[float] = []

    def busy_once(_: httpx.Request) -> httpx.Response:
        asked_at.append(time.monotonic())
        return httpx.Response(429, headers={"Retry-After": "1"}) if len(asked_at) == 1 else httpx.Response(204)

    with HubNmsDriver("http://hub", "token", first_pause_s=0, transport=httpx.MockTransport(busy_once)) as driver:
        driver.remove_carrier("C1", "busy")
    assert asked_at[1] - asked_at[0] >= 1


def test_an_id_cannot_leave_its_path() -> None:
    paths = []

    def remember(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(204)

    with HubNmsDriver("http://hub", "token", transport=httpx.MockTransport(remember)) as driver:
        driver.remove_carrier("../plans/P1?x=1#y", "path")
    assert paths == [b"/v1/carriers/..%2Fplans%2FP1%3Fx%3D1%23y"]


def test_a_dry_run_names_what_it_would_send_and_changes_nothing(driver: HubNmsDriver, hub: HubNmsProcess) -> None:
    driver.configure_carrier(replace(CARRIER, transmit_power_dbw=-9.0), "dry:before")
    effects = len(hub.journal())
    planned = driver.plan_of_changes(DESIRED)
    assert [(request.method, request.path) for request in planned] == [
        ("PUT", "/v1/carriers/C1"),
        ("PUT", "/v1/carriers/R1"),
        ("PUT", "/v1/terminals/T1"),
        ("PUT", "/v1/plans/P1"),
    ]
    assert planned[0].differences == (Difference("carrier", "C1", "transmit_power_dbw", -6.0, -9.0),)
    assert planned[1].differences == (Difference("carrier", "R1", "exists", True, False),)
    assert len(hub.journal()) == effects
    assert driver.read_back(DESIRED).terminals == ()


def test_what_a_dry_run_would_send_brings_the_hub_to_what_is_desired(driver: HubNmsDriver, hub: HubNmsProcess) -> None:
    with hub.client() as client:
        for request in driver.plan_of_changes(DESIRED):
            client.request(request.method, request.path, json=dict(request.body)).raise_for_status()
    assert driver.plan_of_changes(DESIRED) == []
    assert driver.drift(DESIRED) == []


def test_drift_is_found_field_by_field(driver: HubNmsDriver, hub: HubNmsProcess) -> None:
    configure_all(driver, "drift")
    assert driver.drift(DESIRED) == []
    with hub.client() as client:  # somebody at the hub's own console
        body = client.get("/v1/carriers/C1").json()
        del body["id"], body["revision"]
        client.put("/v1/carriers/C1", json=body | {"modcod": "8PSK 2/3", "roll_off": 0.25}).raise_for_status()
        client.delete("/v1/plans/P1").raise_for_status()
    assert driver.drift(DESIRED) == [
        Difference("carrier", "C1", "roll_off", 0.2, 0.25),
        Difference("carrier", "C1", "modcod", "QPSK 3/4", "8PSK 2/3"),
        Difference("plan", "P1", "exists", True, False),
    ]


def test_undone_in_reverse_nothing_is_left(driver: HubNmsDriver) -> None:
    configure_all(driver, "undone")
    for _ in range(2):  # an undo that finds nothing to undo does nothing
        driver.remove_plan("P1", "undone:undo plan")
        driver.remove_terminal("T1", "undone:undo terminal")
        driver.remove_carrier("R1", "undone:undo return carrier")
        driver.remove_carrier("C1", "undone:undo carrier")
    assert holds_nothing(driver)


def test_a_step_that_arrives_after_its_undo_stays_undone(hub: HubNmsProcess, driver: HubNmsDriver) -> None:
    hub.set_faults({"kind": "out_of_order", "method": "PUT", "count": 1, "delay_s": 20})
    with HubNmsDriver(hub.url, hub.token, attempts=1, timeout_s=0.3) as impatient, pytest.raises(DriverUnavailable):
        impatient.configure_carrier(CARRIER, "late:carrier")
    driver.remove_carrier("C1", "late:undo", cancels="late:carrier")
    driver.configure_carrier(RETURN_CARRIER, "late:other")
    wait_until(lambda: hub.journal(idempotency_key="late:other") != [])
    assert driver.read_back(DESIRED) == HubConfiguration(carriers=(RETURN_CARRIER,))
    with pytest.raises(DriverRefused, match="cancelled"):
        driver.configure_carrier(CARRIER, "late:carrier")


def test_each_action_is_a_method_and_has_its_undo(driver: HubNmsDriver) -> None:
    ready: HubDriver = driver
    assert all(callable(getattr(ready, action.value)) for action in Action)
    assert set(UNDO) == set(Action)
    assert all(UNDO[undo] is action for action, undo in UNDO.items() if undo is not None)
