"""What the checker of the official documents is told: bodies that name what exists, and what a rule refuses.

A refusal here is tried, too: an operation that is offered after all has no place in the list.
"""

from datetime import timedelta
from typing import Any, Final

from satcom.app.api_examples import BEAM, example_bodies
from satcom.core.clock import now
from satcom.core.loading import loaded_id
from satcom.core.values import Json, instant_text

Resource = str  # "TMF622/productOrder"
PARTY: Final[dict[str, Json]] = {
    "name": "party",
    "api": "TMF632",
    "resource": "organization",
    "body": {"tradingName": "Partner ${uuid}"},
}

ENGAGED: Final[dict[str, Json]] = {
    "name": "Partner",
    "engagedParty": {"id": "${party.id}", "@referredType": "Organization"},
}
ACCOUNT_OF: Final[dict[str, Json]] = {
    "id": "${party.id}",
    "name": "${party.tradingName}",
    "@referredType": "Organization",
}
ENGAGEMENT: Final[dict[str, Json]] = {
    "name": "engagement",
    "api": "TMF668",
    "resource": "partnership",
    "body": {
        "name": "Installation",
        "specification": {"id": loaded_id("PartnershipSpecification", "partnership-capacity")},
        "partner": [ENGAGED],
    },
}
NOWHERE: Final[dict[str, Json]] = {"latitudeDeg": 39.03, "longitudeDeg": 125.75, "country": "KP"}
# Everything that an earth station is told with, so that it comes back as it was sent.
STATION: Final[dict[str, Json]] = {
    "illustrative": True,
    "latitudeDeg": -4.3,
    "longitudeDeg": 15.3,
    "altitudeM": 280,
    "country": "CD",
    "horizonMaskDeg": 5,
    "antennas": [],
}

# in the order in which it comes back
A_BEAM: Final[dict[str, Json]] = {
    "illustrative": True,
    "satelliteId": BEAM["satelliteId"],
    "band": BEAM["band"],
    "contours": [],
    "boresight": BEAM["boresight"],
}


def _values(given: dict[str, Json]) -> Json:
    return [{"name": name, "value": value} for name, value in given.items()]


def _set_up(name: str, api: str, resource: str, body: Json) -> dict[str, Json]:
    return {"name": name, "api": api, "resource": resource, "body": body}


A_TELEPORT: Final = _set_up(
    "teleport",
    "TMF639",
    "physicalResource",
    {
        "@type": "EarthStation",
        "name": "Teleport",
        "resourceCharacteristic": _values({"latitudeDeg": -4.3, "longitudeDeg": 15.3, "country": "CD"}),
    },
)
A_HUB: Final = _set_up(
    "hub",
    "TMF639",
    "physicalResource",
    {
        "@type": "Hub",
        "name": "Hub",
        "resourceCharacteristic": _values({"earthStationId": "${teleport.id}", "ports": 4}),
    },
)
THE_HUB: Final[dict[str, Json]] = {"id": "${hub.id}", "@referredType": "Hub"}
AN_EMPTY_POOL: Final = _set_up("pool", "TMF685", "resourcePool", {"description": "Hubs"})
A_POOL: Final = _set_up("pool", "TMF685", "resourcePool", {"description": "Hubs", "resource": [THE_HUB]})
MOVED: Final[dict[str, Json]] = {"resourcePool": {"id": "${pool.id}"}, "resource": [THE_HUB]}

# What no caller may do, by the rule that says so. The documents have it; this business does not.
REFUSED: Final[dict[Resource, dict[str, str]]] = {
    "TMF622/productOrder": {"DELETE": "orders are kept: bills name them; cancelProductOrder stops one"},
    "TMF637/product": {"DELETE": "what was sold stays in the inventory; a product ends by an order that terminates it"},
    "TMF638/service": {"DELETE": "what was delivered stays in the inventory; a service ends with its product"},
    "TMF639/logicalResource": {"PUT": "what is not sent would be lost; PATCH corrects what it names"},
    "TMF641/serviceOrder": {
        "POST": "service orders are written by the flow of a product order, which alone has qualified and priced it",
        "PATCH": "a service order follows the product order that it is part of",
        "DELETE": "orders are kept; the flow of the product order ends them",
    },
    "TMF641/cancelServiceOrder": dict.fromkeys(
        ("POST", "LIST", "GET"), "a service order is cancelled with its product order: cancelProductOrder"
    ),
    "TMF645/checkServiceQualification": {
        "PATCH": "an answer is kept as it was given, with its evidence; ask again",
        "DELETE": "an answer is kept with the evidence that it is computed again from",
    },
    "TMF645/queryServiceQualification": {
        "PATCH": "an answer is kept as it was given, with its evidence; ask again",
        "DELETE": "an answer is kept with the evidence that it is computed again from",
    },
    "TMF646/searchTimeSlot": {"PATCH": "an answer stays as it was given; ask again"},
    "TMF652/resourceOrder": {
        "POST": "resource orders are written by the flow of a product order, which alone holds the capacity",
        "PATCH": "a resource order follows the product order that it is part of",
        "DELETE": "orders are kept; the flow of the product order ends them",
    },
    "TMF652/cancelResourceOrder": dict.fromkeys(
        ("POST", "LIST", "GET"), "a resource order is cancelled with its product order: cancelProductOrder"
    ),
    "TMF653/serviceTest": {
        "POST": "noAccessTest: only a lease that waits for its access test is tested by hand",
        "PATCH": "a measurement is kept as it was read; measure again",
        "DELETE": "a measurement is kept: the hand-over rests on it",
    },
    "TMF678/customerBill": {"PATCH": "a bill is kept as it was made"},
    "TMF679/productOfferingQualification": {
        "PATCH": "an answer is kept as it was given, with its evidence; ask again",
        "DELETE": "an answer is kept with the evidence that it is computed again from",
    },
    "TMF685/reservation": {"DELETE": "a hold is given back by its state, so that who held what stays known"},
    "TMF701/processFlow": {
        "POST": "a flow is started by the order that it delivers",
        "DELETE": "a flow is the record of a delivery; cancelProductOrder stops it",
    },
}

# What moves by itself while something else is changed, which the checker takes for a side effect.
MOVING: Final[dict[Resource, frozenset[str]]] = {
    "TMF622/productOrder": frozenset({"productOrderItem", "orderTotalPrice", "expectedCompletionDate", "note"}),
    "TMF666/billingAccount": frozenset({"lastModified"}),
    "TMF666/partyAccount": frozenset({"lastModified"}),
    "TMF666/settlementAccount": frozenset({"lastModified"}),
    "TMF666/financialAccount": frozenset({"lastModified"}),
}

# The checker begins with an object that it has made, and a flow cannot be made: tests/orchestration has these.
CHECKED_ELSEWHERE: Final[frozenset[Resource]] = frozenset({"TMF701/processFlow/taskFlow"})

# Whole resources that are not built. No rule refuses them: whoever builds one takes its line away.
NOT_BUILT: Final[frozenset[Resource]] = frozenset()


def overrides(visit: dict[str, Json]) -> dict[Resource, dict[str, Any]]:
    """In the form the checker reads. What an example names exists wherever `examples/operator` was loaded.

    `visit` is an appointment that is free for an order that waits for one.
    """
    taken = example_bodies()
    asked: Any = taken["productOrder"]
    waiting = asked | {"requestedStartDate": instant_text(now() + timedelta(days=30))}
    order = {"name": "order", "api": "TMF622", "resource": "productOrder", "body": waiting}
    told: dict[Resource, dict[str, Any]] = {
        **_accounts(taken),
        **_network(taken),
        "TMF622/productOrder": {
            "body": waiting,  # an order that is delivered meanwhile is not amended
            "patch": {"description": "for the new shaft"},
            "filter": "externalId",
        },
        "TMF622/cancelProductOrder": {"setup": [order], "body": {"productOrder": {"id": "${order.id}"}}},
        "TMF629/customer": {
            "setup": [PARTY],
            "body": {"engagedParty": {"id": "${party.id}", "@referredType": "Organization"}},
        },
        "TMF633/serviceCandidate": {"body": taken["serviceCandidate"]},
        "TMF637/product": {"body": taken["product"]},
        "TMF638/service": {"body": taken["service"]},
        "TMF645/checkServiceQualification": {"body": _nowhere(taken["checkServiceQualification"])},
        "TMF645/queryServiceQualification": {"body": taken["queryServiceQualification"]},
        "TMF653/serviceTestSpecification": {"body": taken["serviceTestSpecification"]},
        "TMF646/appointment": {"body": visit, "patch": {"description": "ask at the gate"}},
        "TMF646/searchTimeSlot": {"body": {"relatedEntity": visit["relatedEntity"]}},
        "TMF651/agreement": {"body": _draft(taken["agreement"]), "patch": {"description": "as of the second year"}},
        "TMF668/partnershipSpecification": {
            "body": {"name": "Installation ${uuid}", "roleSpecification": [{"name": "installer"}]},
            "patch": {"description": "who puts terminals up"},
        },
        "TMF668/partnership": {
            "setup": [PARTY],
            "body": {
                "name": "Installation",
                "specification": {"id": loaded_id("PartnershipSpecification", "partnership-capacity")},
                "partner": [ENGAGED],
            },
            "patch": {"description": "who puts terminals up"},
        },
        "TMF679/productOfferingQualification": {"body": _nowhere(taken["productOfferingQualification"])},
        "TMF685/reservation": {
            "body": taken["reservation"],
            "patch": {"validFor": {"endDateTime": instant_text(now() + timedelta(days=3))}},
        },
    }
    for resource, rules in REFUSED.items():
        why = "; ".join(f"{operation}: {rule}" for operation, rule in rules.items())
        told[resource] = told.get(resource, {}) | {"skip": sorted(rules), "why": why}
    return told


def _accounts(taken: dict[str, Json]) -> dict[Resource, dict[str, Any]]:
    return {
        "TMF678/customerBillOnDemand": {"body": taken["customerBillOnDemand"]},
        "TMF666/billingAccount": {"body": taken["billingAccount"]},
        "TMF666/partyAccount": {"setup": [PARTY], "body": {"relatedParty": [ACCOUNT_OF]}},
        "TMF666/settlementAccount": {
            "setup": [PARTY, ENGAGEMENT],
            "body": {"relatedParty": [ACCOUNT_OF]},
        },
        "TMF666/billingCycleSpecification": {"body": {"name": "Cycle ${uuid}"}},
        "TMF666/billFormat": {"body": {"name": "Format ${uuid}"}},
        "TMF666/billPresentationMedia": {"body": {"name": "Media ${uuid}"}},
    }


def _network(taken: dict[str, Json]) -> dict[Resource, dict[str, Any]]:
    return {
        # the document has events of resources and of physical resources: what is logical is told as the former
        "TMF639/resource": {"body": {"@type": "Beam", "resourceCharacteristic": _values(A_BEAM)}},
        "TMF639/physicalResource": {"body": {"@type": "EarthStation", "resourceCharacteristic": _values(STATION)}},
        "TMF639/logicalResource": {"body": {"@type": "Beam", "name": "B", "resourceCharacteristic": _values(A_BEAM)}},
        "TMF685/resourcePool": {"body": {"description": "Pool ${uuid}"}},
        "TMF685/availabilityCheck": {"body": taken["availabilityCheck"]},
        "TMF685/push": {"setup": [A_TELEPORT, A_HUB, AN_EMPTY_POOL], "body": MOVED},
        "TMF685/extract": {"setup": [A_TELEPORT, A_HUB, A_POOL], "body": MOVED},
    }


def _draft(agreement: Any) -> Any:
    """What was signed is not deleted."""
    return agreement | {"status": "inProcess"}


def _nowhere(question: Any) -> Any:
    """The same asked for a place where we may not serve: what is refused comes back as it was asked, nothing added."""
    if isinstance(question, dict):
        if question.get("name") in NOWHERE:
            return question | {"value": NOWHERE[question["name"]]}
        return {name: _nowhere(value) for name, value in question.items()}
    return [_nowhere(one) for one in question] if isinstance(question, list) else question
