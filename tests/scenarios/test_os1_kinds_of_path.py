"""OS1: ways that differ in gateway, hub, pool, transponder and terminal, ranked and priced; the lost ones with number.

The operator has a second teleport beside the mine, with a hub and pools of its own, and one more pool that is full.
"""

from pathlib import Path

import pytest
import yaml

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import TMF, Body, RunningOperator, characteristics, satcom

OFFERS = f"{TMF}/productOfferingQualification/v4/productOfferingQualification"
QUERIES = f"{TMF}/serviceQualificationManagement/v4/queryServiceQualification"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
LINK, ACCESS, LEASE = "demo_order.yaml", "shared_vsat_order.yaml", "transponder_lease_order.yaml"
MHZ = 1_000_000


def antenna(name: str, satellite: str) -> dict[str, Json]:
    """Of the new teleport, in Ku band."""
    return {
        "id": name,
        "band": "Ku",
        "diameter_m": 7.3,
        "efficiency": 0.65,
        "hpa_power_dbw": 23,
        "noise_temperature_k": 130,
        "satellites": [satellite],
    }


def carrier(name: str, transponder: str, centre_hz: int, baud: int) -> dict[str, Json]:
    width_hz = baud * 6 // 5
    return {
        "id": name,
        "transponder": transponder,
        "downlink_center_hz": centre_hz,
        "symbol_rate_baud": baud,
        "rolloff": 0.2,
        "occupied_bandwidth_hz": width_hz,
        "power_share_hz": width_hz,
    }


def pool(name: str, hub: str, on: str, direction: str, baud: int, most: int, promised: float = 80) -> dict[str, Json]:
    return {
        "id": name,
        "name": name,
        "hub": hub,
        "carrier": on,
        "direction": direction,
        "symbol_rate_baud": baud,
        "carrier_symbol_rate_baud": most,
        "rolloff": 0.2,
        "committable_percent": promised,
        "contention_ratio": 20,
    }


TELEPORT: dict[str, list[dict[str, Json]]] = {
    "earth_stations": [
        {
            "id": "es-lubumbashi",
            "name": "Lubumbashi",
            "latitude_deg": -11.66,
            "longitude_deg": 27.48,
            "altitude_m": 1230,
            "country": "CD",
            "horizon_mask_deg": 5,
            "antennas": [
                antenna("ant-lubumbashi-17e", "sat-amos-17"),
                antenna("ant-lubumbashi-10e", "sat-eutelsat-10b"),
            ],
        }
    ],
    "hubs": [
        {
            "id": f"hub-lubumbashi-{number}",
            "name": f"Lubumbashi {number}",
            "earth_station": "es-lubumbashi",
            "ports": ports,
            "satellites": ["sat-amos-17", "sat-eutelsat-10b"],
            "bands": ["Ku"],
        }
        for number, ports in ((1, 4), (2, 0))
    ],
    "carriers": [
        carrier("carrier-lubumbashi-forward", "tp-amos-17-ku-2v", 12_568 * MHZ, 12 * MHZ),
        carrier("carrier-lubumbashi-return", "tp-amos-17-ku-2v", 12_580 * MHZ, 4 * MHZ),
        carrier("carrier-spare-forward", "tp-eutelsat-10b-ku-1h", 12_540 * MHZ, 12 * MHZ),
        carrier("carrier-full-forward", "tp-eutelsat-10b-ku-1h", 12_520 * MHZ, 12 * MHZ),
    ],
    "carrier_pools": [
        pool("Lubumbashi forward", "hub-lubumbashi-1", "carrier-lubumbashi-forward", "forward", 12 * MHZ, 12 * MHZ),
        pool("Lubumbashi return", "hub-lubumbashi-1", "carrier-lubumbashi-return", "return", 4 * MHZ, MHZ // 2),
        pool("Spare forward", "hub-hartebeesthoek-1", "carrier-spare-forward", "forward", 12 * MHZ, 12 * MHZ),
        pool("Full forward", "hub-hartebeesthoek-1", "carrier-full-forward", "forward", 12 * MHZ, 12 * MHZ, 1),
    ],
}


@pytest.fixture(scope="module")
def two_teleports(operator: RunningOperator, tmp_path_factory: pytest.TempPathFactory) -> RunningOperator:
    folder: Path = tmp_path_factory.mktemp("teleport")
    for name, entries in TELEPORT.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    satcom(operator.url, operator.folder, "load", str(folder))
    return operator


def offered(operator: RunningOperator, file: str, **chosen: Json) -> Body:
    item = operator.order_body(file, **chosen)["productOrderItem"][0]
    terms = [{"duration": one["duration"]} for one in item.get("itemTerm", [])]
    asked = {"id": "1", "productOffering": item["productOffering"], "product": item["product"] | {"productTerm": terms}}
    answer = operator.api("sales").post(OFFERS, json={"productOfferingQualificationItem": [asked]})
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()["productOfferingQualificationItem"][0]
    assert found["qualificationItemResult"] == "qualified"
    return found


def products(found: Body) -> list[Body]:
    return [found["product"], *(one["alternateProduct"] for one in found["alternateProductOfferingProposal"])]


def result(operator: RunningOperator, found: Body) -> Body:
    """What the network answered, by the evidence that the offer names."""
    evidence = found["note"][-1]["text"].removeprefix("evidence ")
    kept: Body = operator.get(f"{EVIDENCE}/{evidence}")["result"]
    return kept


def total(product: Body, months: int) -> float:
    """In all over the term; every price has the operator's currency."""
    prices = [(one["priceType"], one["price"]["dutyFreeAmount"]) for one in product["productPrice"]]
    assert {amount["unit"] for _, amount in prices} == {"USD"}
    assert {kind for kind, _ in prices} == {"oneTime", "recurring"}
    return sum(float(amount["value"]) * (months if kind == "recurring" else 1) for kind, amount in prices)


def lost(kept: Body, part: str) -> dict[str, Body]:
    found = {one["partName"]: one for one in kept["lostWays"] if one["part"] == part}
    for one in found.values():
        assert one["value"] != one["limit"], one
        assert one["unit"], one
    return found


@pytest.mark.parametrize(("file", "months"), [(LINK, 24), (ACCESS, 12), (LEASE, 12)])
def test_ways_of_each_kind_are_ranked_by_price_and_every_loser_has_a_code_and_a_number(
    two_teleports: RunningOperator, file: str, months: int
) -> None:
    found = offered(two_teleports, file)
    totals = [total(one, months) for one in products(found)]
    assert len(totals) > 2
    assert totals == sorted(totals)
    kept = result(two_teleports, found)
    charged = [one["chargedBandwidthHz"] for one in kept["solutions"]]
    assert charged == sorted(charged)
    assert kept["losers"]
    assert kept["lostWays"]
    for one in (*kept["losers"], *kept["lostWays"]):
        assert one["reason"]
        assert one["value"] != one["limit"], one
        assert one["unit"], one
    told = {(one["code"], one["label"].rpartition(": ")[2]) for one in found["eligibilityUnavailabilityReason"]}
    assert told >= {(one["reason"], one["text"].rpartition(": ")[2]) for one in (*kept["losers"], *kept["lostWays"])}


def test_a_link_is_offered_over_two_gateways_and_a_hub_without_ports_says_so(two_teleports: RunningOperator) -> None:
    found = offered(two_teleports, LINK)
    kept = result(two_teleports, found)
    over = {(one["satelliteName"], one["earthStationName"]) for one in kept["solutions"]}
    assert over >= {("Amos-17", "Hartebeesthoek"), ("Amos-17", "Lubumbashi")}
    without = lost(kept, "gateway")["Lubumbashi 2 at Lubumbashi"]
    assert (without["reason"], without["value"], without["limit"], without["unit"]) == ("noHubPort", 0, 1, "ports")
    described = [one["description"] for one in products(found)]
    assert any("Lubumbashi, hub Lubumbashi 1" in one for one in described)
    small = lost(kept, "terminalType")["Ku 1.20 m, 4 W"]
    assert (small["reason"], small["unit"]) == ("linkDoesNotClose", "dB")


def test_access_is_offered_over_two_hubs_pools_and_terminals_and_a_full_pool_says_so(
    two_teleports: RunningOperator,
) -> None:
    kept = result(two_teleports, offered(two_teleports, ACCESS))
    ways = kept["solutions"]
    assert {one["hubName"] for one in ways} == {"Hartebeesthoek 1", "Lubumbashi 1"}
    of_10b = [one for one in ways if one["satelliteName"] == "Eutelsat 10B"]
    assert len({one["forwardPool"]["poolName"] for one in of_10b}) == 2
    assert len({one["terminalTypeName"] for one in ways}) > 1
    full = lost(kept, "carrierPool")["Full forward"]
    assert (full["reason"], full["value"], full["unit"]) == ("noCommittedRate", 120_000, "baud")
    assert full["limit"] > full["value"]


def test_a_lease_is_offered_on_several_transponders_and_a_full_one_says_what_it_lacks(
    two_teleports: RunningOperator,
) -> None:
    found = offered(two_teleports, LEASE, bandwidthHz=15 * MHZ, powerSharePercent=15)
    kept = result(two_teleports, found)
    assert len({one["transponderName"] for one in kept["solutions"]}) > 1
    narrow = lost(kept, "transponder")
    assert narrow
    for one in narrow.values():
        assert one["reason"] in ("noContiguousSlot", "noPower")
        assert one["unit"] == "Hz"
        assert one["limit"] > one["value"]


def test_a_service_query_names_gateway_hub_and_pools_of_each_way(two_teleports: RunningOperator) -> None:
    product = two_teleports.order_body(ACCESS)["productOrderItem"][0]["product"]
    service = {
        "serviceSpecification": {"id": loaded_id("ServiceSpecification", "service-spec-shared-vsat")},
        "serviceCharacteristic": product["productCharacteristic"],
    }
    answer = two_teleports.api("sales").post(QUERIES, json={"searchCriteria": {"service": service}})
    assert answer.status_code == 201, answer.text
    ways = [characteristics(one["service"]) for one in answer.json()["serviceQualificationItem"]]
    assert {one["hub"] for one in ways} == {"Hartebeesthoek 1", "Lubumbashi 1"}
    assert {"Lubumbashi forward", "Spare forward"} <= {one["forwardPool"] for one in ways}
    assert all(one["returnPool"] for one in ways)


def test_an_offering_that_is_not_there_is_refused_by_its_field(two_teleports: RunningOperator) -> None:
    item = two_teleports.order_body(ACCESS)["productOrderItem"][0]
    asked = {"id": "1", "productOffering": {"id": "no such offering"}, "product": item["product"]}
    answer = two_teleports.api("sales").post(OFFERS, json={"productOfferingQualificationItem": [asked]})
    assert 400 <= answer.status_code < 500
    assert answer.json()["fault"][0]["field"] == "/productOfferingQualificationItem/0/productOffering/id"
