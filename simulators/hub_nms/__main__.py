"""Command line of the hub NMS simulator: `python -m satcom.simulators.hub_nms --port 0 --state DIR`."""

import argparse
import os
import signal
import threading
from pathlib import Path

from satcom.simulators.hub_nms.server import main

STDIN = 0
parser = argparse.ArgumentParser(
    prog="hub_nms",
    description="A simulated VSAT hub's network management system. Prints its URL; its token is DIR/token.",
)
parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="keeps everything; made when missing")
parser.add_argument("--seed", type=int, default=0, help="of the measurements' noise")
parser.add_argument("--fleet", type=Path, metavar="FILE", help="hubs and satellites, JSON or YAML, for a new state")
parser.add_argument("--attached", action="store_true", help="end when standard input closes: with who started it")


def end_with_standard_input() -> None:
    """Whoever started the simulator may be killed; what it held open is closed then."""
    while os.read(STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def run() -> None:
    """What the command line asks for."""
    given = parser.parse_args()
    if given.attached:
        threading.Thread(target=end_with_standard_input, daemon=True).start()
    main(given.port, given.state, given.seed, fleet=given.fleet, host=given.host)


if __name__ == "__main__":
    run()
