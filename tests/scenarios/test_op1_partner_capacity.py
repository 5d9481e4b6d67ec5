"""OP1, X15: where the own fleet cannot serve, a partner's offer is ranked, ordered, delivered and billed, or undone."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from satcom.core.loading import loaded_id
from tests.scenarios.a_running_operator import (
    ORDERS,
    TMF,
    Body,
    LoadedOperator,
    RunningOperator,
    a_running_operator,
    satcom,
)
from tests.scenarios.test_om6_change import body_of, product_of
from tests.simulators.partner_process import PartnerProcess, partner_process

AGREEMENTS = f"{TMF}/agreementManagement/v4/agreement"
KINDS = f"{TMF}/partnershipManagement/v4/partnershipSpecification"
PARTNERSHIPS = f"{TMF}/partnershipManagement/v4/partnership"
QUALIFICATIONS = f"{TMF}/productOfferingQualification/v4/productOfferingQualification"
CANCELS = f"{TMF}/productOrderingManagement/v4/cancelProductOrder"
BILLS = f"{TMF}/customerBillManagement/v4/customerBill"
CAPACITY = "/satcom-api/supplyChain/v1/partnerCapacity"
WAITS = "/satcom-api/orchestration/v1/wait"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
DAKOTA: Body = {"latitudeDeg": 48.0, "longitudeDeg": -100.0, "altitudeM": None, "country": "US"}
WORLD: dict[str, float | None] = {
    "price_per_mbps": 190,
    "one_time_price": 3200,
    "largest_mbps": 60,
    "delivery_s": 0,
    "price_factor_at_order": 1,
    "hold_s": 3600,
    "term_days": None,
    "price_factor_at_renewal": 1,
}
OUR_MONTHLY = 14 * 310 + 450  # by the list of the demonstration operator
NOT_TOLD = "no partner of ours can serve the site within our terms"


@dataclass(frozen=True)
class Leasing:
    """An operator, and a partner whose capacity it leases."""

    operator: RunningOperator
    partner: PartnerProcess


@pytest.fixture(scope="module")
def leasing(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leasing]:
    folder = tmp_path_factory.mktemp("leasing")
    with partner_process(folder) as partner, pytest.MonkeyPatch.context() as patched:
        patched.setenv("SATCOM_PARTNER_TOKENS", partner.tokens)
        with a_running_operator(loaded, folder) as operator:
            engage(operator, partner.url)
            yield Leasing(operator, partner)


@pytest.fixture(autouse=True)
def an_obliging_partner(leasing: Leasing) -> None:
    leasing.partner.set_faults()
    leasing.partner.set_world(**WORLD)


@pytest.fixture
def operator(leasing: Leasing) -> RunningOperator:
    return leasing.operator


@pytest.fixture
def partner(leasing: Leasing) -> PartnerProcess:
    return leasing.partner


def engage(operator: RunningOperator, url: str) -> None:
    """A supply manager concludes an agreement and engages a partner under it."""
    supply = operator.api("supply")
    partner: Body = {
        "id": loaded_id("Organization", "supplier-highveld-terminals"),
        "name": "Highveld",
        "@referredType": "Organization",
    }
    agreement = supply.post(AGREEMENTS, json=an_agreement(partner))
    assert agreement.status_code == 201, agreement.text
    kind = supply.get(KINDS).json()[0]
    engaged = supply.post(
        PARTNERSHIPS,
        json={
            "name": "Capacity of Highveld",
            "specification": {"id": kind["id"]},
            "partner": [
                {
                    "name": "Highveld",
                    "engagedParty": partner,
                    "agreement": [{"id": agreement.json()["id"]}],
                    "characteristic": [{"name": "apiUrl", "value": url}],
                }
            ],
        },
    )
    assert engaged.status_code == 201, engaged.text


def an_agreement(partner: Body, ceiling: int = 300, margin_percent: int = 15) -> Body:
    ours = {"id": loaded_id("Organization", "operator-meridian"), "name": "Us", "@referredType": "Organization"}
    return {
        "name": "Capacity of Highveld",
        "agreementType": "partnerCapacity",
        "status": "approved",
        "engagedParty": [ours, partner],
        "agreementItem": [{}],
        "characteristic": [
            {"name": "monthlyPriceCeilingPerMbps", "value": {"unit": "USD", "value": ceiling}},
            {"name": "minimumMarginPercent", "value": margin_percent},
        ],
    }


def asked(operator: RunningOperator, role: str) -> Body:
    """The answer to whether a link can be had in Dakota, as this role asks it."""
    item = operator.order_body(**DAKOTA)["productOrderItem"][0]
    kept = {name: item[name] for name in ("id", "action", "productOffering", "product")}
    answer = operator.api(role).post(QUALIFICATIONS, json={"productOfferingQualificationItem": [kept]})
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()["productOfferingQualificationItem"][0]
    return found


def capacity_of(operator: RunningOperator, order_id: str) -> Body:
    (found,) = operator.get(CAPACITY, orderId=order_id)
    return dict(found)


def effects(partner: PartnerProcess) -> list[str]:
    """What was done at the partner, in order. A question has no effect, and a slow one is answered when it is over."""
    return [one for one in partner.journal() if one != "qualify"]


def wait_for(operator: RunningOperator, order_id: str, task: str) -> Body:
    """The task under way, once the plan of the order has been changed over to the partner's."""
    operator.wait_for(lambda: task in operator.tasks(order_id), f"{task} in the plan of {order_id}")
    return operator.wait_for_task(order_id, task, "active")


def fault_of(operator: RunningOperator, order_id: str, task: str) -> Body:
    found: Body = operator.tasks(order_id)[task]["fault"]
    return found


def test_a_sales_engineer_sees_the_partners_offer_with_its_cost_our_price_and_the_margin(
    operator: RunningOperator,
) -> None:
    place = ("--latitude", "48", "--longitude", "-100", "--country", "US")
    body = json.loads(satcom(operator.url, operator.folder, "qualify", *place, "--json"))
    (offer,) = body["partners"]["offers"]
    assert body["solutions"] == []
    assert len(body["losers"]) == 12  # every satellite of ours says why it cannot
    assert offer["cost"]["perMonth"] == {"unit": "USD", "value": 14 * 190}
    assert offer["price"]["perMonth"] == {"unit": "USD", "value": OUR_MONTHLY}
    assert offer["marginPercent"] > offer["minimumMarginPercent"] == 15
    told = satcom(operator.url, operator.folder, "qualify", *place)
    assert "1 partner can deliver it" in told
    assert "2,660.00" in told


def test_a_quote_ranks_the_partner_and_keeps_its_answer_as_evidence(operator: RunningOperator) -> None:
    found = asked(operator, "sales")
    assert found["qualificationItemResult"] == "qualified"
    assert "capacity of a partner" in found["product"]["description"]
    evidence_id = next(one["text"] for one in found["note"] if one["id"] == "evidence").split()[-1]
    kept = operator.get(f"{EVIDENCE}/{evidence_id}")
    assert kept["result"]["partnerSolutions"][0]["offer"]["monthly"] == {"unit": "USD", "value": 14 * 190}
    again = operator.api().post(f"{EVIDENCE}/{evidence_id}/recomputation")
    assert again.json()["sameNumbers"]


def test_the_order_is_delivered_by_the_partner_and_billed_at_our_price(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    before = len(effects(partner))
    order_id = operator.delivered(**DAKOTA)
    assert effects(partner)[before:] == ["hold", "order"]
    assert operator.service_of(order_id)["state"] == "active"
    capacity = capacity_of(operator, order_id)
    assert (capacity["state"], capacity["monthlyCost"]) == ("delivered", {"unit": "USD", "value": 14 * 190})
    order = operator.get(f"{ORDERS}/{order_id}")
    monthly = next(one for one in order["orderTotalPrice"] if one["priceType"] == "recurring")
    assert monthly["price"]["dutyFreeAmount"]["value"] == OUR_MONTHLY
    account = order["billingAccount"]["id"]
    bills = operator.get(BILLS, **{"billingAccount.id": account})
    assert any(one["taxExcludedAmount"]["value"] > 0 for one in bills)


def test_a_rate_is_changed_at_the_partner_and_what_it_cannot_be_asked_for_is_refused(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    before = len(effects(partner))
    product = product_of(operator, operator.delivered(**DAKOTA))
    terminal = body_of(product, "modify", terminalType="term-ku-180")
    refused = operator.api("provisioning").post(ORDERS, json=terminal)
    assert (refused.status_code, refused.json()["code"]) == (422, "byPartner"), refused.text
    changed = operator.api("provisioning").post(ORDERS, json=body_of(product, "modify", uplinkRateBps=6_000_000))
    assert changed.status_code == 201, changed.text
    assert operator.follow(changed.json()["id"])["state"] == "completed"
    assert effects(partner)[before:] == ["hold", "order"] * 2
    assert capacity_of(operator, changed.json()["id"])["monthlyCost"] == {"unit": "USD", "value": 16 * 190}


def test_a_customer_is_told_neither_the_partner_nor_what_it_charges(operator: RunningOperator) -> None:
    order_id = operator.delivered(**DAKOTA)
    tasks = f"{TMF}/processFlowManagement/v4/processFlow/{operator.flow(order_id)['id']}/taskFlow"
    told = json.dumps(
        [
            asked(operator, "customer"),
            operator.get(f"{ORDERS}/{order_id}", "customer"),
            operator.get(tasks, "customer"),
            operator.service_of(order_id),
        ]
    )
    assert "Highveld" not in told
    assert not re.search(r"(?<!\d)2660(?!\d)", told)  # no instant has it between its digits
    assert operator.api("customer").get(CAPACITY).status_code == 403
    assert operator.api("customer").get(PARTNERSHIPS).status_code == 403


@pytest.mark.parametrize(
    ("world", "code", "number"),
    [
        ({"price_per_mbps": 301}, "abovePriceCeiling", "the agreement allows 300"),
        ({"one_time_price": 60_000}, "belowMargin", "15 % is the least"),
        ({"largest_mbps": 10}, "partnerRefused", "10 Mbit/s are free"),
    ],
)
def test_an_offer_beyond_the_terms_is_a_reason_with_its_number(
    operator: RunningOperator, partner: PartnerProcess, world: dict[str, float], code: str, number: str
) -> None:
    partner.set_world(**world)
    found = asked(operator, "sales")
    assert found["qualificationItemResult"] == "unqualified"
    reasons = {one["code"]: one["label"] for one in found["eligibilityUnavailabilityReason"]}
    assert number in reasons[code]
    outside = {one["code"]: one["label"] for one in asked(operator, "customer")["eligibilityUnavailabilityReason"]}
    assert outside[code] == NOT_TOLD


def test_a_price_that_rose_above_the_ceiling_by_the_order_undoes_it(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    partner.set_world(price_factor_at_order=2)
    before = len(effects(partner))
    order_id = operator.order(**DAKOTA)
    order = operator.follow(order_id)
    assert order["state"] == "failed"
    assert NOT_TOLD in order["note"][-1]["text"]
    fault = fault_of(operator, order_id, "accept_partners_price")
    assert (fault["code"], "380 USD a Mbit/s; the agreement allows 300" in fault["why"]) == ("abovePriceCeiling", True)
    assert effects(partner)[before:] == ["hold", "order", "cancel", "release"]
    assert capacity_of(operator, order_id)["state"] == "released"


def test_a_slow_partner_does_not_keep_who_asks_waiting(operator: RunningOperator, partner: PartnerProcess) -> None:
    partner.set_faults({"action": "search", "kind": "slow", "delay_s": 5})
    found = asked(operator, "sales")
    reasons = {one["code"]: one["label"] for one in found["eligibilityUnavailabilityReason"]}
    assert "partnerUnreachable" in reasons


def test_lost_answers_and_a_killed_server_leave_one_hold_and_one_order(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    before = len(effects(partner))
    partner.set_faults(
        {"action": "hold", "kind": "answerLost", "count": 2},
        {"action": "order", "kind": "slow", "delay_s": 3, "count": 1},
    )
    order_id = operator.order(**DAKOTA)
    wait_for(operator, order_id, "order_at_partner")
    operator.kill_server()
    operator.start_server()
    order = operator.follow(order_id, within_s=120)
    assert order["state"] == "completed", order.get("note")
    assert effects(partner)[before:] == ["hold", "order"]


def test_what_the_partner_holds_is_held_for_longer_while_the_order_waits(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    partner.set_world(hold_s=20)
    before = len(effects(partner))
    partner.set_faults({"action": "order", "kind": "down"}, {"action": "extend", "kind": "answerLost", "count": 1})
    order_id = operator.order(**DAKOTA)
    wait_for(operator, order_id, "order_at_partner")
    ends_at = capacity_of(operator, order_id)["holdUntil"]
    operator.wait_for(lambda: capacity_of(operator, order_id)["holdUntil"] > ends_at, "the hold to be extended")
    partner.set_faults()
    assert operator.follow(order_id)["state"] == "completed"
    assert set(effects(partner)[before:]) == {"hold", "extend", "order"}
    assert effects(partner)[before:].count("order") == 1


def test_cancelling_cancels_at_the_partner_and_gives_its_hold_back(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    partner.set_world(delivery_s=3600)
    before = len(effects(partner))
    order_id = operator.order(**DAKOTA)
    waiting = wait_for(operator, order_id, "partner_delivers")
    assert waiting["owner"] == "supply"
    cancelled = operator.api("provisioning").post(CANCELS, json={"productOrder": {"id": order_id}})
    assert cancelled.status_code == 201, cancelled.text
    assert operator.follow(order_id)["state"] == "cancelled"
    assert effects(partner)[before:] == ["hold", "order", "cancel", "release"]


def test_an_agreement_without_the_operator_and_a_partner_without_terms_are_refused(operator: RunningOperator) -> None:
    supply = operator.api("supply")
    other = {
        "id": loaded_id("Organization", "supplier-rift-valley-vsat"),
        "name": "Rift Valley",
        "@referredType": "Organization",
    }
    alone = supply.post(AGREEMENTS, json=an_agreement(other) | {"engagedParty": [other]})
    assert alone.status_code == 400
    assert alone.json()["field"] == "/engagedParty"
    partner = {"name": "Rift Valley", "engagedParty": other, "characteristic": [{"name": "apiUrl", "value": "x"}]}
    kind = supply.get(KINDS).json()[0]
    body = {"name": "Rift Valley", "specification": {"id": kind["id"]}, "partner": [partner]}
    refused = supply.post(PARTNERSHIPS, json=body)
    assert refused.status_code == 400
    assert refused.json()["field"] == "/partner/0/characteristic/0/value"
    assert operator.api("sales").post(AGREEMENTS, json=an_agreement(other)).status_code == 403


def test_a_term_that_ends_is_renewed_by_the_terms_of_then_and_waits_for_supply_until_they_allow_it(
    operator: RunningOperator, partner: PartnerProcess
) -> None:
    """The last of the file: it moves the clock."""
    partner.set_world(term_days=100)
    before = len(effects(partner))
    order_id = operator.delivered(**DAKOTA)
    capacity = capacity_of(operator, order_id)
    ends_at = capacity["termEndsAt"]
    partner.set_world(price_factor_at_renewal=1.6)  # 304 USD a Mbit/s
    operator.move_clock(timedelta(days=60))
    operator.wait_for(lambda: "renewalSetback" in capacity_of(operator, order_id), "the renewal to be tried")
    assert "304 USD a Mbit/s; the agreement allows 300" in capacity_of(operator, order_id)["renewalSetback"]
    reference = operator.get(f"{ORDERS}/{order_id}")["reference"]
    waits = operator.get(WAITS, "supply", owner="supply")
    (wait,) = [one for one in waits if one["orderReference"] == reference]
    assert wait["taskFlowSpecification"] == "renewal_is_agreed"
    deadline = next(one["value"] for one in wait["characteristic"] if one["name"] == "deadline")
    assert datetime.fromisoformat(deadline) == datetime.fromisoformat(ends_at)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SATCOM_URL", operator.base_url)
        patched.setenv("SATCOM_TOKEN", operator.tokens["supply"])
        assert reference in satcom(operator.url, operator.folder, "order", "waits", "--owner", "supply")
    assert operator.api("customer").get(f"{CAPACITY}/{capacity['id']}").status_code == 403
    partner.set_faults({"action": "renew", "kind": "answerLost", "count": 2})
    agree_on(operator, ceiling=320, margin_percent=10)
    operator.wait_for(lambda: bool(capacity_of(operator, order_id).get("renewal")), "the term to be renewed")
    renewed = capacity_of(operator, order_id)
    (term,) = renewed["renewal"]
    assert (term["startAt"], term["endAt"]) == (ends_at, renewed["termEndsAt"])
    assert (renewed["monthlyCost"]["value"], term["monthlyCost"]["value"]) == (14 * 190, 14 * 304)
    assert effects(partner)[before:] == ["hold", "order", "renew"]


def agree_on(operator: RunningOperator, ceiling: int, margin_percent: int) -> None:
    """A supply manager concludes another agreement, and the partner leases under it from now on."""
    supply = operator.api("supply")
    (partnership,) = [one for one in supply.get(PARTNERSHIPS).json() if one["name"] == "Capacity of Highveld"]
    (partner,) = partnership["partner"]
    concluded = supply.post(AGREEMENTS, json=an_agreement(partner["engagedParty"], ceiling, margin_percent))
    assert concluded.status_code == 201, concluded.text
    told = {"partner": [partner | {"agreement": [{"id": concluded.json()["id"]}]}]}
    patched = supply.patch(f"{PARTNERSHIPS}/{partnership['id']}", json=told)
    assert patched.status_code == 200, patched.text
