"""`satcom service`: what the network says of a service, and the access test of a lease. All over the HTTP API."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import uuid4

import typer
from rich.text import Text

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import FLOWS, HERE, Api, ApiRefused, Body, Token, Url, flow_of, order_called, tasks_of
from satcom.app.commands.delivery import TESTS, delivered_services, readings_of
from satcom.app.commands.service_events import events
from satcom.app.commands.service_path import path
from satcom.app.listing import Listing, screen

HUB_STATE: Final = "/satcom-api/service/v1/hubState"
SEEN: Final = {
    "carriers_are_moved": "the carriers are in the changed lease",
    "carriers_are_off": "the carriers are off the air",
}
service = typer.Typer(no_args_is_help=True)
Name = Annotated[
    str,
    typer.Argument(metavar="SERVICE", help="Its id or name, or the reference of its order, as PO-2026-000001."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
console = screen()


@service.callback()
def group() -> None:
    """Services: who carries them when; what the hub holds of them; planned events; the access test of a lease."""


service.command()(events)
service.command()(path)


@service.command("hub-state")
def hub_state(name: Name, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Where the hub differs from what it was told, and what would be sent to mend it.

    It reads only. To send it again, have the task of the order tried again.
    """
    with Api(url, token) as api, as_typed({"serviceId": "SERVICE"}):
        state: Body = api.get(HUB_STATE, serviceId=name)
    if as_json:
        typer.echo(json.dumps(state))
        return
    console.print(f"service {state['serviceId']}", highlight=False)
    if not state["differences"]:
        console.print("the hub holds what it was told", style="green")
        return
    differing(state["differences"]).print_on(console)
    for one in state["wouldSend"]:
        console.print(Text(f"would be sent: {one['method']} {one['path']}", "dim"), soft_wrap=True)


@service.command("access-test")
def access_test(
    name: Annotated[
        str, typer.Argument(metavar="ORDER", help="Of the lease: its reference, as PO-2026-000001, or its id.")
    ],
    low_edge_mhz: Annotated[float, typer.Option(help="Where the customer's carriers begin, downlink, MHz.")],
    high_edge_mhz: Annotated[float, typer.Option(help="Where they end, downlink, MHz.")],
    eirp_dbw: Annotated[float, typer.Option(help="What they take of the satellite's EIRP, dBW.")],
    isolation_db: Annotated[float, typer.Option(help="Cross-polar isolation, dB.")],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Record what the NOC read when the customer's carriers came on the air. Fails when the lease does not allow it.

    The limits stand on the service. A test that fails is kept and done again; the order waits.
    """
    readings = {
        "lowEdge": (round(low_edge_mhz * 1e6), "Hz"),
        "highEdge": (round(high_edge_mhz * 1e6), "Hz"),
        "satelliteEirp": (eirp_dbw, "dBW"),
        "crossPolarIsolation": (isolation_db, "dB"),
    }
    with Api(url, token) as api:
        found = order_called(api, name)
        services = delivered_services(api, found)
        if not services:
            raise ApiRefused(404, [f"order {found['reference']} has no service yet (accepted: one that waits for it)"])
        typed = ("--low-edge-mhz", "--high-edge-mhz", "--eirp-dbw", "--isolation-db")
        options = {f"/testMeasure/{index}": option for index, option in enumerate(typed)}
        with as_typed({"/relatedService": "ORDER", **options}):
            test = api.post(TESTS, access_test_body(services[-1]["id"], readings), str(uuid4()))
    if as_json:
        typer.echo(json.dumps(test))
    else:
        for line in readings_of(test):
            console.print(line, highlight=False)
        passed = test["state"] == "completed"
        console.print("passed" if passed else "failed", style="green" if passed else "bold red")
    if test["state"] != "completed":
        raise typer.Exit(1)


@service.command("carriers-seen")
def carriers_seen(
    name: Annotated[
        str, typer.Argument(metavar="ORDER", help="That changes or ends a lease: its reference, or its id.")
    ],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Say that the NOC has seen the customer's carriers in the changed lease, or off the air: the order goes on."""
    with Api(url, token) as api:
        found = order_called(api, name)
        flow = flow_of(api, found)
        waits = [one for one in tasks_of(api, flow) if _is_seen(one)] if flow is not None else []
        if not waits or flow is None:
            accepted = f"one that waits for {' or '.join(SEEN)}, see satcom order waits"
            why = f"{found['reference']} does not wait for carriers to be seen"
            raise ApiRefused(409, [f"ORDER: {why} (accepted: {accepted})"])
        path = f"{FLOWS}/{flow['id']}/taskFlow/{waits[0]['id']}"
        with as_typed({"/state": "ORDER"}):
            seen = api.patch(path, {"state": "completed"}, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(seen))
    else:
        console.print(f"{found['reference']}: {SEEN[waits[0]['taskFlowSpecification']]}; it goes on", highlight=False)


def _is_seen(task: Body) -> bool:
    """Whether the task waits for the NOC to look at the carriers of a lease."""
    return task["taskFlowSpecification"] in SEEN and task["state"] == "active"


def access_test_body(service_id: str, readings: Mapping[str, tuple[float, str]]) -> Body:
    """In the words of TMF653; each reading with its unit."""
    return {
        "name": "Access test",
        "relatedService": {"id": service_id},
        "testSpecification": {"id": "access-test"},
        "testMeasure": [
            {"metricName": metric, "unitOfMeasure": unit, "value": {"name": metric, "value": value}}
            for metric, (value, unit) in readings.items()
        ],
    }


def differing(differences: Sequence[Body]) -> Listing:
    """A line for each field that differs."""
    listing = Listing("at the hub", "field", "told", "found")
    for one in differences:
        listing.add(one["kind"], one["field"], _text(one["desired"]), _text(one["actual"], "bold red"))
    return listing


def _text(value: object, style: str = "") -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no", style)
    return Text("nothing" if value is None else str(value), style)
