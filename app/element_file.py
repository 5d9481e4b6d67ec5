"""Element sets of a file that is named on the command line, and what is to be known of them: bad lines, age.

No operator's limit is asked: a file is read without a database. Who computes with it is told how old it is.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from satcom.app.text_file import text_of
from satcom.core.errors import Refused
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.orbit import EARTH_RADIUS_KM, BadLine, Elements, element_age_days
from satcom.resource.physics.orbit_array import ephemeris

OLD_DAYS = 30  # beyond, a low satellite may be half a turn away from where its elements say


def elements_of(option: str, file: Path) -> tuple[list[Elements], list[str]]:
    """The newest set of each satellite, and what is told of the file: the lines of it that are left out.

    Raises `Refused` on the option where no set is left, with the first line that is wrong and why.
    """
    read = read_elements(text_of(option, file))
    if not read.elements:
        why = _first_of(read.bad_lines) if read.bad_lines else "it is empty"
        raise Refused(option, f"{file} has no element set: {why}", "invalid", "two lines, or an OMM")
    latest = {one.norad_id: one for one in sorted(read.elements, key=lambda one: one.epoch)}
    wrong = len(read.bad_lines)
    told = (
        [f"bad lines of {file} that are left out: {wrong}, the first is {_first_of(read.bad_lines)}"] if wrong else []
    )
    return list(latest.values()), told


def ages_told(sets: Sequence[Elements], at: datetime) -> str:
    """How old the newest and the oldest set are at an instant."""
    ages = sorted(element_age_days(one, at) for one in sets)
    if len(sets) == 1 or ages[-1] - ages[0] < 0.1:
        return f"the elements are {ages[-1]:.1f} days old"
    return f"the elements are {ages[0]:.1f} to {ages[-1]:.1f} days old"


def age_warnings(sets: Sequence[Elements], at: datetime) -> list[str]:
    """A line where sets are too old, or too far ahead, to be believed at an instant."""
    old = [one for one in sets if abs(element_age_days(one, at)) > OLD_DAYS]
    if not old:
        return []
    worst = max(old, key=lambda one: abs(element_age_days(one, at)))
    days = abs(element_age_days(worst, at))
    return [
        f"warning: the elements of {len(old)} of {len(sets)} satellites are more than {OLD_DAYS} days from their epoch,"
        f" those of {worst.name or worst.norad_id} {days:.0f} days: where they stand is a guess. Take a newer file."
    ]


def too_old(sets: Sequence[Elements], at: datetime, limit_days: int) -> str | None:
    """Why the oldest set may not be used at an instant; nothing where all may."""
    worst = max(sets, key=lambda one: abs(element_age_days(one, at)))
    days = abs(element_age_days(worst, at))
    if days <= limit_days:
        return None
    return f"those of {worst.name or worst.norad_id} are {days:.0f} days old then, --max-age-days takes {limit_days}"


def fallen(sets: Sequence[Elements], at: datetime) -> set[int]:
    """Who cannot be followed from an instant on, by catalogue number: SGP4 tells none, or a place below the ground."""
    turn_s = np.linspace(0.0, 2 * 3600.0, 49)  # a turn of whoever is low enough
    lowest_km = np.linalg.norm(ephemeris(sets, at, turn_s).position_km, axis=-1).min(axis=-1)
    return {one.norad_id for one, low in zip(sets, lowest_km, strict=True) if not low > EARTH_RADIUS_KM}


def _first_of(bad_lines: Sequence[BadLine]) -> str:
    return f"line {bad_lines[0].line_number}: {bad_lines[0].reason}"
