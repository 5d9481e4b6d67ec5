"""Element sets of a file that is named on the command line, and what is to be known of them: bad lines, age.

No operator's limit is asked: a file is read without a database. Who computes with it is told how old it is.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from satcom.app.text_file import text_of
from satcom.core.errors import Refused
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.orbit import BadLine, Elements, element_age_days


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


def _first_of(bad_lines: Sequence[BadLine]) -> str:
    return f"line {bad_lines[0].line_number}: {bad_lines[0].reason}"
