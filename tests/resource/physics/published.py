"""What the physics is held against: each comparison with a published reference is one line of `docs/validation.md`.

A test that asks for the fixture `published` calls it once per quantity. The call fails beyond the tolerance; at the
end of the test its lines must be those of the committed page, no more and no fewer. `make validation` writes the page.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from tests.resource.physics.printed_blocks import LEFT

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "validation.md"
TESTS = "tests/resource/physics"
LINE = "validation"
LEAST = 1e-9  # smaller differences depend on the machine
A_LINE = re.compile(r'^\| \[(?P<reference>[^\]]+)\]\(\.\./(?P<path>\S+) "(?P<test>[^"]+)"\) \| .* \|$')


def _proof(said: str, file: str, test: str) -> str:
    """A link to a test of physics, as the lines of the tables have."""
    return f'[{said}](../{TESTS}/test_{file}.py "test_{test}")'


HEAD = """# Validation: what the physics is held against

Written by the tests (`make validation`) and checked by them: a test that finds another number than this page fails.
Each line is one quantity. A row passes when every number in it lies within the tolerance, which is absolute or a
share of the printed value ("of it"). The largest difference is rounded up to two digits. The last column says why a
difference stays, or what of the reference is not compared. The first column leads to the test.

What stands in for maps that were not to be had is explained in [propagation](propagation.md), what published budgets
print inconsistently in [link budget](link-budget.md).
"""
COLUMNS = (
    "| reference | compared | rows | passed | largest difference | tolerance | what is left |\n"
    "|---|---|---|---|---|---|---|\n"
)


LEFT_HEAD = """
## What the sheets of Study Group 3 print and no test reads

Every other column of numbers is read: a test fails, or tells another difference, once it is altered. Lines and columns
of the files in `tests/data/itu_valex`, counted from 1.

| sheet | lines | columns | why |
|---|---|---|---|
"""


FOLLOWED_HEAD = """
## What is followed without published examples of its own

| Recommendation | what it gives | what it is tested by |
|---|---|---|
"""
FOLLOWED = (
    ("P.1144", "values between the points of a map", "every example above that reads a map"),
    ("P.372", "noise figure and noise temperature", "COUCH-SA8-1 and PA-4.3 above"),
    (
        "P.678-3",
        "how far a year strays from the average",
        "its sum of annex 2, "
        + _proof("minute by minute", "year_to_year", "the_sum_of_the_correlation_is_that_of_every_minute_of_the_year"),
    ),
    ("P.834-9", "bending of low paths", "the apparent elevations of P.618_14_A_scint_Deep above"),
    ("P.835-7", "reference atmosphere", "every layer of P.676_13_A_Gas_A1_2.2.1a above"),
    (
        "P.841",
        "the worst month",
        "its short form, " + _proof("within 2 %", "worst_month", "in_the_middle_it_is_the_short_form_that_p841_prints"),
    ),
    (
        "S.465-6, S.580-6, S.1855-0, S.672-4, S.1528-0",
        "patterns of antennas",
        _proof("what they print", "antenna_pattern", "s465_prints_32_less_25_log_and_minus_10_beyond_48_degrees"),
    ),
    (
        "S.524-9",
        "limits off the axis",
        _proof("what it prints", "regulatory_limits", "off_axis_limits_are_those_of_s524_9"),
    ),
    (
        "S.1525-1",
        "noise of the Sun",
        "its 21,000 K at 4 GHz, " + _proof("within 2 %", "sun_outage", "the_quiet_sun_has_the_temperature_of_s1525"),
    ),
    ("P.311, S.1432", "words alone", "nothing is computed by them"),
)


class Section(Enum):
    """Whose reference it is."""

    PROPAGATION = "Propagation: ITU-R Study Group 3, CG-3M3J-13-ValEx Rev 8.3.0, one reference a sheet"
    WAVEFORMS = "Waveforms: ETSI EN 302 307-1, table 13"
    BUDGETS = "Published link budgets and worked examples (`tests/data/link_budgets.json`)"
    ORBITS = "Orbits, Sun and Moon: SGP4's vectors, AIAA 2006-6753, Skyfield, JPL DE421"


@dataclass(frozen=True)
class Tolerance:
    """Absolute, in the unit of the quantity, or relative to what is printed, or whichever is wider."""

    abs: float | None
    rel: float | None
    unit: str

    def __str__(self) -> str:
        absolute = [] if self.abs is None else [f"{self.abs:g} {self.unit}".strip()]
        return " or ".join(absolute + ([] if self.rel is None else [percent(self.rel, str(self.rel * 100))]))


def percent(share: float, shown: str) -> str:
    """A relative number, as a percentage where that is easier to read."""
    return f"{float(shown):g} % of it" if share >= 1e-5 else f"{share:g} of it"


def two_digits(difference: float) -> float:
    """Rounded up to two significant digits; what has no more, stays."""
    power = 10.0 ** (np.floor(np.log10(difference)) - 1)
    return float(f"{np.ceil(difference / power * (1 - 1e-9)) * power:.1e}")


@dataclass
class Published:
    """The comparisons of one test."""

    path: str
    test: str
    properties: list[tuple[str, object]]  # of the test, as pytest keeps them
    lines: list[str] = field(default_factory=list)

    def __call__(
        self,
        reference: str,
        quantity: str,
        found: ArrayLike,
        printed: ArrayLike,
        *,
        abs: float | None = None,
        rel: float | None = None,
        unit: str = "",
        left: str = "",
        least: float = LEAST,
        section: Section = Section.PROPAGATION,
    ) -> None:
        """Compare and keep the line. `least` is the difference below which only that bound is told."""
        ours, theirs = np.broadcast_arrays(np.asarray(found, float), np.asarray(printed, float))
        assert theirs.size, f"{reference}, {quantity}: nothing is compared"
        apart = np.abs(ours - theirs)
        share = apart / np.where(theirs == 0, np.where(apart == 0, 1.0, np.nan), np.abs(theirs))
        within = (apart <= abs if abs is not None else np.zeros(apart.shape, bool)) | (
            share <= rel if rel is not None else np.zeros(apart.shape, bool)
        )
        rows = within.reshape(len(theirs), -1).all(axis=1) if theirs.ndim else within.reshape(1)
        told = []
        if abs is not None:
            told.append(self._bound(float(apart.max()), least, unit))
        if rel is not None:
            wide = share[apart > abs] if abs is not None else share
            if wide.size:
                told.append(self._share(float(wide.max()), least))
        tolerance = Tolerance(abs, rel, unit)
        cells = [quantity, str(rows.size), str(int(rows.sum())), "; ".join(told), str(tolerance), left]
        link = f'[{reference}](../{self.path} "{self.test}")'
        self.lines.append(f"| {' | '.join([link, *cells])} |".replace("|  |", "| |"))
        self.properties.append((LINE, (section.name, self.lines[-1])))
        assert rows.all(), f"{reference}, {quantity}: {'; '.join(told)} beyond {tolerance}"

    @staticmethod
    def _bound(difference: float, least: float, unit: str) -> str:
        shown = f"< {least:g}" if difference < least else f"{two_digits(difference):g}" if difference > 0 else "0"
        return f"{shown} {unit}".strip()

    @staticmethod
    def _share(share: float, least: float) -> str:
        return f"< {least:g} of it" if share < least else percent(two_digits(share), str(two_digits(share) * 100))

    def of_the_page(self) -> list[str]:
        """The lines that the committed page has of this test."""
        page = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
        found = ((line, A_LINE.match(line)) for line in page)
        return [line for line, match in found if match and (match["path"], match["test"]) == (self.path, self.test)]


def page_of(lines: list[tuple[Section, str]]) -> str:
    """The whole page. Lines of a reference stay in the order of their test."""
    parts = [HEAD]
    for section in Section:
        own = sorted((line for of, line in lines if of is section), key=reference_of)
        parts.append(f"\n## {section.value}\n\n{COLUMNS}" + "".join(f"{line}\n" for line in own))
    return "".join([*parts, followed(), LEFT_HEAD, *left_lines()])


def followed() -> str:
    """The Recommendations that nobody publishes examples of, and what stands in for these."""
    return FOLLOWED_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in FOLLOWED)


def left_lines() -> list[str]:
    """What no test reads of the sheets, a line each."""
    return [
        f"| {sheet} | {spoken(f'{first}' if first == last else f'{first}-{last}')} | {spoken(columns)} | {why} |\n"
        for sheet, entries in LEFT.items()
        for first, last, columns, why in entries
    ]


def spoken(numbers: str) -> str:
    """Numbers and ranges in words: 2-4,6 is 2 to 4, 6."""
    return numbers.replace(",", ", ").replace("-", " to ")


def reference_of(line: str) -> str:
    """What the line is about, and its test: the key of the order."""
    match = A_LINE.match(line)
    assert match, line
    return f"{match['reference'].replace('_', '.', 1).lower()} {match['test']}"
