"""SR8: the register of licences; what a licence does not let pass is not sold, with its reason code and number."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from satcom.core.loading import loaded_id
from tests.scenarios.a_running_operator import FOLDER, Body, RunningOperator, satcom

CHECKS = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
LICENCES = "/satcom-api/resource/v1/licence"
SPECIFICATION = loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")
START, STOP = "2027-01-01T00:00:00Z", "2029-01-01T00:00:00Z"
Changes = dict[str, Any]  # YAML gives any


@pytest.fixture
def renewed(operator: RunningOperator, tmp_path: Path) -> Iterator[None]:
    """What a test changes of the licences is as it was, after it."""
    yield
    with_licences(operator, tmp_path / "as-they-were", {})


def with_licences(operator: RunningOperator, folder: Path, changes: Changes) -> str:
    """Load the licences of the Congo with changes; what the command says."""
    listed = yaml.safe_load((FOLDER / "licences.yaml").read_text(encoding="utf-8"))
    nothing_set = {"eirp_density_limit_dbw_per_hz": None, "least_antenna_diameter_m": None, "call_sign": None}
    changed = [one | nothing_set | changes if one["country"] == "CD" else one for one in listed]
    folder.mkdir()
    (folder / "licences.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    return satcom(operator.url, operator.folder, "load", str(folder))


def checked(operator: RunningOperator, stop: str = STOP) -> Body:
    product = operator.order_body()["productOrderItem"][0]["product"]
    service = {
        "serviceSpecification": {"id": SPECIFICATION},
        "startDate": START,
        "endDate": stop,
        "serviceCharacteristic": product["productCharacteristic"],
    }
    answer = operator.api("sales").post(CHECKS, json={"serviceQualificationItem": [{"id": "1", "service": service}]})
    assert answer.status_code == 201, answer.text
    item: Body = answer.json()["serviceQualificationItem"][0]
    return item


def codes(item: Body) -> set[str]:
    return {one["code"] for one in item["eligibilityUnavailabilityReason"]}


def test_a_licence_that_ends_within_the_term_sells_nothing_beyond_it(
    operator: RunningOperator, renewed: None, tmp_path: Path
) -> None:
    with_licences(operator, tmp_path / "short", {"valid_until": "2028-06-30"})
    item = checked(operator)
    assert item["qualificationResult"] == "unqualified"
    assert "licenceExpires" in codes(item)
    said = next(one["label"] for one in item["eligibilityUnavailabilityReason"] if one["code"] == "licenceExpires")
    assert "ends on 2028-06-30, the term on 2028-12-31" in said
    assert checked(operator, "2028-07-01T00:00:00Z")["qualificationResult"] == "qualified"


def test_antenna_and_density_of_a_licence_are_kept(operator: RunningOperator, renewed: None, tmp_path: Path) -> None:
    with_licences(operator, tmp_path / "large", {"least_antenna_diameter_m": 20})
    assert "antennaBelowLicence" in codes(checked(operator))
    with_licences(operator, tmp_path / "quiet", {"eirp_density_limit_dbw_per_hz": -70})
    item = checked(operator)
    assert item["qualificationResult"] == "unqualified"
    said = [one["label"] for one in item["eligibilityUnavailabilityReason"] if one["code"] == "licensedEirpDensity"]
    assert said
    assert all("dB denser than allowed (licence ARPTC" in one for one in said)


def test_the_register_tells_all_that_a_licence_sets(operator: RunningOperator, renewed: None, tmp_path: Path) -> None:
    with_licences(operator, tmp_path / "named", {"call_sign": "9Q5SAT", "eirp_density_limit_dbw_per_hz": 10})
    assert checked(operator)["qualificationResult"] == "qualified"
    held = operator.get(LICENCES, "planning", country="CD", limit="100")
    assert {one["callSign"] for one in held} == {"9Q5SAT"}
    assert {one["eirpDensityLimitDbwPerHz"] for one in held} == {10}
    who = ("--url", operator.base_url, "--token", operator.tokens["planning"])
    listed = json.loads(satcom(operator.url, operator.folder, "licence", "list", "--country", "CD", "--json", *who))
    assert {one["id"] for one in listed} == {one["id"] for one in held}
    said = satcom(operator.url, operator.folder, "licence", "list", "--country", "CD", *who)
    assert "10 dBW/Hz" in said
    assert "9Q5SAT" in said
    none = satcom(operator.url, operator.folder, "licence", "list", "--ends-by", "2000-01-01", *who)
    assert "there is no such licence" in none


def test_nobody_writes_the_register_over_http_and_who_may_not_read_it_does_not(operator: RunningOperator) -> None:
    assert operator.api("planning").post(LICENCES, json={"country": "CD"}).status_code == 405
    assert operator.api("customer").get(LICENCES).status_code == 403
    assert operator.api("planning").get(LICENCES, params={"country": ["CD", "XX"], "limit": "-1"}).status_code == 400
