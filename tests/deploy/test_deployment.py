"""The page on deployment: its proxies carry the API, its units are sound, its settings exist."""

import configparser
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import yaml
from rich.console import Console
from typer.main import get_command

from satcom.app import cli
from satcom.app.demonstration import free_port
from satcom.core.settings import Settings, settings
from tests.postgres_server import drop_database, new_database

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
UNITS: Final = sorted((ROOT / "deploy" / "systemd").iterdir())
PROGRAM: Final = Path(sys.executable).with_name("satcom")
INSTALLED: Final = "/usr/local/lib/satcom/.venv/bin/satcom"


def example(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def unit(path: Path) -> configparser.SectionProxy:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(path, encoding="utf-8")
    assert {"Unit", "Service", "Install"} == set(parsed.sections())
    return parsed["Service"]


# -- Units --------------------------------------------------------------------------------------------------------


def test_there_is_a_unit_for_the_api_and_one_for_any_number_of_workers() -> None:
    assert [one.name for one in UNITS] == ["satcom-api.service", "satcom-worker@.service"]
    assert all(one.name.removesuffix(".service") in PAGE for one in UNITS)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists_and_starts_it_again(path: Path) -> None:
    service = unit(path)
    program, command = service["ExecStart"].split()
    assert program == INSTALLED
    assert command in get_command(cli.app).commands  # type: ignore[attr-defined]
    assert (service["User"], service["Restart"]) == ("satcom", "always")
    assert service["EnvironmentFile"] in PAGE


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(path: Path, tmp_path: Path) -> None:
    here = tmp_path / path.name
    here.write_text(path.read_text(encoding="utf-8").replace(INSTALLED, shutil.which("true") or ""), encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(here)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    about_it = [line for line in done.stderr.splitlines() if path.name.partition(".")[0].rstrip("@") in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


def test_every_setting_that_the_page_and_the_units_name_is_one() -> None:
    told = PAGE + "".join(one.read_text(encoding="utf-8") for one in UNITS)
    named = {name.removeprefix("SATCOM_").lower() for name in re.findall(r"SATCOM_[A-Z_]+", told)}
    assert {"root_path", "workers", "database_url"} <= named <= set(Settings.model_fields)
    assert "SATCOM_WORKERS" not in example("ini"), "the file would win over the unit of the API"


def test_the_workers_that_the_page_enables_are_those_that_prometheus_scrapes() -> None:
    [worker] = [one for one in UNITS if "@" in one.name]
    [port] = re.findall(r"^Environment=SATCOM_WORKER_METRICS_PORT=(\S+)$", worker.read_text("utf-8"), re.MULTILINE)
    enabled = set(re.findall(r"satcom-worker@(\d)", example_of_services()))
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = [one for one in scraped["scrape_configs"] if one["job_name"] == "satcom-worker"]
    [targets] = [one["targets"] for one in job["static_configs"]]
    assert sorted(targets) == sorted(f"{Settings().worker_metrics_host}:{port.replace('%i', one)}" for one in enabled)
    assert len(targets) == 2
    assert "SATCOM_WORKER_METRICS_PORT" not in example("ini"), "the file would win over the units of the workers"


def example_of_services() -> str:
    [line] = re.findall(r"^systemctl enable .*$", PAGE, re.MULTILINE)
    return str(line)


# -- Proxies ------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine, with its key beside it."""
    file = tmp_path / "proxy.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(file.with_suffix(".key")), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file


def configured(name: str, certificate: Path, ports: tuple[int, int], path: str) -> str:
    """The example of the page with this machine's ports and certificate, and with another path when there is one."""
    outside, inside = map(str, ports)
    text = example("caddy" if name == "caddy" else "nginx").replace("127.0.0.1:8000", f"127.0.0.1:{inside}")
    text = text.replace("/etc/ssl/oss.example.net", str(certificate.with_suffix("")))
    if path:
        changes = {"nginx": ("location / {", f"location {path}/ {{"), "caddy": ("handle /* {", f"handle {path}/* {{")}
        assert changes[name][0] in text
        assert changes[name][1] in PAGE, "the page does not say what to change"
        text = text.replace(*changes[name])
    if name == "caddy":
        options = "{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}\n"
        return options + text.replace("oss.example.net {", f"localhost:{outside} {{")
    text = text.replace("listen 443 ssl", f"listen {outside} ssl").replace("oss.example.net;", "localhost;")
    return f"daemon off; pid nginx.pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{text}}}\n"


@contextmanager
def running(command: list[str], port: int, place: Path, **environment: str) -> Iterator[None]:
    """A program that listens on `port`, for as long as the block lasts."""
    with (place / f"{port}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, (place / f"{port}.log").read_text()[-2000:]
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("nginx", "/satcom"),
        ("caddy", ""),
        pytest.param("nginx", "", marks=pytest.mark.at_length),
        pytest.param("caddy", "/satcom", marks=pytest.mark.at_length),
    ],
)
def test_behind_the_proxy_of_the_page_a_reference_can_be_followed_over_tls(
    name: str, path: str, certificate: Path, postgres: str, tmp_path: Path
) -> None:
    quiet = Console(quiet=True)
    inside = free_port("127.0.0.1", 18300, quiet)
    outside = free_port("127.0.0.1", inside + 1, quiet)
    config = tmp_path / "proxy.conf"
    config.write_text(configured(name, certificate, (outside, inside), path), encoding="utf-8")
    proxy = {
        "nginx": ["nginx", "-p", str(tmp_path), "-c", str(config)],
        "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)],
    }[name]
    url = new_database(postgres)
    told = {"SATCOM_DATABASE_URL": url, "SATCOM_PORT": str(inside), "SATCOM_ROOT_PATH": path}
    surroundings = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "HOME": str(tmp_path), **told}
    with running([str(PROGRAM), "serve"], inside, tmp_path, **surroundings):
        command = [str(PROGRAM), "token", "create", "me", "--role", "sales", "--json"]
        made = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True).stdout
        token = re.findall(r'"token": "([^"]+)"', made)[0]
        with (
            running(proxy, outside, tmp_path, **surroundings),
            httpx.Client(
                base_url=f"https://localhost:{outside}",
                verify=ssl.create_default_context(cafile=certificate),
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            ) as client,
        ):
            parties = f"{path}/tmf-api/party/v4/organization"
            placed = client.post(parties, json={"tradingName": "Kivu Tea", "name": "Kivu Tea Estates SARL"})
            assert placed.status_code == 201, placed.text
            assert placed.headers["Location"].startswith(f"{parties}/")
            assert client.get(placed.headers["Location"]).json() == client.get(placed.json()["href"]).json()
            slash = client.get(f"{parties}/")  # answered with an address, which must be the proxy's
            assert slash.headers.get("Location", f"https://localhost:{outside}{parties}").startswith(
                "https://localhost"
            )
    settings.cache_clear()
    drop_database(url)
