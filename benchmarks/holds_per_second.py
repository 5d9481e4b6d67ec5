"""All-or-none holds of four resources in a second: in the database, and by API with 32 clients.

In the database a hold takes two slots with their power, a hub port and a share of a carrier pool; by API, where people
hold by hand, three slots and a hub port. A hundred holds share each day, so that every search meets neighbours; all
find room. Each is committed to disk before it counts. Giving everything back is timed, too.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import typer
from benchmarks.booking_clients import FIRST_DAY, Network, a_network
from benchmarks.measured import Row, Table, a_server, load, median_ms, percentile_ms, postgres_version, publish
from benchmarks.served import client, served

from satcom.app import declarations
from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.security import WORKER
from satcom.core.values import instant_text
from satcom.resource.carrier_pool import WantedShare
from satcom.resource.hold import Owner, Period
from satcom.resource.reservation import Reservation, Wanted, release, reserve
from satcom.resource.spectrum import WantedSlot
from tests.enterprise.an_operator import an_operator, an_organization
from tests.market.a_market import a_token

NAME, PROCESSES, CLIENTS = "holds_per_second", 2, 32
A_DAY_HOLDS, PORTS = 100, 60
WIDTH_HZ = 200_000
Held = tuple[str, float]  # which reservation, and how long it took


def period(number: int) -> Period:
    starts = FIRST_DAY + timedelta(days=number // A_DAY_HOLDS)
    return Period(starts, starts + timedelta(days=1))


def _of(ids: Sequence[str], number: int) -> str:
    return ids[number % len(ids)]


def hold(database: Database, network: Network, number: int) -> Held:
    slots = tuple(WantedSlot(_of(network.transponders, number + place), WIDTH_HZ, WIDTH_HZ) for place in (0, 3))
    share = WantedShare(_of(network.pools, number), 20_000, 100_000, 10_000, 50_000)
    owner = Owner(new_id(), None, None)
    wanted = Wanted(owner, period(number), slots, (_of(network.hubs, number),), shares=(share,))
    began = time.perf_counter()
    with database.as_worker() as session:
        identifier = reserve(session, wanted, now() + timedelta(days=1), WORKER).id
    return identifier, time.perf_counter() - began


def give_back(database: Database, identifier: str) -> None:
    with database.as_worker() as session:
        release(session, find(session, Reservation, identifier), "measured")


def _share(url: str, network: Network, numbers: Sequence[int], clients: int) -> tuple[list[float], float, float]:
    """One process: how long each hold took, all of them, and giving all of them back."""
    assert declarations.ROUTES
    database = Database(url, clients)
    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        held = list(pool.map(partial(hold, database, network), numbers))
        between = time.perf_counter()
        list(pool.map(partial(give_back, database), [identifier for identifier, _ in held]))
        ended = time.perf_counter()
    database.close()
    return [taken_s for _, taken_s in held], between - began, ended - between


def in_the_database(url: str, network: Network, count: int, clients: int) -> Row:
    """Two processes, as two workers would; the slower of them counts."""
    shares = [range(number, count, PROCESSES) for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_share, url, network, share, clients // PROCESSES) for share in shares]
        parts = [job.result() for job in jobs]
    taken_s = [one for part in parts for one in part[0]]
    return _row("in the database", clients, taken_s, max(part[1] for part in parts), max(part[2] for part in parts))


def by_api(address: str, headers: dict[str, str], party: str, network: Network, count: int, clients: int) -> Row:
    with ThreadPoolExecutor(clients) as pool:
        shares = [range(number, count, clients) for number in range(clients)]
        began = time.perf_counter()
        held = list(pool.map(partial(_client_holds, address, headers, party, network), shares))
        between = time.perf_counter()
        list(pool.map(partial(_client_gives_back, address, headers), [[one for one, _ in part] for part in held]))
        ended = time.perf_counter()
    return _row("by API", clients, [one for part in held for _, one in part], between - began, ended - between)


def _client_holds(
    address: str, headers: dict[str, str], party: str, network: Network, numbers: Sequence[int]
) -> list[Held]:
    with client(address, headers) as http:
        return [_timed(partial(http.post, Reservation.api.path, json=body(party, network, one))) for one in numbers]


def _timed(send: Callable[[], httpx.Response]) -> Held:
    began = time.perf_counter()
    answer = send()
    taken_s = time.perf_counter() - began
    if answer.is_error:
        raise RuntimeError(answer.text)
    return answer.json()["id"], taken_s


def _client_gives_back(address: str, headers: dict[str, str], identifiers: Sequence[str]) -> None:
    with client(address, headers) as http:
        for one in identifiers:
            http.patch(f"{Reservation.api.path}/{one}", json={"state": "cancelled"}).raise_for_status()


def body(party: str, network: Network, number: int) -> dict[str, Any]:
    """Three slots and a hub port, as sales sends it."""
    demand = {"capacityAmount": {"capacityAmount": str(WIDTH_HZ)}, "capacitySpec": {"id": "bandwidthHz"}}
    transponders = [_of(network.transponders, number + place) for place in (0, 3, 5)]
    slots = [{"relatedEntity": [_one("Transponder", one)], "capacityDemand": demand} for one in transponders]
    port = {"relatedEntity": [_one("Hub", _of(network.hubs, number))]}
    wanted = period(number)
    assert wanted.stop_at is not None
    return {
        "relatedParty": [{"id": party, "role": "customer", "@referredType": "Organization"}],
        "reservationItem": [*slots, port],
        "reservationPeriod": {
            "startDateTime": instant_text(wanted.start_at),
            "endDateTime": instant_text(wanted.stop_at),
        },
        "validFor": {"endDateTime": instant_text(now() + timedelta(days=1))},
    }


def _one(kind: str, identifier: str) -> dict[str, str]:
    return {"id": identifier, "role": "of", "@referredType": kind}


def _row(where: str, clients: int, taken_s: list[float], holding_s: float, giving_back_s: float) -> Row:
    count = len(taken_s)
    return (
        where,
        clients,
        count,
        count / holding_s,
        median_ms(taken_s),
        percentile_ms(taken_s, 99),
        count / giving_back_s,
    )


def measured(database: Database, holds: int) -> list[Row]:
    network = a_network(database, PORTS)
    with database.as_worker() as session:
        an_operator(session)
        party = an_organization(session, "Customer").id
    headers = a_token(database, "sales")
    rows = [in_the_database(database.url, network, holds, clients) for clients in (2, CLIENTS)]
    with served(database.url) as address:
        return [*rows, by_api(address, headers, party, network, holds, CLIENTS)]


def main(holds: int = 2_000, write: bool = False) -> None:
    began = load()
    with a_server() as url:
        database = Database(url, 4)
        rows = measured(database, holds)
        server = postgres_version(url)
        database.close()
    columns = ("where", "clients", "holds", "holds/s", "median, ms", "99th percentile, ms", "given back/s")
    note = "Four resources each, all or none. The API is one process of the server."
    command = f"python -m benchmarks.{NAME} --holds {holds}"
    publish(NAME, command, f"{server}; {began}", [Table("Holds", columns, rows, note)], write)


if __name__ == "__main__":
    typer.run(main)
