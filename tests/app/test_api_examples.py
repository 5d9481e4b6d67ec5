"""The API's examples: whoever sends one as it stands to the demonstration operator is taken at his word."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from satcom.app.api_examples import A_LEASE, A_POOL, A_PURCHASE, A_SERVICE, AN_AWAITED, AN_INSTALLED, AN_ORDER
from satcom.app.http import create_app
from satcom.app.loading.load import load
from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.values import Json
from satcom.market.customer import Customer
from satcom.resource.ground import TerminalType
from satcom.supplychain.procurement import order_terminal
from tests.app.accepted import a_pool, an_awaited_satellite
from tests.app.conftest import Http
from tests.app.test_writes import CREATES, ORDERS
from tests.orchestration.operations.a_faulty_terminal import a_swap_body
from tests.postgres_server import drop_database, new_database
from tests.resource.a_network import a_transponder
from tests.service.a_lease import a_lease_on_the_air
from tests.service.an_installation import an_installation, body_for, periods_free

OPERATOR = Path(__file__).parents[2] / "examples" / "operator"


class Demonstration:
    """The loaded operator, asked by its administrator."""

    def __init__(self, database: Database) -> None:
        self.database, self.http = database, Http(create_app(database))
        with database.as_worker() as session:
            secret = create_token(session, "me", ["administrator"], None, timedelta(days=1))[1]
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.paths = self.http.get("/openapi.json", {}).json()["paths"]

    def example(self, path: str) -> dict[str, Json]:
        content = self.paths[path]["post"]["requestBody"]["content"]
        body: dict[str, Json] = content["application/json"]["example"]
        return body

    def an_order(self) -> Json:
        answer = self.http.post(ORDERS, self.example(ORDERS), self.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def a_purchase(self) -> Json:
        with self.database.as_worker() as session:
            kind = session.exec(select(TerminalType).where(TerminalType.name == "Ku 1.80 m, 8 W")).one()
            return order_terminal(session, new_id(), kind.id).id

    def an_awaited_satellite(self) -> Json:
        with self.database.as_worker() as session:
            return an_awaited_satellite(session)

    def a_pool(self, emptied: bool) -> dict[str, Json]:
        """A pool with a transponder that may be extracted, or one that may be pushed."""
        with self.database.as_worker() as session:
            one = a_transponder(session)
            inside: Json = {"id": one.id, "@referredType": "Transponder"}
            return {"resourcePool": {"id": a_pool(session, *([] if emptied else [inside]))}, "resource": [inside]}

    def an_installation(self) -> dict[str, Json]:
        """An order that waits for its appointment, with a time that is free."""
        with self.database.as_worker() as session:
            customer = session.exec(select(Customer)).first()
            assert customer is not None
            planned = an_installation(session, customer.party_id or "")
            return body_for(planned.order_id, *periods_free(session, planned)[0])

    def a_swap(self) -> dict[str, Json]:
        with self.database.as_worker() as session:
            return a_swap_body(session)

    def a_lease(self) -> Json:
        with self.database.as_worker() as session:
            customer = session.exec(select(Customer)).first()
            assert customer is not None
            return a_lease_on_the_air(session, customer.party_id or "")[0].id


@pytest.fixture(scope="module")
def demonstration(template: str) -> Iterator[Demonstration]:
    url = new_database(template)
    from_files = Database(url, connections=4)
    load(from_files, OPERATOR, dry_run=False, by="test")
    asked = Demonstration(from_files)
    yield asked
    asked.http.close()
    from_files.close()
    drop_database(url)


@pytest.mark.parametrize("path", CREATES)
def test_the_example_of_a_post_is_accepted_by_the_demonstration_operator(
    demonstration: Demonstration, path: str
) -> None:
    body = demonstration.example(path)
    if AN_ORDER in str(body):
        body = body | {"productOrder": {"id": demonstration.an_order()}}
    if AN_AWAITED in str(body):
        body = body | {"satellite": {"id": demonstration.an_awaited_satellite()}}
    if A_PURCHASE in str(body):
        body = body | {"purchaseOrder": {"id": demonstration.a_purchase()}}
    if A_POOL in str(body):
        body = body | demonstration.a_pool(emptied=path.endswith("/push"))
    if AN_INSTALLED in str(body):
        body = {name: value for name, value in demonstration.an_installation().items() if name in body}
    if A_SERVICE in str(body):
        body = demonstration.a_swap()
    if A_LEASE in str(body):
        body = body | {"relatedService": {"id": demonstration.a_lease()}}
    answer = demonstration.http.post(path, body, demonstration.headers)
    assert answer.status_code == 201, answer.text


def test_the_examples_ask_for_what_can_be_delivered(demonstration: Demonstration) -> None:
    path = next(one for one in CREATES if one.endswith("/productOfferingQualification"))
    answer = demonstration.http.post(path, demonstration.example(path), demonstration.headers).json()
    assert answer["qualificationResult"] == "qualified"
