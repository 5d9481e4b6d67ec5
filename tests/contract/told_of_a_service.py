"""What is told of an order and its service, against the definitions of the official documents."""

from typing import Final

from satcom.core.tmf_document import tmf_document
from tests.scenarios.a_running_operator import RESOURCES, SERVICES, TMF, RunningOperator

SERVICE_ORDERS: Final = f"{TMF}/serviceOrdering/v4/serviceOrder"
RESOURCE_ORDERS: Final = f"{TMF}/resourceOrderingManagement/v4/resourceOrder"
TESTS: Final = f"{TMF}/serviceTestManagement/v4/serviceTest"


def against_the_documents(operator: RunningOperator, order_id: str, service_id: str) -> dict[str, list[str]]:
    """What the official documents do not allow in what is told of an order and its service, by document."""
    of_order = {"externalId": order_id}
    told = {
        ("TMF638", "Service"): [operator.get(f"{SERVICES}/{service_id}")],
        ("TMF639", "Resource"): [
            operator.get(one["href"])
            for one in operator.get(f"{SERVICES}/{service_id}")["supportingResource"]
            if one["href"].startswith(RESOURCES.rpartition("/")[0])
        ],
        ("TMF641", "ServiceOrder"): operator.get(SERVICE_ORDERS, **of_order),
        ("TMF652", "ResourceOrder"): operator.get(RESOURCE_ORDERS, **of_order),
        ("TMF653", "ServiceTest"): operator.get(TESTS, **{"relatedService.id": service_id}),
    }
    assert all(told.values()), told
    return {
        document: [
            str(fault)
            for one in bodies
            for fault in tmf_document(document)
            .validator(kind)
            .iter_errors(
                {name: value for name, value in one.items() if name != "@type"}  # TMF638 forgets it
            )
        ]
        for (document, kind), bodies in told.items()
    }
