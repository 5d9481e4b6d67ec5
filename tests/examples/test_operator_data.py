"""The demonstration operator's files agree with themselves, without the loader.

Read with plain PyYAML, so that a mistake in the data is told apart from a mistake in the loader. The last tests hold
what the README of the folder promises about the first order: who can carry it, and what each loser lacks.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise
from math import acos, asin, atan2, cos, degrees, radians, sin, sqrt
from pathlib import Path
from typing import Any

import pycountry
import pytest
import yaml
from sgp4.api import Satrec
from shapely.geometry import Point, Polygon

FOLDER = Path(__file__).parents[2] / "examples" / "operator"
EARTH_RADIUS_KM, ORBIT_RADIUS_KM = 6378.137, 42164.17
Row = dict[str, Any]  # YAML gives any

LISTS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.stem not in ("operator", "catalogue") and not path.stem.endswith("_order")
}
CATALOGUE: dict[str, list[Row]] = yaml.safe_load((FOLDER / "catalogue.yaml").read_text(encoding="utf-8"))
ORDER: Row = yaml.safe_load((FOLDER / "demo_order.yaml").read_text(encoding="utf-8"))
ORDERS: list[Row] = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*_order.yaml"))]
OPERATOR: Row = yaml.safe_load((FOLDER / "operator.yaml").read_text(encoding="utf-8"))
KINDS: dict[str, list[Row]] = {**LISTS, **CATALOGUE, "operator": [OPERATOR], "orders": ORDERS}

DOWNLINK_HZ = {"C": (3.4e9, 4.2e9), "Ku": (10.7e9, 12.75e9), "Ka": (17.3e9, 21.2e9)}
UPLINK_HZ = {"C": (5.85e9, 6.725e9), "Ku": (13.75e9, 14.5e9), "Ka": (27.5e9, 31.0e9)}

REFERENCES = [
    ("beams", "satellite", "satellites"),
    ("transponders", "satellite", "satellites"),
    ("transponders", "uplink_beam", "beams"),
    ("transponders", "downlink_beam", "beams"),
    ("carriers", "transponder", "transponders"),
    ("hubs", "earth_station", "earth_stations"),
    ("hubs", "satellites", "satellites"),
    ("depots", "supplier", "suppliers"),
    ("stock", "depot", "depots"),
    ("stock", "terminal_type", "terminal_types"),
    ("product_specifications", "service_specification", "service_specifications"),
    ("product_offerings", "product_specification", "product_specifications"),
    ("prices", "product_offering", "product_offerings"),
    ("prices", "terminal_type", "terminal_types"),
    ("orders", "customer", "customers"),
    ("orders", "product_offering", "product_offerings"),
]


def by_id(kind: str) -> dict[str, Row]:
    return {row["id"]: row for row in KINDS[kind]}


def nested_rows() -> Iterator[Row]:
    for station in KINDS["earth_stations"]:
        yield from station["antennas"]
    for customer in KINDS["customers"]:
        yield customer["billing_account"]
        yield from customer["sites"]


def elevation_deg(latitude_deg: float, longitude_deg: float, satellite: Row) -> float:
    """Elevation of a satellite exactly on the equator, from a spherical Earth: good to a fifth of a degree."""
    cos_c = cos(radians(latitude_deg)) * cos(radians(longitude_deg - satellite["orbital_longitude_deg"]))
    range_km = sqrt(EARTH_RADIUS_KM**2 + ORBIT_RADIUS_KM**2 - 2 * EARTH_RADIUS_KM * ORBIT_RADIUS_KM * cos_c)
    return degrees(asin((ORBIT_RADIUS_KM * cos_c - EARTH_RADIUS_KM) / range_km))


def off_boresight_deg(beam: Row, latitude_deg: float, longitude_deg: float) -> float:
    satellite = by_id("satellites")[beam["satellite"]]

    def direction(latitude: float, longitude: float) -> tuple[float, float, float]:
        lat, lon = radians(latitude), radians(longitude - satellite["orbital_longitude_deg"])
        x = EARTH_RADIUS_KM * cos(lat) * cos(lon) - ORBIT_RADIUS_KM
        y, z = EARTH_RADIUS_KM * cos(lat) * sin(lon), EARTH_RADIUS_KM * sin(lat)
        length = sqrt(x * x + y * y + z * z)
        return x / length, y / length, z / length

    axis = direction(beam["boresight"]["latitude_deg"], beam["boresight"]["longitude_deg"])
    place = direction(latitude_deg, longitude_deg)
    return degrees(acos(min(1.0, sum(a * b for a, b in zip(axis, place, strict=True)))))


def level_db(beam: Row, latitude_deg: float, longitude_deg: float) -> float | None:
    """The level of the innermost ring around the place, or the parabola of the main lobe; None outside."""
    if "boresight" in beam:
        ratio = off_boresight_deg(beam, latitude_deg, longitude_deg) / beam["boresight"]["half_power_width_deg"]
        level = -12 * ratio**2
        return level if level > -15 else None
    place = Point(longitude_deg, latitude_deg)
    levels = [ring["level_db"] for ring in beam["contours"] if Polygon(ring["polygon"]).contains(place)]
    return max(levels) if levels else None


def carriers_of(transponder: Row) -> list[Row]:
    mine = [carrier for carrier in KINDS["carriers"] if carrier["transponder"] == transponder["id"]]
    return sorted(mine, key=lambda carrier: carrier["downlink_center_hz"])


def edges_hz(row: Row, center: str, width: str) -> tuple[float, float]:
    return row[center] - row[width] / 2, row[center] + row[width] / 2


def free_pieces_hz(transponder: Row) -> list[float]:
    """What is left between the carriers and the edges, guard bands not yet taken off."""
    start, stop = edges_hz(transponder, "downlink_center_hz", "bandwidth_hz")
    taken = [edges_hz(carrier, "downlink_center_hz", "occupied_bandwidth_hz") for carrier in carriers_of(transponder)]
    bounds = [(start, start), *taken, (stop, stop)]
    return [right[0] - left[1] for left, right in pairwise(bounds)]


def free_power_hz(transponder: Row) -> float:
    taken: float = sum(carrier["power_share_hz"] for carrier in carriers_of(transponder))
    return float(transponder["bandwidth_hz"]) - taken


def transponders_of(satellite: str) -> list[Row]:
    return [row for row in KINDS["transponders"] if row["satellite"] == satellite]


def test_no_two_objects_share_an_id_and_every_id_is_a_slug() -> None:
    ids = [row["id"] for rows in KINDS.values() for row in rows] + [row["id"] for row in nested_rows()]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one)] == []


@pytest.mark.parametrize(("kind", "field", "target"), REFERENCES)
def test_every_reference_names_an_object_that_is_there(kind: str, field: str, target: str) -> None:
    named = [row[field] for row in KINDS[kind] if field in row]
    flat = {one for name in named for one in (name if isinstance(name, list) else [name])}
    assert flat
    assert flat <= by_id(target).keys()


def test_every_object_says_whether_it_is_public_or_made_up() -> None:
    for rows in KINDS.values():
        for row in rows:
            assert row.get("source") or row.get("illustrative") is True, row["id"]
            assert row.get("illustrative") is None or row["note"].strip(), row["id"]


def test_every_payload_value_without_a_public_source_is_marked_illustrative() -> None:
    for kind in ("beams", "transponders", "carriers", "hubs", "licences", "terminal_types", "stock"):
        assert all(row["illustrative"] is True for row in KINDS[kind]), kind


def element_sets() -> dict[int, tuple[str, str]]:
    lines = (FOLDER / "elements.tle").read_text(encoding="ascii").splitlines()
    return {int(one[2:7]): (one, two) for one, two in zip(lines[1::3], lines[2::3], strict=True)}


def test_every_element_set_has_right_checksums() -> None:
    for lines in element_sets().values():
        for line in lines:
            digits = sum(int(sign) if sign.isdigit() else sign == "-" for sign in line[:68])
            assert len(line) == 69
            assert digits % 10 == int(line[68])


def test_every_satellite_has_elements_and_stands_where_they_say() -> None:
    sets = element_sets()
    assert sets.keys() == {row["norad_id"] for row in KINDS["satellites"]}
    assert len(sets) >= 8
    for row in KINDS["satellites"]:
        orbit = Satrec.twoline2rv(*sets[row["norad_id"]])
        _, (x, y, _), _ = orbit.sgp4(orbit.jdsatepoch, orbit.jdsatepochF)
        days_since_2000 = orbit.jdsatepoch - 2451545.0 + orbit.jdsatepochF
        sidereal_deg = 280.46061837 + 360.98564736629 * days_since_2000  # Meeus 12.4, linear part
        longitude_deg = (degrees(atan2(y, x)) - sidereal_deg + 180) % 360 - 180
        assert longitude_deg == pytest.approx(row["orbital_longitude_deg"], abs=0.15), row["id"]  # station-keeping box


def test_every_satellite_is_in_service_for_a_while() -> None:
    for row in KINDS["satellites"]:
        assert row["state"] == "inService"
        assert row["in_service_date"] < row["end_of_life_date"]


def test_beams_have_a_boresight_or_closed_valid_rings_one_inside_the_other() -> None:
    for beam in KINDS["beams"]:
        assert ("boresight" in beam) != ("contours" in beam), beam["id"]
        for inner, outer in pairwise(beam.get("contours", [])):
            assert inner["level_db"] > outer["level_db"]
            assert Polygon(outer["polygon"]).contains(Polygon(inner["polygon"])), beam["id"]
        for ring in beam.get("contours", []):
            assert ring["polygon"][0] == ring["polygon"][-1]
            assert ring["level_db"] <= 0
            assert Polygon(ring["polygon"]).is_valid
    assert sum("contours" in beam for beam in KINDS["beams"]) >= 1


def test_transponders_lie_in_their_band_and_in_beams_of_their_satellite() -> None:
    beams = by_id("beams")
    for row in KINDS["transponders"]:
        for direction, limits in (("uplink", UPLINK_HZ), ("downlink", DOWNLINK_HZ)):
            low, high = edges_hz(row, f"{direction}_center_hz", "bandwidth_hz")
            assert limits[row["band"]][0] <= low < high <= limits[row["band"]][1], row["id"]
            beam = beams[row[f"{direction}_beam"]]
            assert (beam["satellite"], beam["band"]) == (row["satellite"], row["band"])
            assert row[f"{direction}_polarisation"] in ("horizontal", "vertical", "lhcp", "rhcp")


@pytest.mark.parametrize("direction", ["uplink", "downlink"])
def test_transponders_of_one_beam_and_polarisation_do_not_overlap(direction: str) -> None:
    for one, other in combinations(KINDS["transponders"], 2):
        if all(one[f"{direction}_{key}"] == other[f"{direction}_{key}"] for key in ("beam", "polarisation")):
            low = max(edges_hz(row, f"{direction}_center_hz", "bandwidth_hz")[0] for row in (one, other))
            high = min(edges_hz(row, f"{direction}_center_hz", "bandwidth_hz")[1] for row in (one, other))
            assert low >= high, (one["id"], other["id"])


def test_carriers_fit_their_transponder_with_guard_bands_and_power() -> None:
    assert any("source" in carrier for carrier in KINDS["carriers"])
    for carrier in KINDS["carriers"]:
        occupied_hz = carrier["symbol_rate_baud"] * (1 + carrier["rolloff"])
        assert carrier["occupied_bandwidth_hz"] == pytest.approx(occupied_hz, abs=1)
        assert carrier["power_share_hz"] > 0
    for transponder in KINDS["transponders"]:
        assert min(free_pieces_hz(transponder)) >= transponder["guard_band_hz"], transponder["id"]
        assert free_power_hz(transponder) >= 0, transponder["id"]


def test_every_antenna_sees_its_satellites_above_the_mask() -> None:
    satellites = by_id("satellites")
    for station in KINDS["earth_stations"]:
        for antenna in station["antennas"]:
            for name in antenna["satellites"]:
                seen = elevation_deg(station["latitude_deg"], station["longitude_deg"], satellites[name])
                assert seen > station["horizon_mask_deg"], antenna["id"]


def test_a_hub_serves_only_what_an_antenna_at_its_station_points_at() -> None:
    stations = by_id("earth_stations")
    for hub in KINDS["hubs"]:
        antennas = stations[hub["earth_station"]]["antennas"]
        pointed = {(name, antenna["band"]) for antenna in antennas for name in antenna["satellites"]}
        for name in hub["satellites"]:
            bands = {row["band"] for row in transponders_of(name)} & set(hub["bands"])
            assert bands
            assert {(name, band) for band in bands} <= pointed, hub["id"]
        assert hub["ports"] >= 0


def test_licences_name_real_countries_once_per_band_and_class() -> None:
    keys = [(row["country"], row["band"], row["terminal_class"]) for row in KINDS["licences"]]
    assert len(keys) == len(set(keys))
    assert len({country for country, _, _ in keys}) >= 12
    assert all(pycountry.countries.get(alpha_2=country) is not None for country, _, _ in keys)
    assert all(row["valid_from"] < row["valid_until"] for row in KINDS["licences"])
    assert {band for _, band, _ in keys} == set(DOWNLINK_HZ)


def test_an_unlicensed_country_and_an_unlicensed_band_are_there_to_be_shown() -> None:
    licensed = {(row["country"], row["band"]) for row in KINDS["licences"]}
    sites = {site["country"] for customer in KINDS["customers"] for site in customer["sites"]}
    assert [country for country in sites if country not in {one for one, _ in licensed}] == ["GN"]
    assert ("CD", "C") in licensed
    assert ("CD", "Ka") not in licensed


def test_amounts_are_exact_and_in_the_currency_of_the_operator() -> None:
    money = [*CATALOGUE["prices"], *(row["price"] for row in KINDS["terminal_types"])]
    for one in money:
        assert isinstance(one["amount"], str)
        assert Decimal(one["amount"]) > 0
        assert Decimal(one["amount"]).as_tuple().exponent == -2
        assert one["currency"] == OPERATOR["currency"]


def test_at_any_day_one_price_is_in_force_for_each_thing_sold() -> None:
    sold: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for price in CATALOGUE["prices"]:
        kind = (price["price_type"], price["unit"], price.get("terminal_type"), price.get("band"))
        key = (price["product_offering"], *kind)
        sold[key].append(price)
    for prices in sold.values():
        prices.sort(key=lambda price: price["valid_from"])
        assert prices[-1]["valid_until"] is None
        assert all(one["valid_until"] == other["valid_from"] for one, other in pairwise(prices))
    assert {key[4] for key in sold if key[2] == "MHz"} == set(DOWNLINK_HZ)


def test_every_approved_terminal_has_a_price_and_a_place_in_a_depot() -> None:
    approved = {row["id"] for row in KINDS["terminal_types"] if row["approved"]}
    assert approved == {price["terminal_type"] for price in CATALOGUE["prices"] if "terminal_type" in price}
    assert approved == {row["terminal_type"] for row in KINDS["stock"] if row["quantity"] > 0}
    assert any(row["quantity"] == 0 and row["lead_time_days"] > 0 for row in KINDS["stock"])


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: str(order["id"]))
def test_an_order_asks_what_its_offer_allows(order: Row) -> None:
    offering = by_id("product_offerings")[order["product_offering"]]
    product = by_id("product_specifications")[offering["product_specification"]]
    service = by_id("service_specifications")[product["service_specification"]]
    characteristics = {one["name"]: one for one in service["characteristics"]}
    customer = by_id("customers")[order["customer"]]
    sites = {one["id"]: one for one in customer["sites"]}
    site = sites[order["site"]] if "site" in order else {}
    place = {"latitudeDeg": site["latitude_deg"], "longitudeDeg": site["longitude_deg"]} if site else {}
    asked = place | order["characteristics"]
    assert asked.keys() <= characteristics.keys()
    assert {name for name, one in characteristics.items() if one["required"]} <= asked.keys()
    for name, value in asked.items():
        if characteristics[name]["value_type"] == "number":
            assert characteristics[name]["min"] <= value <= characteristics[name]["max"]
    assert order["billing_account"] == customer["billing_account"]["id"]
    assert asked == asked | place
    assert order["term_months"] >= offering["minimum_term_months"]


def level_at_the_mine(transponder: Row, direction: str) -> float | None:
    place = ORDER["characteristics"]
    return level_db(by_id("beams")[transponder[f"{direction}_beam"]], place["latitudeDeg"], place["longitudeDeg"])


def is_well_inside(level: float | None) -> bool:
    return level is not None and level >= -3


@pytest.mark.parametrize("satellite", ["sat-amos-17", "sat-eutelsat-10b", "sat-intelsat-39"])
def test_three_satellites_have_room_power_and_a_good_beam_for_the_mine(satellite: str) -> None:
    ports = {name: hub["ports"] for hub in KINDS["hubs"] for name in hub["satellites"]}
    roomy = [
        row
        for row in transponders_of(satellite)
        if max(free_pieces_hz(row)) > 12e6  # both carriers with guard bands, by a rough budget: 6 MHz and 3 MHz
        and free_power_hz(row) > 12e6
        and all(is_well_inside(level_at_the_mine(row, direction)) for direction in ("uplink", "downlink"))
    ]
    assert roomy
    assert ports[satellite] > 0
    assert by_id("satellites")[satellite]["end_of_life_date"] > date(2034, 1, 1)


def test_each_loser_lacks_what_the_readme_says_it_lacks() -> None:
    satellites = by_id("satellites")
    place = ORDER["characteristics"]
    assert all(free_power_hz(row) < 0.2e6 for row in transponders_of("sat-intelsat-22"))
    assert all(max(free_pieces_hz(row)) > 7e6 for row in transponders_of("sat-intelsat-22"))
    assert all(max(free_pieces_hz(row)) < 1e6 for row in transponders_of("sat-eutelsat-8-west-b"))
    assert {hub["ports"] for hub in KINDS["hubs"] if "sat-intelsat-37e" in hub["satellites"]} == {0}
    assert {level_at_the_mine(row, "uplink") for row in transponders_of("sat-badr-7")} == {-12}
    for name in ("sat-hotbird-13g", "sat-thaicom-8"):
        assert {level_at_the_mine(row, "downlink") for row in transponders_of(name)} == {None}
    assert {row["band"] for row in transponders_of("sat-eutelsat-konnect")} == {"Ka"}
    assert satellites["sat-nigcomsat-1r"]["end_of_life_date"] == date(2026, 12, 19)
    assert elevation_deg(place["latitudeDeg"], place["longitudeDeg"], satellites["sat-ses-9"]) < 0
