"""Re-packing a transponder of the inventory: which of the carriers on it may move, and the plan.

What is held for a talk or an order is not on the air and stays; so does what somebody pins. A transponder on which
carriers of others lie is planned by who sees them all.
"""

from collections.abc import Sequence

from satcom.core.errors import Fault, Refused
from satcom.resource.hold import HoldState
from satcom.resource.repack.plan import Band, OnTheAir, RepackPlan, plan_repack
from satcom.resource.spectrum import SpectrumAssignment
from satcom.resource.transponder_spectrum import TransponderSpectrum


def repack_of(
    spectrum: TransponderSpectrum, pinned: Sequence[str], bandwidth_hz: int, power_share_hz: int, most_moves: int
) -> RepackPlan:
    """The shortest plan that opens a slot. `pinned` are carriers by id or name that are to stay.

    Raises `Refused` on `transponderId` where others lie on it, on `pinned` with each that does not; what `plan_repack`
    raises.
    """
    if spectrum.hidden:
        raise Refused("transponderId", "carriers of others lie on it; the operator plans it", "notAllowed")
    _check_pinned(spectrum.carriers, pinned)
    one = spectrum.transponder
    band = Band(one.low_edge_hz, one.high_edge_hz, one.guard_band_hz, spectrum.power_free_hz)
    carriers = [_on_the_air(one, pinned) for one in spectrum.carriers]
    return plan_repack(band, carriers, bandwidth_hz, power_share_hz, most_moves)


def _on_the_air(one: SpectrumAssignment, pinned: Sequence[str]) -> OnTheAir:
    why = "it is to stay" if one.id in pinned or one.name in pinned else None
    if why is None and one.state is HoldState.HELD:
        why = "it is held, and not on the air yet"
    return OnTheAir(one.id, one.start_hz, one.stop_hz, one.guard_band_hz, one.power_share_hz, why, one.name)


def _check_pinned(carriers: Sequence[SpectrumAssignment], pinned: Sequence[str]) -> None:
    known = {name for one in carriers for name in (one.id, one.name)}
    names = ", ".join(one.name for one in carriers)
    faults = [
        Fault("pinned", f"no carrier on the transponder is called {one[:80]!r}", "notFound", names)
        for one in pinned
        if one not in known
    ]
    if faults:
        raise Refused.all(faults)
