"""Plans of manoeuvres in files, of the satellites of the inventory, with the services that they concern.

It asks the local network and writes nothing. A file that cannot be read whole is refused: a plan that lacks a burn
would be taken for the plan.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlmodel import Session

from satcom.app.sky_events import satellite_called
from satcom.core.errors import Fault, Refused
from satcom.orchestration.operations.hub_state import service_meant
from satcom.resource.physics.manoeuvre import Manoeuvre
from satcom.resource.physics.opm import read_opm
from satcom.resource.planned_manoeuvre import satellites_told
from satcom.service.planned_manoeuvre import PlannedManoeuvre, planned_manoeuvres

SHOWN = 20  # wrong lines of a file


def manoeuvres_in(texts: Mapping[str, str]) -> list[Manoeuvre]:
    """Of all files, by their names. Raises `Refused` on `FILE` with every line that is wrong."""
    read = {name: read_opm(text) for name, text in texts.items()}
    faults = [
        Fault("FILE", f"{name}, line {bad.line_number}: {bad.reason}", "invalid")
        for name, file in read.items()
        for bad in file.bad_lines[:SHOWN]
    ]
    if faults:
        raise Refused.all(faults)
    return [one for file in read.values() for one in file.manoeuvres]


def plan_of(
    session: Session, manoeuvres: list[Manoeuvre], satellite: str | None, service: str | None
) -> list[PlannedManoeuvre]:
    """By ignition. `satellite` is whose they all are, `service` the one that they concern.

    Raises `Refused` on `--satellite` and `--service` when there is none of that name, and on `--satellite` where the
    files are of several; on `FILE` where an object of theirs is no satellite that is known.
    """
    objects = list(dict.fromkeys((one.object_name, one.object_id) for one in manoeuvres))
    if satellite is not None:
        whose = satellite_called(session, satellite)
        if len(objects) > 1:
            several = ", ".join(name for name, _ in objects)
            raise Refused("--satellite", f"the plans are of several satellites: {several}", "invalid", "those of one")
        known = dict.fromkeys(objects, whose)
    else:
        known = satellites_told(session, objects, "FILE")
    found = planned_manoeuvres(session, [(one, known[one.object_name, one.object_id]) for one in manoeuvres])
    if service is None:
        return found
    try:
        meant = service_meant(session, service)
    except Refused as refused:
        refused.faults = tuple(replace(one, field="--service") for one in refused.faults)
        raise
    return [one for one in found if one.concerns(meant.id)]
