"""What of a designed link may be sold with a confidence: the availability and the margin that it then still has.

Words and models: `uncertainty`. No server, no clock.
"""

from dataclasses import dataclass

import numpy as np

from satcom.resource.physics.antenna import half_power_beamwidth_deg
from satcom.resource.physics.link_design import DirectionDesign, distance_km
from satcom.resource.physics.link_input import ImpossibleLink, LinkInput
from satcom.resource.physics.uncertainty import (
    Unknowns,
    availability_at_confidence_percent,
    element_error_deg,
    mean_pointing_loss_db,
    spare_at_confidence_db,
)
from satcom.resource.physics.year_to_year import climatic_ratio

TOLD = np.array([0.1, 0.5, 0.9])  # the margin's distribution is told at these
LEAST_CONFIDENCE_PERCENT, MOST_CONFIDENCE_PERCENT = 50.0, 99.9


@dataclass(frozen=True)
class ConfidentLink:
    """`margin_db_by_confidence` tells the distribution of the margin at the availability that was asked.

    A margin is negative just where the availability is not met; nan where it is more than 40 dB away.
    """

    confidence: float
    availability_percent: float
    margin_db: float
    margin_db_by_confidence: tuple[tuple[float, float], ...]
    meets: bool


def at_confidence(given: LinkInput, design: DirectionDesign, confidence_percent: float) -> ConfidentLink:
    """Hold one direction against what is not known of it.

    Raises `ImpossibleLink` on a confidence outside 50 to 99.9 %.
    """
    if not LEAST_CONFIDENCE_PERCENT <= confidence_percent <= MOST_CONFIDENCE_PERCENT:
        bounds = f"{LEAST_CONFIDENCE_PERCENT:g} to {MOST_CONFIDENCE_PERCENT:g} %"
        raise ImpossibleLink("confidence_percent", f"{bounds}, not {confidence_percent:g} %")
    confidence = confidence_percent / 100
    unknowns = unknowns_of(given, design)
    required = float(design.budget.required_es_n0_db)
    asked = design.asked.availability_percent
    of_link = design.room, required, design.fades, distance_km(given.gateway, given.terminal), unknowns
    margins = spare_at_confidence_db.or_nan(*of_link, np.append(TOLD, confidence), asked)
    (reached,) = availability_at_confidence_percent.or_nan(*of_link, confidence)
    return ConfidentLink(
        confidence,
        float(reached),
        float(margins[-1]),
        tuple((float(c), float(one)) for c, one in zip(TOLD, margins[:-1], strict=True)),
        bool(reached >= asked),
    )


def unknowns_of(given: LinkInput, design: DirectionDesign) -> Unknowns:
    """Of both stations: the rainier climate's ratio, and what random pointing and aged elements cost."""
    stations = (design.up, design.link.up, design.link.transponder.up_freq_hz), (
        design.down, design.link.down, design.link.transponder.down_freq_hz,
    )  # fmt: skip
    losses = []
    for station, path, freq_hz in stations:
        aged_deg = (
            0.0
            if given.satellite.element_age_days is None
            else float(element_error_deg.or_nan(given.satellite.element_age_days, float(np.asarray(path.range_km))))
        )
        rms_deg = float(np.hypot(station.pointing_rms_deg, aged_deg))
        width_deg = half_power_beamwidth_deg.or_nan(station.diameter_m, freq_hz)
        losses.append(float(mean_pointing_loss_db.or_nan(rms_deg, width_deg)))
    ratio = max(float(climatic_ratio.or_nan(one.latitude_deg, one.longitude_deg)) for one in (design.up, design.down))
    return Unknowns(ratio, up_pointing_db=losses[0], down_pointing_db=losses[1])
