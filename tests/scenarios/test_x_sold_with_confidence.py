"""X40: what is sold is the bound, not the mean: the availability that a year keeps with the operator's confidence."""

import pytest

from satcom.core.loading import loaded_id
from tests.scenarios.a_running_operator import ORDERS, Body, RunningOperator, characteristics

OPERATORS = "/satcom-api/enterprise/v1/operator"
QUERIES = "/tmf-api/serviceQualificationManagement/v4/queryServiceQualification"
SPECIFICATION = loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")


def sell_with(operator: RunningOperator, percent: float) -> int:
    """Set the operator's confidence; the status of the answer."""
    (one,) = operator.get(OPERATORS)
    path = f"{OPERATORS}/{one['id']}"
    headers = {"If-Match": operator.api().get(path).headers.get("ETag", "")}
    return operator.api().patch(path, json={"availabilityConfidencePercent": percent}, headers=headers).status_code


def best_way(operator: RunningOperator) -> Body:
    """The best way to serve the mine, as TMF645 tells it."""
    product = operator.order_body()["productOrderItem"][0]["product"]
    service = {
        "serviceSpecification": {"id": SPECIFICATION},
        "serviceCharacteristic": product["productCharacteristic"],
        "startDate": "2027-01-01T00:00:00Z",
        "endDate": "2029-01-01T00:00:00Z",
    }
    answer = operator.api("sales").post(QUERIES, json={"searchCriteria": {"service": service}})
    assert answer.status_code == 201, answer.text
    return characteristics(answer.json()["serviceQualificationItem"][0]["service"])


def monthly(operator: RunningOperator, order_id: str) -> float:
    prices = operator.get(f"{ORDERS}/{order_id}")["productOrderItem"][0]["itemPrice"]
    recurring = [one for one in prices if one["priceType"] == "recurring"]
    return sum(float(one["price"]["dutyFreeAmount"]["value"]) for one in recurring)


def test_the_bound_costs_capacity_and_is_told_with_the_offer(operator: RunningOperator) -> None:
    mean = best_way(operator)
    assert mean["confidencePercent"] == 50
    assert sell_with(operator, 90) == 200
    bound = best_way(operator)
    assert sell_with(operator, 50) == 200
    assert (bound["confidencePercent"], bound["availabilityPercent"]) == (90, mean["availabilityPercent"])
    assert bound["chargedBandwidthHz"] > mean["chargedBandwidthHz"]
    assert best_way(operator)["chargedBandwidthHz"] == mean["chargedBandwidthHz"]


def test_an_order_is_delivered_and_charged_for_what_the_bound_takes(operator: RunningOperator) -> None:
    assert sell_with(operator, 90) == 200
    bound = operator.delivered(band=["Ku"], terminalType=["term-ku-180"])
    assert sell_with(operator, 50) == 200
    mean = operator.delivered(band=["Ku"], terminalType=["term-ku-180"])
    assert monthly(operator, bound) > monthly(operator, mean)


@pytest.mark.parametrize("percent", [0, 100, -1, 49.9])
def test_what_is_no_confidence_is_refused(operator: RunningOperator, percent: float) -> None:
    assert sell_with(operator, percent) in (400, 422)
