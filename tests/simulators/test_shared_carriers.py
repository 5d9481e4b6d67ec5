"""Carriers that a simulated hub holds for many terminals: lined up to their power, adapted to each terminal's sky."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.hub_nms_process import FLEET, hub_nms_process

FORWARD: dict[str, object] = {
    "id": "POOL-F",
    "hub_id": "HUB-NAIROBI",
    "direction": "forward",
    "satellite_id": "SAT-33E",
    "transponder_id": "TP1",
    "uplink_center_hz": 14_245_000_000,
    "downlink_center_hz": 11_195_000_000,
    "symbol_rate_baud": 6_000_000,
    "roll_off": 0.2,
    "power_share": 0.2,
}
RETURN = FORWARD | {
    "id": "POOL-R",
    "direction": "return",
    "uplink_center_hz": 14_255_000_000,
    "downlink_center_hz": 11_205_000_000,
    "symbol_rate_baud": 500_000,
    "power_share": 0.01,
}
SHARING = {**FLEET, "shared_carriers": [FORWARD, RETURN]}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[httpx.Client]:
    with hub_nms_process(tmp_path, SHARING) as running, running.client() as client:
        yield client


def install(hub: httpx.Client, name: str, **told: object) -> None:
    """A terminal on the shared carriers, pointed at the satellite, with 30 Mbit/s down and 1 up at most."""
    body: dict[str, object] = {
        "serial_number": f"SN-{name}",
        "terminal_type": "VSAT 1.2 m",
        "antenna_diameter_m": 1.2,
        "latitude_deg": -10.7,
        "longitude_deg": 25.5,
        "carrier_id": "POOL-F",
        "return_carrier_id": "POOL-R",
        "transmit_power_dbw": 0,
        "azimuth_deg": 0,
        "elevation_deg": 0,
    }
    hub.put(f"/v1/terminals/{name}", json=body | told).raise_for_status()
    true = truth(hub, name)
    pointed = {"azimuth_deg": true["true_azimuth_deg"], "elevation_deg": true["true_elevation_deg"]}
    hub.put(f"/v1/terminals/{name}", json=body | told | pointed).raise_for_status()
    rates = {"forward_cir_bps": 1_000_000, "forward_mir_bps": 30_000_000, "return_mir_bps": 1_000_000}
    hub.put(f"/v1/plans/{name}-plan", json={"terminal_id": name, **rates}).raise_for_status()


def truth(hub: httpx.Client, name: str) -> Any:
    return hub.get(f"/v1/sky/terminals/{name}").json()


def measured(hub: httpx.Client, name: str) -> Any:
    return hub.post(f"/v1/terminals/{name}/measurement").json()


def test_a_shared_carrier_is_on_the_air_at_its_share_of_the_power(hub: httpx.Client) -> None:
    install(hub, "T1")
    full_dbw = 52 - 3
    assert truth(hub, "T1")["forward"]["downlink_eirp_dbw"] == pytest.approx(full_dbw + 10 * math.log10(0.2), abs=0.01)


def test_a_shared_carrier_takes_no_port(hub: httpx.Client) -> None:
    assert hub.get("/v1/hubs").json()["items"][0]["ports_taken"] == []
    assert [one["port"] for one in hub.get("/v1/carriers").json()["items"]] == [None, None]


def test_each_terminal_sends_with_its_own_power(hub: httpx.Client) -> None:
    install(hub, "T1")
    install(hub, "T2", transmit_power_dbw=-3)
    first, second = (truth(hub, name)["return"] for name in ("T1", "T2"))
    assert first["uplink_eirp_dbw"] - second["uplink_eirp_dbw"] == pytest.approx(3, abs=0.5)  # but for their pointing


def test_terminals_on_one_return_carrier_send_in_turn_and_do_not_disturb_each_other(hub: httpx.Client) -> None:
    install(hub, "T1")
    alone = truth(hub, "T1")["return"]
    install(hub, "T2")
    assert truth(hub, "T1")["return"] == alone


def test_a_terminal_in_the_rain_goes_on_with_a_slower_modcod(hub: httpx.Client) -> None:
    install(hub, "T1")
    dry = measured(hub, "T1")["forward"]
    hub.put("/v1/sky/terminals/T1/weather", json={"fade_db": 9}).raise_for_status()
    wet = measured(hub, "T1")["forward"]
    assert (dry["locked"], wet["locked"]) == (True, True)
    assert 1_000_000 < wet["throughput_bps"] < dry["throughput_bps"]


def test_the_same_fleet_told_again_drops_no_carrier(hub: httpx.Client) -> None:
    install(hub, "T1")
    hub.put("/v1/fleet", json=SHARING).raise_for_status()
    assert [one["revision"] for one in hub.get("/v1/carriers").json()["items"]] == [1, 1]
    assert measured(hub, "T1")["forward"]["locked"] is True


def test_a_shared_carrier_without_its_equipment_is_refused(hub: httpx.Client) -> None:
    answer = hub.put("/v1/fleet", json={**FLEET, "shared_carriers": [FORWARD | {"hub_id": "HUB-LUSAKA"}]})
    assert answer.status_code == 422
    assert "shared carrier POOL-F has no hub HUB-LUSAKA" in answer.json()["error"]["message"]
