"""Orbit parameter messages (OPM): the manoeuvres that flight dynamics plans for a satellite.

The state, the spacecraft and the covariance of a message are passed over. What cannot be used is refused with its line;
a manoeuvre without a fault is kept. An ephemeris (OEM) tells of no manoeuvre: its segments meet where the motion cannot
be interpolated, at a burn as well as at the edge of an eclipse (502.0-B-3, 5.2.4.6).

Words: CCSDS 502.0-B-3 section 3 and annex on NDM/XML (505.0-B).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from satcom.resource.physics.element_files import notation_of
from satcom.resource.physics.manoeuvre import Manoeuvre
from satcom.resource.physics.ndm_kvn import COMMENT, kvn_lines
from satcom.resource.physics.ndm_time import TIME_SYSTEMS, is_time_system, ndm_instant_s
from satcom.resource.physics.ndm_xml import NdmXml
from satcom.resource.physics.orbit import BadLine
from satcom.resource.physics.sun import instant

LONGEST_S: Final = 366 * 86_400.0  # an electric thruster raises an orbit for months
LARGEST_KM_PER_S: Final = 10.0  # of a component
_METADATA = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "TIME_SYSTEM")
_IGNITION, _FRAME, _MASS = "MAN_EPOCH_IGNITION", "MAN_REF_FRAME", "MAN_DELTA_MASS"
_DELTA_V = ("MAN_DV_1", "MAN_DV_2", "MAN_DV_3")
_NUMBERS = {  # unit, least and most
    "MAN_DURATION": ("s", 0.0, LONGEST_S),
    _MASS: ("kg", -1e6, 0.0),
    **dict.fromkeys(_DELTA_V, ("km/s", -LARGEST_KM_PER_S, LARGEST_KM_PER_S)),
}
_NEEDED = (_IGNITION, "MAN_DURATION", _FRAME, *_DELTA_V)  # operators leave the mass out
_AN_EPHEMERIS = "it is an ephemeris (OEM), which tells of no manoeuvre: an orbit parameter message (OPM) does"


@dataclass(frozen=True)
class ManoeuvreFile:
    """The good manoeuvres in the order of their ignitions, and the lines that made others of no use."""

    manoeuvres: tuple[Manoeuvre, ...]
    bad_lines: tuple[BadLine, ...]


@dataclass
class _Block:
    """Keywords of a message or of one of its manoeuvres as text, with the line of each."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)

    def put(self, keyword: str, value: str, unit: str, line: int) -> None:
        meant = _NUMBERS.get(keyword, ("", 0, 0))[0]
        if keyword in self.fields:
            self.bad_lines.append(BadLine(line, f"{keyword} stands in line {self.lines[keyword]}, too"))
        elif meant and unit and unit.strip().lower() != meant:
            self.bad_lines.append(BadLine(line, f"{keyword} is in {unit[:20]}, it should be in {meant}"))
        else:
            self.fields[keyword], self.lines[keyword] = value, line

    def wrong(self, keyword: str, why: str) -> BadLine:
        said = self.fields.get(keyword, "")
        return BadLine(self.lines.get(keyword, self.line), f"{keyword} is {said[:40]!r}; {why}")


@dataclass
class _Message(_Block):
    manoeuvres: list[_Block] = field(default_factory=list)


def read_opm(text: str) -> ManoeuvreFile:
    """Read messages in KVN or XML. Nothing is raised: what cannot be read is a bad line.

    A message may have no manoeuvre. Of one that does not say whose it is, and in which time, none is kept.
    """
    found: list[Manoeuvre] = []
    bad_lines: list[BadLine] = []
    messages = list(_of_xml(text) if text.lstrip("\ufeff \t\r\n").startswith("<") else _of_kvn(text))
    if not any(isinstance(one, _Message) for one in messages):
        if notation_of(text) == "OEM":
            return ManoeuvreFile((), (BadLine(1, _AN_EPHEMERIS),))
        faults = [one for one in messages if isinstance(one, BadLine)][:1]
        return ManoeuvreFile((), tuple(faults or [BadLine(1, "there is no orbit parameter message (OPM) in it")]))
    for one in messages:
        if isinstance(one, BadLine):
            bad_lines.append(one)
            continue
        faults = [*one.bad_lines, *_metadata_faults(one)]
        bad_lines += faults
        for block in one.manoeuvres:
            wrong = [*block.bad_lines, *_faults(block, one.fields.get("TIME_SYSTEM", "").upper())]
            bad_lines += wrong
            if not faults and not wrong:
                found.append(_manoeuvre(one, block))
    in_order = sorted(found, key=lambda one: one.ignition)
    return ManoeuvreFile(tuple(in_order), tuple(sorted(bad_lines, key=lambda one: one.line_number)))


def _metadata_faults(message: _Message) -> list[BadLine]:
    missing = [name for name in _METADATA if not message.fields.get(name)]
    faults = [BadLine(message.line, f"{', '.join(missing)} missing in the metadata of the message")] if missing else []
    if message.fields.get("CENTER_NAME", "EARTH").upper() != "EARTH":
        faults.append(message.wrong("CENTER_NAME", "only orbits about the EARTH are followed"))
    system = message.fields.get("TIME_SYSTEM")
    if system and not is_time_system(system.upper()):
        faults.append(message.wrong("TIME_SYSTEM", f"known are {TIME_SYSTEMS}"))
    return faults


def _faults(block: _Block, time_system: str) -> list[BadLine]:
    told_wrong = " ".join(one.reason for one in block.bad_lines)
    missing = [name for name in _NEEDED if not block.fields.get(name) and name not in told_wrong]
    faults = [BadLine(block.line, f"{', '.join(missing)} missing in the manoeuvre")] if missing else []
    for name, (unit, least, most) in _NUMBERS.items():
        said = block.fields.get(name)
        if said and not _between(said, least, most):
            faults.append(block.wrong(name, f"a number of {unit}, {least:.12g} to {most:.12g}"))
    ignition = block.fields.get(_IGNITION)
    if ignition and is_time_system(time_system):
        try:
            ndm_instant_s(ignition, time_system)
        except ValueError as wrong:
            faults.append(BadLine(block.lines[_IGNITION], f"{_IGNITION}: {wrong}"))
    return faults


def _between(said: str, least: float, most: float) -> bool:
    try:
        value = float(said)
    except ValueError:
        return False
    if not said.isascii() or "_" in said:  # Python reads more than CCSDS writes
        return False
    return isfinite(value) and least <= value <= most


def _manoeuvre(message: _Message, block: _Block) -> Manoeuvre:
    """Of a block without faults."""
    first, second, third = (float(block.fields[name]) * 1000 for name in _DELTA_V)
    mass = block.fields.get(_MASS)
    return Manoeuvre(
        message.fields["OBJECT_NAME"],
        message.fields["OBJECT_ID"],
        instant(ndm_instant_s(block.fields[_IGNITION], message.fields["TIME_SYSTEM"].upper())),
        float(block.fields["MAN_DURATION"]),
        block.fields[_FRAME],
        (first, second, third),
        float(mass) if mass else None,
        "; ".join(block.comments),
    )


def _of_kvn(text: str) -> Iterator[_Message | BadLine]:
    message: _Message | None = None
    comments: list[str] = []
    for line in kvn_lines(text):
        if isinstance(line, BadLine):
            yield line
        elif line.keyword == COMMENT:
            comments.append(line.value)
        elif line.keyword == "CCSDS_OPM_VERS":
            if message:
                yield message
            message, comments = _Message(line.number), []
        elif message is None:
            yield BadLine(line.number, f"{line.keyword} stands before CCSDS_OPM_VERS")
        else:
            if line.keyword == _IGNITION:  # a manoeuvre begins with it, after its comments
                message.manoeuvres.append(_Block(line.number, comments=comments))
            comments = []
            if line.keyword in _METADATA:
                message.put(line.keyword, line.value, line.unit, line.number)
            elif line.keyword.startswith("MAN_") and message.manoeuvres:
                message.manoeuvres[-1].put(line.keyword, line.value, line.unit, line.number)
            elif line.keyword.startswith("MAN_"):
                yield BadLine(line.number, f"{line.keyword} stands before the first {_IGNITION}")
    if message:
        yield message


def _of_xml(text: str) -> Iterator[_Message | BadLine]:
    reader = _XmlReader()
    fault = reader.read(text)
    yield from reader.found
    if fault:
        yield fault


class _XmlReader(NdmXml):
    """Gathers metadata and manoeuvres of each `segment` of an `opm`; other messages of an `ndm` are passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Message] = []
        self._in_opm = False
        self._message: _Message | None = None
        self._block: _Block | None = None
        self._unit = ""

    def opens(self, tag: str, unit: str | None, line: int) -> None:
        self._unit = unit or ""
        if tag == "opm":
            self._in_opm = True
        elif tag == "segment" and self._in_opm:
            self._message = _Message(line)
        elif tag == "metadata":
            self._block = self._message
        elif tag == "maneuverParameters" and self._message:
            self._block = _Block(line)
            self._message.manoeuvres.append(self._block)

    def closes(self, tag: str, said: str | None, line: int) -> None:
        if tag == "opm":
            self._in_opm = False
        elif tag == "segment":
            self.found += [self._message] if self._message else []
            self._message = self._block = None
        elif tag in ("metadata", "maneuverParameters"):
            self._block = None
        elif said is not None and self._block is not None:
            if tag == COMMENT:
                self._block.comments.append(said)
            else:
                self._block.put(tag, said, self._unit, line)
