"""The demonstration: one command delivers orders, a second run doubles nothing, and a broken link is an exit code.

What it tells of each question is held against what the API says of it: the evidence, and the same question asked again.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from satcom.app.qualify_tables import SHOWN
from satcom.resource.physics.maps import map_folder

ROOT = Path(__file__).parents[2]
SATCOM = str(Path(sys.executable).with_name("satcom"))
OPERATOR = ROOT / "examples" / "operator"
AGREED = "tell one story"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
QUESTIONS = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
MONEY = r"\d[\d,]*\.\d\d"
Body = dict[str, Any]  # JSON of the API
Way = tuple[str, str, str, str]  # satellite and band, MHz, price once, price a month: as they are shown


def surroundings(data_dir: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
    return kept | {"SATCOM_DATA_DIR": str(data_dir), "SATCOM_PORT": str(port), "COLUMNS": "100"}


def demo(data_dir: Path, port: int, *what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SATCOM, "demo", *(what or (str(OPERATOR),)), "--exit"],
        cwd=ROOT,
        env=surroundings(data_dir, port),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def with_maps(data_dir: Path) -> Path:
    """A data directory in which the digital maps lie unpacked already, which takes seconds of a processor."""
    map_folder().mkdir(parents=True, exist_ok=True)
    data_dir.mkdir()
    (data_dir / "maps").symlink_to(map_folder())
    return data_dir


@contextmanager
def demo_that_serves(data_dir: Path, port: int) -> Iterator[tuple[str, httpx.Client]]:
    """What the demonstration has told, and its API, until it is told to end."""
    told = data_dir.with_name("told")
    with told.open("w") as out:
        running = subprocess.Popen(
            [SATCOM, "demo", str(OPERATOR)],
            cwd=ROOT,
            env=surroundings(data_dir, port),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        while "Serving until Ctrl-C." not in (text := told.read_text(encoding="utf-8")):
            assert running.poll() is None, text[-2000:]
            time.sleep(0.2)
        (url,), (token,) = (re.findall(rf"^ *{name} +(\S+)$", text, re.M) for name in ("metrics", "token of the API"))
        headers, base_url = {"Authorization": f"Bearer {token}"}, url.removesuffix("/metrics")
        with httpx.Client(base_url=base_url, headers=headers, trust_env=False, timeout=120) as api:
            yield text, api
    finally:
        running.terminate()  # as Ctrl-C, which who runs this in the background may ignore
        assert running.wait(120) == 0, told.read_text(encoding="utf-8")[-2000:]


def ways_shown(question: str) -> list[Way]:
    """The ways in the order that they are shown in, which their ranks count."""
    table = question.partition("Prices before tax")[0]
    rows = re.split(r"^ {1,2}(\d+)  ", table, flags=re.M)
    assert rows[1::2] == [str(rank) for rank in range(1, len(rows) // 2 + 1)]
    in_one_line = re.search(r"USD once +a month", rows[0]) is not None
    return [way_in(row, in_one_line) for row in rows[2::2]]


def way_in(row: str, in_one_line: bool) -> Way:
    """What is monthly stands beside what is paid once, or below it."""
    first, second = row.splitlines()[:2]
    prices = rf"({MONEY}) +({MONEY}) *$" if in_one_line else rf"({MONEY}) *\n.*?({MONEY}) *$"
    found, mhz = re.search(prices, f"{first}\n{second}", re.M), re.search(r" (\d+\.\d{3}) ", first)
    assert found, f"no price: {row}"
    assert mhz, f"no MHz: {row}"
    return re.split(" {2,}", first)[0], mhz[1], found[1], found[2]


def ways_by_evidence(evidence: Body) -> list[tuple[str, str]]:
    ways = evidence["result"]["solutions"]
    return [(f"{one['satelliteName']} {one['band']}", f"{one['chargedBandwidthHz'] / 1e6:.3f}") for one in ways]


def ways_offered(api: httpx.Client, order: Body) -> list[Way]:
    """What a customer is offered who asks as this order does."""
    ordered = order["productOrderItem"][0]
    chosen = [{"name": one["name"], "value": one["value"]} for one in ordered["product"]["productCharacteristic"]]
    product = {"productCharacteristic": chosen, "productTerm": ordered["itemTerm"]}
    item = {"id": "1", "productOffering": {"id": ordered["productOffering"]["id"]}, "product": product}
    body = {"relatedParty": order["relatedParty"], "productOfferingQualificationItem": [item]}
    [told] = api.post(QUESTIONS, json=body).raise_for_status().json()["productOfferingQualificationItem"]
    others = [one["alternateProduct"] for one in told["alternateProductOfferingProposal"]]
    return [way_offered(one) for one in (told["product"], *others)]


def way_offered(product: Body) -> Way:
    satellite_and_mhz = re.match(r"([^,]+), .*?; (\d+\.\d{3}) MHz; ", product["description"])
    assert satellite_and_mhz, product["description"]
    amounts = [(one["priceType"], one["price"]["dutyFreeAmount"]["value"]) for one in product["productPrice"]]
    once, monthly = (sum(value for of, value in amounts if of == kind) for kind in ("oneTime", "recurring"))
    return satellite_and_mhz[1], satellite_and_mhz[2], f"{once:,.2f}", f"{monthly:,.2f}"


def why(loser: Body) -> str:
    """Its row: the reason, whom it holds for where that is told in one line for all, number, limit and unit."""
    factor, unit, digits = SHOWN.get(loser["unit"], (1.0, loser["unit"], 2))
    number, limit = (f"{loser[name] * factor:,.{digits}f}" for name in ("value", "limit"))
    return rf"\b{loser['reason']} .* {number} +{limit} +{unit} *$"


def agree_on_ways_and_reasons(told: str, api: httpx.Client) -> None:
    """What is told of each question: its ways by rank, their prices, and of all that cannot the number that decided."""
    orders = api.get(ORDERS, params={"sort": "orderDate"}).raise_for_status().json()
    kept = api.get(EVIDENCE, params={"sort": "at"}).raise_for_status().json()
    questions = [one.partition("The order is placed")[0] for one in told.split("Can it be delivered?")[1:]]
    for question, evidence, order in zip(questions, kept, orders, strict=True):
        shown = ways_shown(question)
        assert [way[:2] for way in shown] == ways_by_evidence(evidence)
        assert sorted(shown) == sorted(ways_offered(api, order))
        lost = [*evidence["result"]["losers"], *evidence["result"]["lostWays"]]
        assert [one for one in lost if not re.search(why(one), question, re.M)] == []
        assert len({one["reason"] for one in lost}) >= 3
    first = ways_shown(questions[0])
    assert len(first) == len(set(first)) > 5, "that they differ is what makes their ranks say something"


def test_an_order_is_delivered_once_and_a_broken_link_is_an_exit_code(tmp_path: Path) -> None:
    data_dir = tmp_path / "a folder with spaces"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port: int = taken.getsockname()[1]
        first = demo(data_dir, port)
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr[-2000:]
    assert f"Port {port} is taken" in first.stdout
    assert AGREED in first.stdout
    assert first.stdout.count("The order is placed: PO-") == first.stdout.count("The first bill: ") == 3
    assert [step for step in ("measure link", "access is tested") if step not in first.stdout] == []
    assert [kind for kind in ("pool share", "hub port", "slot") if kind not in first.stdout] == []

    with demo_that_serves(data_dir, port) as (again, api):
        agree_on_ways_and_reasons(first.stdout, api)
    assert " unchanged" in again
    assert " created" not in again
    assert again.count("The order is there already: PO-") == 3

    shutil.rmtree(data_dir / "hub_nms")  # the hub forgets everything
    broken = demo(data_dir, port)
    assert broken.returncode == 1
    assert "broken:" in broken.stdout
    assert AGREED not in broken.stdout


@pytest.mark.parametrize(
    ("orbit", "fleet"), [("meo", "O3b mPOWER"), pytest.param("leo", "OneWeb", marks=pytest.mark.at_length)]
)
def test_the_same_order_is_delivered_on_another_orbit(tmp_path: Path, orbit: str, fleet: str) -> None:
    with_maps(tmp_path / f"{orbit}_demonstration")
    told = demo(tmp_path, 18400, "--orbit", orbit)
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
    assert AGREED in told.stdout
    assert f"constellation share  {fleet}" in told.stdout
    carried = told.stdout.partition("Who carries it, now and later")[2].partition("The service was tested")[0]
    assert len(set(re.findall(rf"{fleet.upper().split()[0]}[ \w-]*\d", carried))) >= 2, "satellites take turns"
    assert [one.name for one in tmp_path.iterdir()] == [f"{orbit}_demonstration"]


def test_an_orbit_and_a_folder_are_one_too_many(tmp_path: Path) -> None:
    refused = demo(tmp_path, 18400, str(OPERATOR), "--orbit", "meo")
    assert refused.returncode != 0
    assert "--orbit: a folder is given, too" in refused.stderr
    unknown = demo(tmp_path, 18400, "--orbit", "heo")
    assert unknown.returncode != 0
    assert "heo" in unknown.stderr
    assert not list(tmp_path.iterdir())


def test_an_order_that_is_refused_is_told_as_a_story_and_not_logged(tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    shutil.copytree(OPERATOR, folder)
    catalogue = folder / "catalogue.yaml"
    text = catalogue.read_text(encoding="utf-8")
    assert "\n    band: C\n" in text
    catalogue.write_text(text.replace("\n    band: C\n", "\n    band: Ka\n"), encoding="utf-8")  # C-band has no price
    refused = demo(with_maps(tmp_path / "data"), 18400, str(folder))
    assert refused.returncode == 1, refused.stdout[-2000:]
    assert "The order is rejected: " in refused.stdout
    assert refused.stderr == ""
