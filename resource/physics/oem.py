"""Orbit ephemeris messages (OEM): positions of a satellite as its flight dynamics plans them, manoeuvres included.

Elements know nothing of a manoeuvre; who flies the satellite sends an ephemeris. Between its states the path is
interpolated as the message says, in the frame of the message, and then turned to the Earth. What cannot be used is
refused with its line; a segment without a fault is kept.

Words: CCSDS 502.0-B-3 section 5 and annex on NDM/XML (505.0-B).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import erfa
import numpy as np

from satcom.resource.physics.ndm_time import TIME_SYSTEMS, is_time_system, ndm_instant_s
from satcom.resource.physics.ndm_xml import NdmXml
from satcom.resource.physics.orbit import Array, BadLine
from satcom.resource.physics.sun import Track, earth_fixed_from_gcrs, earth_fixed_from_teme

LARGEST_DEGREE = 25  # of an interpolation
DEFAULT = ("HERMITE", 7)  # of a message that leaves it to the reader: four states with their velocities
_METADATA = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "START_TIME", "STOP_TIME")
_TO_EARTH = {"TEME": "TEME", "EME2000": "EME2000", "GCRF": "GCRF", "ICRF": "GCRF"}
_KEY_AND_VALUE = re.compile(r"([A-Z0-9_]+)\s*=\s*(.*)")
_STATE = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
_UNITS = {"X": "km", "Y": "km", "Z": "km", "X_DOT": "km/s", "Y_DOT": "km/s", "Z_DOT": "km/s"}


@dataclass(frozen=True, eq=False)
class EphemerisSegment:
    """States of one satellite in one frame, to be interpolated without looking beyond them.

    `at_s` (states,): seconds since 1970 UTC; `position_km` and `velocity_km_per_s` (states, 3) in `frame`: TEME,
    EME2000, GCRF or ITRF. It holds from `from_s` to `until_s`, the useable times of the message.
    """

    object_name: str
    object_id: str
    frame: str
    interpolation: str
    degree: int
    from_s: float
    until_s: float
    at_s: Array
    position_km: Array
    velocity_km_per_s: Array


@dataclass(frozen=True)
class EphemerisFile:
    """The good segments in the order of their beginnings, and the lines that made others of no use."""

    segments: tuple[EphemerisSegment, ...]
    bad_lines: tuple[BadLine, ...]


@dataclass
class _Draft:
    """A segment as text, with the line of each thing."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    states: list[tuple[int, Sequence[str]]] = field(default_factory=list)  # line; epoch, then six numbers or nine
    bad_lines: list[BadLine] = field(default_factory=list)


class _Refused(Exception):
    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def read_oem(text: str) -> EphemerisFile:
    """Read a message in KVN or XML. Nothing is raised: what cannot be read is a bad line.

    A segment with one bad state is refused as a whole: interpolation over the hole would be a guess.
    """
    segments: list[EphemerisSegment] = []
    bad_lines: list[BadLine] = []
    drafts = _of_xml(text) if text.lstrip("\ufeff \t\r\n").startswith("<") else _of_kvn(text)
    for draft in drafts:
        if isinstance(draft, BadLine):
            bad_lines.append(draft)
        elif draft.bad_lines:
            bad_lines += draft.bad_lines
        else:
            try:
                segments.append(_segment(draft))
            except _Refused as refused:
                bad_lines.append(BadLine(refused.line, str(refused)))
    if not segments and not bad_lines:
        bad_lines.append(BadLine(1, "there is no segment in it"))
    return EphemerisFile(tuple(sorted(segments, key=lambda one: one.from_s)), tuple(bad_lines))


def ephemeris_position_km(segments: Sequence[EphemerisSegment], at_s: Array) -> Array:
    """Earth-fixed (ITRS without polar motion) positions at seconds since 1970 UTC, (n,) to (n, 3); nan where no
    segment holds. Where two hold, at the instant of a manoeuvre, the later one counts.
    """
    instants = np.atleast_1d(np.asarray(at_s, dtype=np.float64))
    position_km = np.full((len(instants), 3), np.nan)
    for one in segments:
        inside = (instants >= one.from_s) & (instants <= one.until_s)
        if inside.any():
            position_km[inside] = _to_earth(one.frame, interpolated_km(one, instants[inside]), instants[inside])
    return position_km


def track_of_ephemeris(segments: Sequence[EphemerisSegment]) -> Track:
    """The satellite for whoever follows one: sun outages, eclipses."""
    kept = tuple(segments)
    return lambda at_s: ephemeris_position_km(kept, at_s)


def holes_s(segments: Sequence[EphemerisSegment]) -> list[tuple[float, float]]:
    """Where no segment holds between the first beginning and the last end: from and until, seconds since 1970."""
    found: list[tuple[float, float]] = []
    reached_s = segments[0].until_s if segments else 0.0
    for one in segments[1:]:
        if one.from_s > reached_s:
            found.append((reached_s, one.from_s))
        reached_s = max(reached_s, one.until_s)
    return found


def interpolated_km(segment: EphemerisSegment, at_s: Array) -> Array:
    """Positions in the segment's frame, (n,) to (n, 3), by the polynomial through the states around each instant.

    Lagrange of degree d goes through d + 1 positions, Hermite through (d + 1) / 2 positions and velocities.
    """
    hermite = segment.interpolation == "HERMITE"
    width = (segment.degree + 1) // 2 if hermite else segment.degree + 1
    first = np.searchsorted(segment.at_s, at_s) - (width + 1) // 2
    rows = np.clip(first, 0, len(segment.at_s) - width)[:, None] + np.arange(width)
    nodes_s = segment.at_s[rows]
    span_s = nodes_s[:, -1:] - nodes_s[:, :1] if width > 1 else np.ones((len(at_s), 1))
    nodes = (nodes_s - nodes_s[:, :1]) / span_s
    x = (at_s[:, None] - nodes_s[:, :1]) / span_s
    apart = nodes[:, :, None] - nodes[:, None, :] + np.eye(width)  # ones where a node meets itself
    numerators = np.where(np.eye(width, dtype=bool), 1.0, (x - nodes)[:, None, :])
    basis = (numerators / apart).prod(axis=2)
    if not hermite:
        through: Array = np.einsum("ni,nik->nk", basis, segment.position_km[rows])
        return through
    slopes = (1.0 / apart).sum(axis=2) - 1.0
    of_position = (1 - 2 * slopes * (x - nodes)) * basis**2
    of_velocity = (x - nodes) * basis**2 * span_s
    along: Array = np.einsum("ni,nik->nk", of_position, segment.position_km[rows])
    along += np.einsum("ni,nik->nk", of_velocity, segment.velocity_km_per_s[rows])
    return along


def _to_earth(frame: str, position_km: Array, at_s: Array) -> Array:
    if frame == "TEME":
        return earth_fixed_from_teme(position_km, at_s)
    if frame == "ITRF":
        return position_km
    return earth_fixed_from_gcrs(position_km @ _frame_bias() if frame == "EME2000" else position_km, at_s)


@lru_cache(maxsize=1)
def _frame_bias() -> Array:
    """From EME2000 to GCRF for rows of vectors: 23 milliseconds of arc, five metres of a geostationary orbit."""
    bias: Array = erfa.bp06(2451545.0, 0.0)[0]
    return bias


def _segment(draft: _Draft) -> EphemerisSegment:
    missing = [name for name in _METADATA if not draft.fields.get(name)]
    if missing:
        raise _Refused(f"{', '.join(missing)} missing in the metadata of the segment", draft.line)
    if draft.fields["CENTER_NAME"].upper() != "EARTH":
        raise _wrong(draft, "CENTER_NAME", "only orbits about the EARTH are followed")
    method, degree = _interpolation(draft)
    at_s, numbers = _states(draft)
    needed = (degree + 1) // 2 if method == "HERMITE" else degree + 1
    if len(at_s) < needed:
        raise _Refused(f"{len(at_s)} states, {method} of degree {degree} needs {needed}", draft.line)
    from_s = _useable_s(draft, "USEABLE_START_TIME", "START_TIME")
    until_s = _useable_s(draft, "USEABLE_STOP_TIME", "STOP_TIME")
    if not at_s[0] - 1e-3 <= from_s < until_s <= at_s[-1] + 1e-3:
        raise _Refused("the useable times are not within the states", draft.line)
    names = draft.fields["OBJECT_NAME"], draft.fields["OBJECT_ID"]
    return EphemerisSegment(
        *names, _frame(draft), method, degree, from_s, until_s, at_s, numbers[:, :3], numbers[:, 3:6]
    )


def _frame(draft: _Draft) -> str:
    said = draft.fields["REF_FRAME"].upper()
    frame = "ITRF" if re.fullmatch(r"ITRF-?\d*", said) else _TO_EARTH.get(said)
    if frame is None:
        raise _wrong(draft, "REF_FRAME", "known are EME2000, GCRF, ICRF, TEME and ITRF with its year")
    return frame


def _interpolation(draft: _Draft) -> tuple[str, int]:
    if "INTERPOLATION" not in draft.fields:
        return DEFAULT
    method = draft.fields["INTERPOLATION"].upper()
    if method == "LINEAR":
        return "LAGRANGE", 1
    if method not in ("LAGRANGE", "HERMITE"):
        raise _wrong(draft, "INTERPOLATION", "known are HERMITE, LAGRANGE and LINEAR")
    said = draft.fields.get("INTERPOLATION_DEGREE", "")
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:4]) <= LARGEST_DEGREE):
        raise _wrong(draft, "INTERPOLATION_DEGREE", f"a whole number, 1 to {LARGEST_DEGREE}")
    return method, int(said)


def _states(draft: _Draft) -> tuple[Array, Array]:
    """Instants and numbers of the states, checked. An acceleration is not used: the polynomial has no need of it."""
    at_s, numbers = np.empty(len(draft.states)), np.empty((len(draft.states), 6))
    for row, (line, words) in enumerate(draft.states):
        if len(words) not in (7, 10):
            raise _Refused(f"{len(words)} words, a state has an epoch and 6 numbers, or 9", line)
        at_s[row] = _instant_s(draft, words[0], line)
        try:
            numbers[row] = [float(word) for word in words[1:7]]
        except ValueError as wrong:
            raise _Refused(f"a state holds what is no number: {wrong}", line) from wrong
        if not np.isfinite(numbers[row]).all():
            raise _Refused("a state holds what is no number", line)
        if row and at_s[row] <= at_s[row - 1]:
            raise _Refused("the state is not later than the one before", line)
    return at_s, numbers


def _useable_s(draft: _Draft, useable: str, else_: str) -> float:
    name = useable if draft.fields.get(useable) else else_
    return _instant_s(draft, draft.fields[name], draft.lines[name])


def _instant_s(draft: _Draft, said: str, line: int) -> float:
    """Seconds since 1970 UTC of an instant in the time system of the segment."""
    system = draft.fields["TIME_SYSTEM"].upper()
    if not is_time_system(system):
        raise _wrong(draft, "TIME_SYSTEM", f"known are {TIME_SYSTEMS}")
    try:
        return ndm_instant_s(said, system)
    except ValueError as wrong:
        raise _Refused(str(wrong), line) from wrong


def _wrong(draft: _Draft, name: str, known: str) -> _Refused:
    said = draft.fields.get(name, "")
    return _Refused(f"{name} is {said[:40]!r}; {known}", draft.lines.get(name, draft.line))


def _of_kvn(text: str) -> Iterator[_Draft | BadLine]:
    draft: _Draft | None = None
    inside = ""  # META, COVARIANCE, or the states
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = raw.strip()
        found = _KEY_AND_VALUE.fullmatch(line)
        if not line or line.startswith("COMMENT"):
            continue
        if line == "META_START":
            if draft:
                yield draft
            draft, inside = _Draft(number), "META"
        elif line in ("META_STOP", "COVARIANCE_STOP"):
            inside = ""
        elif line == "COVARIANCE_START":
            inside = "COVARIANCE"
        elif draft is None:
            if not found:
                yield BadLine(number, f"{line[:40]!r} stands before the first META_START")
        elif inside == "META":
            if found:
                draft.fields[found[1]], draft.lines[found[1]] = found[2].strip(), number
            else:
                draft.bad_lines.append(BadLine(number, f"{line[:40]!r} is no keyword = value"))
        elif not inside:
            draft.states.append((number, line.split()))
    if draft:
        yield draft


def _of_xml(text: str) -> Iterator[_Draft | BadLine]:
    reader = _XmlReader()
    fault = reader.read(text)
    yield from reader.found
    if fault:
        yield fault


class _XmlReader(NdmXml):
    """Gathers metadata and states of each `segment`; accelerations and covariances are passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Draft | BadLine] = []
        self._draft: _Draft | None = None
        self._state: dict[str, str] | None = None
        self._in_metadata = False

    def opens(self, tag: str, unit: str | None, line: int) -> None:
        if tag == "segment":
            self._draft = _Draft(line)
        elif tag == "stateVector":
            self._state = {}
        elif tag == "metadata":
            self._in_metadata = True
        elif self._draft and tag in _UNITS and unit and unit.lower() != _UNITS[tag]:
            self._draft.bad_lines.append(BadLine(line, f"{tag} is in {unit[:20]}, it should be in {_UNITS[tag]}"))

    def closes(self, tag: str, said: str | None, line: int) -> None:
        if self._draft is None:
            return
        if tag == "segment":
            self.found.append(self._draft)
            self._draft = None
        elif tag == "stateVector" and self._state is not None:
            words = [self._state[name] for name in ("EPOCH", *_STATE) if self._state.get(name)]
            self._draft.states.append((line, words))
            self._state = None
        elif tag == "metadata":
            self._in_metadata = False
        elif said is not None and self._state is not None:
            self._state[tag] = said
        elif said is not None and self._in_metadata:
            self._draft.fields[tag], self._draft.lines[tag] = said, line
