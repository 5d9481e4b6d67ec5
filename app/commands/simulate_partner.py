"""`satcom simulate-partner`: a partner who leases capacity, where there is none."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from satcom.core.errors import Refused
from satcom.core.settings import settings
from satcom.simulators.partner.server import main, token_in


def simulate_partner(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8071,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keeps what it holds and delivers; left out: below the data.")
    ] = None,
) -> None:
    """Simulate a partner who leases capacity, until Ctrl-C.

    It offers, holds, delivers and refuses as its /v1/world says, and fails on demand: see its /docs.
    """
    folder = state or settings().data_dir / "partner"
    tokens = json.dumps({f"http://127.0.0.1:{port}": token_in(folder)})
    typer.echo("For whoever is to ask it, beside its address as apiUrl of a partnership:")
    if port:
        typer.echo(f"export SATCOM_PARTNER_TOKENS='{tokens}'")
    else:
        typer.echo(f"its token: {token_in(folder)}")
    try:
        main(port, folder)
    except OSError as taken:
        sys.stdout.flush()
        raise Refused("--port", str(taken), "taken", "another port, or 0 for a free one") from taken
