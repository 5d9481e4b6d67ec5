"""`satcom spectrum import`: carriers of a public list become assignments, each by the command that any carrier is.

Those that fit are entered one by one, and what a command refuses is told beside what fits nowhere: a public list is
never all right, and one wrong line does not keep the others out. A carrier keeps its id, so a newer list corrects it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlmodel import Session, select

from satcom.app.loading.carriers import ON_THE_AIR
from satcom.app.loading.entries import instant, note_of
from satcom.app.loading.files import Entry, Files
from satcom.app.loading.loading import Change, Load, untold
from satcom.app.loading.operator import load_operator
from satcom.core.clock import now
from satcom.core.database import Database, lock_key
from satcom.core.entity import checked
from satcom.core.errors import Refused
from satcom.core.security import MIGRATION
from satcom.core.values import Json
from satcom.resource.hold import HoldState
from satcom.resource.listed_carriers import LeftOut, OfFleet, Placed, place_carriers
from satcom.resource.payload import Transponder
from satcom.resource.satellite import Satellite
from satcom.resource.satellites_xml import read_satellites_xml
from satcom.resource.spectrum import SpectrumAssignment

DECIDES = frozenset({"transponder_id", "start_hz", "stop_hz", "guard_band_hz", "symbol_rate_baud", "rolloff"})
LISTED = replace(ON_THE_AIR, decides=DECIDES, further=())
ASSUMED = "The list tells no power, and no roll-off of DVB-S2: both are assumed."


@dataclass(frozen=True)
class Imported:
    """What an import does or would do: changes by carrier, and those left out, entries that are no carriers first."""

    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]
    wrong: tuple[tuple[int, str], ...]


def import_carriers(
    database: Database, path: Path, dry_run: bool, by: str, dvb_s2_rolloff: float, power_percent: float
) -> Imported:
    """Enter the carriers of a `satellites.xml` that lie in the fleet. A dry run tells it and writes nothing.

    `power_percent` is what a carrier takes of the power, in percent of what it takes of the bandwidth.

    Raises `Refused` on a file that is no such list, and while there is no operator.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refused(path.name, f"it cannot be read: {error.strerror}", "unreadable") from error
    listed = read_satellites_xml(content, path.name)
    with database.as_worker(by) as session, session.begin_nested() as everything:
        session.info["mark"] = MIGRATION
        lock_key(session.connection(), "load")
        load = Load(session, Files(), untold)
        load_operator(load)
        load.refuse()
        placed, left = place_carriers(listed.carriers, _fleet(session), dvb_s2_rolloff)
        load.read(SpectrumAssignment, [_slug(one) for one in placed])
        for one in placed:
            try:
                _keep(load, one, path.name, power_percent)
            except Refused as refused:
                left += [LeftOut(one.carrier, fault.code, fault.why) for fault in refused.faults]
        if dry_run:
            everything.rollback()
    return Imported(tuple(load.changes), tuple(sorted(left, key=lambda one: one.carrier.line)), listed.wrong)


def _fleet(session: Session) -> list[OfFleet]:
    query = select(Transponder, Satellite).join(Satellite)
    return [
        OfFleet(
            one.id,
            one.name,
            satellite.name,
            longitude_deg,
            one.low_edge_hz,
            one.high_edge_hz,
            one.downlink_polarisation,
            one.guard_band_hz,
        )
        for one, satellite in session.exec(query).all()
        if (longitude_deg := satellite.orbital_longitude_deg) is not None
    ]


def _slug(one: Placed) -> str:
    carrier = one.carrier
    return f"listed-{carrier.place}-{carrier.downlink_center_hz // 1000}-{carrier.polarisation}"


def _keep(load: Load, one: Placed, file: str, power_percent: float) -> None:
    carrier = one.carrier
    transponder = load.present(Transponder, one.transponder.id)
    satellite = load.present(Satellite, transponder.satellite_id) if transponder is not None else None
    name = f"{carrier.downlink_center_hz / 1e6:g} MHz {carrier.polarisation}, {carrier.system}"
    note: Json = list(note_of(ASSUMED))
    values: dict[str, object] = {
        "name": name,
        "transponder_id": one.transponder.id,
        "start_hz": one.start_hz,
        "stop_hz": one.stop_hz,
        "power_share_hz": round((one.stop_hz - one.start_hz) * power_percent / 100),
        "guard_band_hz": one.guard_band_hz,
        "symbol_rate_baud": float(carrier.symbol_rate_baud),
        "rolloff": one.rolloff,
        "customer_note": f"On the air: {carrier.position or carrier.place}",
        "source": f"{file}, {carrier.place}",
        "illustrative": True,
        "state": HoldState.ASSIGNED,
        "start_at": instant(satellite.in_service_date if satellite is not None else None) or now(),
        "further": {"note": note},
    }
    slug = _slug(one)
    load.keep(LISTED, Entry(file, slug, {}), checked(SpectrumAssignment, values), name)
