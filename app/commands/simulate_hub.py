"""`satcom simulate-hub`: a hub to deliver to where there is none, with the fleet of the operator's inventory."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from satcom.app.simulated_hub import fleet_of
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.settings import settings
from satcom.simulators.hub_nms.configuration import Fleet
from satcom.simulators.hub_nms.nms import Nms
from satcom.simulators.hub_nms.server import main, token_in


def simulate_hub_command(opened: Callable[[], AbstractContextManager[Database]]) -> Callable[..., None]:
    """The command, with the inventory of the database that `opened` opens."""

    def command(
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8070,
        state: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Keeps what the hub is told; left out: below the data.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Of the noise in its measurements.")] = 0,
    ) -> None:
        """Simulate the hubs of the loaded operator, until Ctrl-C.

        It measures what its own sky gives, and fails on demand: see its /docs.
        """
        with opened() as database, database.as_worker("simulate-hub") as session:
            fleet = Fleet.model_validate(json.loads(json.dumps(fleet_of(session))))
        passing = sum(len(one.satellites) for one in fleet.constellations)
        if not fleet.hubs or not (fleet.satellites or passing):
            raise Refused("hub", "there is no hub with ports in this database", "notLoaded", "after satcom load DIR")
        folder = state or settings().data_dir / "hub_nms"
        tell_fleet(folder, fleet, seed)
        satellites = len(fleet.satellites) + passing
        typer.echo(f"{len(fleet.hubs)} hubs, {satellites} satellites. Where satcom is to find them:")
        typer.echo(f"export SATCOM_HUB_NMS_TOKEN={token_in(folder)}")
        sys.stdout.write("export SATCOM_HUB_NMS_URL=")  # the simulator says where, once it listens there
        try:
            main(port, folder, seed)
        except OSError as taken:
            typer.echo()
            raise Refused("--port", str(taken), "taken", "another port, or 0 for a free one") from taken

    return command


def tell_fleet(folder: Path, fleet: Fleet, seed: int) -> None:
    """Have the simulator know the fleet as it is today; what it was told of carriers and terminals stays."""
    nms = Nms(folder, seed)
    nms.set_fleet(fleet)
    nms.store.close()
