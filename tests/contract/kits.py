"""What the conformance kits that partners run look for beyond the official documents: facts, as tables.

`Kit` is one resource as such a kit sees it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from satcom.app.declarations import ROUTES
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json

# In every answer and every row of every list, beside `id` and `href`. What is not offered waits for who builds it.
ALWAYS_THERE: Final = {
    "TMF620/productOffering": "lastUpdate lifecycleStatus name",
    "TMF620/productOfferingPrice": "lastUpdate lifecycleStatus name",
    "TMF620/productSpecification": "lastUpdate lifecycleStatus name",
    "TMF622/productOrder": "orderDate state relatedParty productOrderItem",
    "TMF629/customer": "@type engagedParty name",
    "TMF632/individual": "givenName familyName",
    "TMF632/organization": "tradingName",
    "TMF633/serviceSpecification": "@type isBundle lastUpdate lifecycleStatus name",
    "TMF634/resourceSpecification": "isBundle lastUpdate lifecycleStatus name",
    "TMF635/usage": "usageSpecification",
    "TMF635/usageSpecification": "name",
    "TMF637/product": "billingAccount productCharacteristic productOffering productPrice relatedParty status",
    "TMF638/service": "state serviceSpecification serviceDate",
    "TMF639/logicalResource": "name",
    "TMF639/physicalResource": "name",
    "TMF639/resource": "name",
    "TMF640/service": "state serviceSpecification serviceDate",
    "TMF641/serviceOrder": "orderDate state serviceOrderItem",
    "TMF642/alarm": "alarmRaisedTime alarmType alarmedObject perceivedSeverity probableCause sourceSystemId state",
    "TMF645/checkServiceQualification": "checkServiceQualificationDate state serviceQualificationItem",
    "TMF645/queryServiceQualification": ("queryServiceQualificationDate searchCriteria serviceQualificationItem state"),
    "TMF648/quote": "quoteDate state quoteItem",
    "TMF651/agreement": "@type agreementItem agreementType engagedParty name",
    "TMF651/agreementSpecification": "@type attachment name",
    "TMF666/billFormat": "name",
    "TMF666/billPresentationMedia": "name",
    "TMF666/billingAccount": "name relatedParty",
    "TMF666/billingCycleSpecification": "name",
    "TMF666/financialAccount": "name",
    "TMF666/partyAccount": "name relatedParty",
    "TMF666/settlementAccount": "name relatedParty",
    "TMF668/partnership": "@type name specification",
    "TMF668/partnershipSpecification": "@type name",
    "TMF669/partyRole": "name roleType",
    "TMF678/appliedCustomerBillingRate": "isBilled",
    "TMF678/customerBill": "billDocument state",
    "TMF681/communicationMessage": "content messageType receiver sender",
    "TMF699/salesLead": "creationDate status statusChangeDate name",
}
# Where a change of an attribute has another name than `...AttributeValueChangeEvent`.
CHANGED_IS_CALLED: Final = dict.fromkeys(("TMF633", "TMF634", "TMF668"), "ChangeEvent")
OTHERWISE: Final = "AttributeValueChangeEvent"
# The document has events of resources and of physical ones; what is made at `resource` is a satellite.
TOLD_AS: Final = {"TMF639/logicalResource": "resource", "TMF639/resource": "physicalResource"}
TEXTS: Final = ("description", "name", "tradingName", "familyName")


@dataclass(frozen=True)
class Kit:
    """One resource of an official document that is offered."""

    routes: TmfRoutes

    @property
    def name(self) -> str:
        return f"{self.document}/{self.routes.name}"

    @property
    def document(self) -> str:
        assert self.routes.api.document is not None
        return self.routes.api.document.name

    @property
    def path(self) -> str:
        return self.routes.api.path

    @property
    def always_there(self) -> tuple[str, ...]:
        return ("id", "href", *ALWAYS_THERE.get(self.name, "").split())

    @property
    def computed(self) -> frozenset[str]:
        """What follows from other things and cannot be asked for."""
        return frozenset().union(*(kind.computed for kind in self.routes.kinds))

    @property
    def change_event(self) -> str:
        """What a change of an attribute is called."""
        told_as = TOLD_AS.get(self.name, self.routes.name)
        return f"{told_as[0].upper()}{told_as[1:]}{CHANGED_IS_CALLED.get(self.document, OTHERWISE)}"

    @property
    def change(self) -> dict[str, Json] | None:
        """A PATCH of a text; `None` where the document knows no event for it."""
        document, definition = self.routes.api.document, self.routes.api.definition
        assert document is not None
        assert definition is not None
        known = document.attributes(document.update_definition(definition))
        text = next((one for one in TEXTS if one in known), None)
        return {text: "As it is today"} if text and self.change_event.lower() in document.listeners else None


KITS: Final = {kit.name: kit for kit in map(Kit, (one for one in ROUTES if one.api.document is not None))}

HUBS: Final = {kit.document: f"{kit.routes.api.base_path}/hub" for kit in KITS.values()}


def leaves(body: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every plain value in a body with the name that a filter has for it; lists are looked into."""
    match body:
        case dict():
            for name, value in body.items():
                yield from leaves(value, f"{path}.{name}" if path else name)
        case list():
            for one in body:
                yield from leaves(one, path)
        case _:
            yield path, body


def in_query(value: Json) -> str:
    """As it stands in the body."""
    return str(value).lower() if isinstance(value, bool) else str(value)
