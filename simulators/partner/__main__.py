"""Command line of the partner simulator: `python -m satcom.simulators.partner --port 0 --state DIR`."""

import argparse
from pathlib import Path

from satcom.simulators.partner.server import main

parser = argparse.ArgumentParser(
    prog="partner", description="A simulated capacity partner's API. Prints its URL; its token is DIR/token."
)
parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="keeps everything; made when missing")


def run() -> None:
    """What the command line asks for."""
    given = parser.parse_args()
    main(given.port, given.state, host=given.host)


if __name__ == "__main__":
    run()
