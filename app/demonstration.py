"""The demonstration: the operator of `examples/operator` delivers its first orders before your eyes.

It starts everything that an operator runs (hub simulator, API, workers), places the orders over HTTP as a customer's
system would, tells what happens, and lets a separate program check the result. Run again, it finds the orders there.
"""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from sqlmodel import Session

from satcom.app.demonstration_story import Story
from satcom.app.listing import rule
from satcom.app.loading.load import load
from satcom.app.loading.loading import Change, Outcome
from satcom.app.serving import WorkersBroke, serve, server_of
from satcom.app.simulated_hub import fleet_of
from satcom.core.access import create_token, list_tokens, revoke_token
from satcom.core.database import Database
from satcom.core.settings import settings
from satcom.resource.drivers.hub_nms import HubNmsDriver

NAME: Final = "demonstration"
ENDING: Final = "Ending: what runs is finished, then API, hub simulator and database stop."
PORTS_TRIED: Final = 50
START_LIMIT_S: Final = 30.0


def demonstrate(opened: Database, folder: Path, console: Console, leave: bool) -> int:
    """Load, deliver, tell, check; then serve until Ctrl-C unless `leave`. Gives the exit code."""
    rule(console, "satcom: orders through all four layers")
    changes = _loaded(opened, folder, console)
    with opened.as_worker(NAME) as session:
        fleet, token = fleet_of(session), _token(session)
    with simulated_hub(settings().data_dir / "hub_nms", json.dumps(fleet)) as (hub_url, hub_token):
        port = free_port(settings().host, settings().port, console)
        url = f"http://{settings().host}:{port}"
        with HubNmsDriver(hub_url, hub_token) as hub, served(opened, hub, port) as server:
            try:
                story = Story(opened, url, token, console)
                order_ids = story.tell(folder, changes)
                broken = checked(url, token, hub_url, hub_token, order_ids, console)
                if not leave:
                    story.where_to_look(hub_url, hub_token)
                    console.print("Serving until Ctrl-C.")
                    _until_ended(server)
            except KeyboardInterrupt:
                console.print(ENDING)
                raise
            if not leave:
                console.print(ENDING)
    return broken


def _loaded(opened: Database, folder: Path, console: Console) -> list[Change]:
    """Load the folder, unless the operator there has been changed since: what was changed stays."""
    changes = load(opened, folder, dry_run=True, by=NAME)
    changed = [one for one in changes if one.outcome is Outcome.CHANGED]
    if changed:
        names = ", ".join(f"{one.kind} {one.slug}" for one in changed[:5])
        console.print(f"The operator differs from {folder} and stays as it is: {names}", style="yellow")
    elif any(one.outcome is Outcome.CREATED for one in changes):
        return load(opened, folder, dry_run=False, by=NAME)
    return changes


def checked(url: str, token: str, hub_url: str, hub_token: str, order_ids: list[str], console: Console) -> int:
    """Have another program ask everybody over HTTP whether the orders are delivered. Its exit code."""
    command = [sys.executable, "-m", "satcom.app.delivery_check", url, token, hub_url, hub_token, *order_ids]
    check = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    style = "green" if check.returncode == 0 else "bold red"
    console.print("\n[bold]Checked by a separate program, over HTTP[/bold]")
    console.print((check.stdout + check.stderr).strip(), style=style, markup=False, highlight=False)
    return check.returncode


@contextmanager
def simulated_hub(state: Path, fleet: str) -> Iterator[tuple[str, str]]:
    """The hub simulator as a process of its own, with the operator's fleet; URL and token. It ends with us."""
    state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "satcom.simulators.hub_nms", "--state", str(state), "--attached"]
    # a session of its own: Ctrl-C is for us, and the simulator ends with us
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise RuntimeError(f"the hub simulator did not start: exit code {process.wait(START_LIMIT_S)}")
        token = (state / "token").read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        httpx.put(f"{url}/v1/fleet", content=fleet, headers=headers, trust_env=False).raise_for_status()
        yield url, token
    finally:
        process.terminate()
        process.wait(START_LIMIT_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def served(opened: Database, hub: HubNmsDriver, port: int) -> Iterator[threading.Thread]:
    """API and workers in a thread of this process, for as long as the block lasts. Raises `WorkersBroke`."""
    server, broken = server_of(opened, hub, port), list[WorkersBroke]()

    def run() -> None:
        try:
            asyncio.run(serve(server, opened, hub, max(settings().workers, 1)))
        except WorkersBroke as why:
            broken.append(why)

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        started = time.monotonic()
        while not server.started:
            if not thread.is_alive() or time.monotonic() - started > START_LIMIT_S:
                raise RuntimeError(f"the API did not start on port {port}; the log says why")
            time.sleep(0.02)
        yield thread
    finally:
        server.should_exit = True
        thread.join(START_LIMIT_S)
        if broken:  # whatever else went wrong follows from it
            raise broken[0]


def free_port(host: str, wanted: int, console: Console) -> int:
    """The wanted port, or the next one that nobody has, which is said."""
    for port in range(wanted, wanted + PORTS_TRIED):
        if not is_free(host, port):
            continue
        if port != wanted:
            console.print(f"Port {wanted} is taken; serving on {port}.", style="yellow")
        return port
    raise RuntimeError(f"no port from {wanted} to {wanted + PORTS_TRIED - 1} is free on {host}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _token(session: Session) -> str:
    """A token for looking around, valid for a day; the one of the last run ends."""
    for old in list_tokens(session):
        if old.name == NAME and old.revoked_at is None:
            revoke_token(session, old.id)
    _, secret = create_token(session, NAME, ["administrator"], None, timedelta(days=1))
    return secret


def _until_ended(server: threading.Thread) -> None:
    """Until Ctrl-C, or until it serves no more."""
    try:
        server.join()
    except KeyboardInterrupt:
        return
