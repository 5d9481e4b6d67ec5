"""The demonstration: one command delivers orders, a second run doubles nothing, and a broken link is an exit code."""

import os
import re
import shutil
import signal
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

from satcom.app.qualify_tables import SHOWN, number_shown

ROOT = Path(__file__).parents[2]
SATCOM = str(Path(sys.executable).with_name("satcom"))
OPERATOR = ROOT / "examples" / "operator"
AGREED = "tell one story"


def demo(data_dir: Path, port: int, *what: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
    environment = kept | {"SATCOM_DATA_DIR": str(data_dir), "SATCOM_PORT": str(port), "COLUMNS": "100"}
    return subprocess.run(
        [SATCOM, "demo", *(what or (str(OPERATOR),)), "--exit"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@contextmanager
def demo_that_serves(data_dir: Path, port: int) -> Iterator[tuple[Path, httpx.Client]]:
    """The demonstration until Ctrl-C: what it has told, and its API."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
    environment = kept | {"SATCOM_DATA_DIR": str(data_dir), "SATCOM_PORT": str(port), "COLUMNS": "100"}
    told = data_dir.with_suffix(".told")
    with told.open("w") as out:
        command = [SATCOM, "demo", str(OPERATOR)]
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        while "Serving until Ctrl-C." not in told.read_text(encoding="utf-8"):
            assert running.poll() is None, told.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)
        text = told.read_text(encoding="utf-8")
        (url,), (token,) = (re.findall(rf"^ *{name} +(\S+)$", text, re.M) for name in ("metrics", "token of the API"))
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url.removesuffix("/metrics"), headers=headers, trust_env=False) as api:
            yield told, api
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(120)


def listed(api: httpx.Client, path: str) -> list[dict[str, Any]]:  # JSON of the API
    answer = api.get(path, params={"limit": "100"})
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def test_each_kind_tells_its_ways_by_rank_with_prices_and_every_loser_with_its_number(tmp_path: Path) -> None:
    """Held against what the API says of the same questions: the evidence of the orders, and their prices."""
    with demo_that_serves(tmp_path / "data", 18450) as (told, api):
        text = told.read_text(encoding="utf-8")
        kept = listed(api, "/satcom-api/service/v1/qualificationEvidence")
        orders = listed(api, "/tmf-api/productOrderingManagement/v4/productOrder")
        (operator,) = listed(api, "/satcom-api/enterprise/v1/operator")
    results = {one["result"]["demand"]["capacity"]: one["result"] for one in kept}
    assert list(results) == ["carriers", "poolShare", "leasedSpectrum"]
    parts = text.split("ways to deliver it, least capacity first")[1:]
    for told_of, result, order in zip(parts, results.values(), orders, strict=True):
        question = told_of.partition("The order is placed")[0]
        ways = re.findall(r"^ *(\d+) +(.*)$", question.partition("Prices before tax")[0], re.M)
        assert [int(rank) for rank, _ in ways] == list(range(1, len(result["solutions"]) + 1))
        assert re.search(rf"{operator['currency']} once", question)
        for (_, line), way in zip(ways, result["solutions"], strict=True):
            assert way["satelliteName"] in line
            assert re.search(r"\d[\d,]*\.\d\d$", line.rstrip()), f"no price: {line}"
            assert f"{way['chargedBandwidthHz'] / 1e6:.3f}" in line or way["capacity"] == "leasedSpectrum"
        for one in order["orderTotalPrice"]:
            amount = one["price"]["dutyFreeAmount"]
            assert f"{amount['value']:,.2f}" in question, one
            assert amount["unit"] == operator["currency"]
        for one in (*result["losers"], *result["lostWays"]):
            number, limit, unit = shown(one)
            why = rf"{one['reason']} .*{re.escape(number)} +{re.escape(limit)} +{re.escape(unit)}"
            assert re.search(why, question), one


def shown(loser: dict[str, Any]) -> tuple[str, str, str]:
    """Its number, limit and unit, as the demonstration writes them."""
    factor, unit, digits = SHOWN.get(loser["unit"], (1.0, loser["unit"], 2))
    return number_shown(loser["value"], factor, digits), number_shown(loser["limit"], factor, digits), unit


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

    again = demo(data_dir, port)
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    assert " unchanged" in again.stdout
    assert " created" not in again.stdout
    assert again.stdout.count("The order is there already: PO-") == 3

    shutil.rmtree(data_dir / "hub_nms")  # the hub forgets everything
    broken = demo(data_dir, port)
    assert broken.returncode == 1
    assert "broken:" in broken.stdout
    assert AGREED not in broken.stdout


@pytest.mark.parametrize(("orbit", "fleet"), [("meo", "O3b mPOWER"), ("leo", "OneWeb")])
def test_the_same_order_is_delivered_on_another_orbit(tmp_path: Path, orbit: str, fleet: str) -> None:
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
    refused = demo(tmp_path / "data", 18400, str(folder))
    assert refused.returncode == 1, refused.stdout[-2000:]
    assert "The order is rejected: " in refused.stdout
    assert refused.stderr == ""
