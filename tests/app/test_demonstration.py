"""The demonstration: one command delivers orders, a second run doubles nothing, and a broken link is an exit code."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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
