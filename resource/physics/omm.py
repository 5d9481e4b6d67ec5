"""Orbit mean-elements messages (OMM) in their four notations: KVN, XML, JSON, CSV.

A catalogue number of six digits has no two-line form: such a satellite exists in these files only. A message that
cannot be used is refused with its line, and the others are kept. JSON and CSV are as CelesTrak and Space-Track write
them: one object or one row for each message, under the keywords of the standard.

Words: CCSDS 502.0-B-3 section 4 and annex on NDM/XML (505.0-B).
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from satcom.resource.physics.mean_elements import KEYWORDS, MeanElements, element_fault
from satcom.resource.physics.ndm_kvn import COMMENT, kvn_lines
from satcom.resource.physics.ndm_time import ndm_instant
from satcom.resource.physics.ndm_xml import NdmXml
from satcom.resource.physics.orbit import BadLine, ElementFile, Elements

MAX_NORAD_ID = 999_999_999  # NORAD_CAT_ID has up to nine digits
_MAY_BE_LEFT_OUT = frozenset({"BSTAR", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT"})
_FIXED = {  # what SGP4 presumes; where a message says it, it must say this
    "CENTER_NAME": ("EARTH",),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4", "SGP"),
    "EPHEMERIS_TYPE": ("0", "2"),  # 2 is SGP4 in old sets; 4 is SGP4-XP, which SGP4 would misread
}
_UNITS = {keyword: unit for keyword, _, _, _, unit in KEYWORDS}
_OTHER_UNITS = {"MEAN_MOTION_DOT": ("REV/DAY**2",), "BSTAR": ("1/ER",)}


@dataclass
class _Message:
    """One message as text under its keywords, with the line of each."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def put(self, keyword: str, value: str, line: int) -> None:
        self.fields[keyword], self.lines[keyword] = value, line


class _Refused(Exception):
    """Why a message is not used, and at which keyword."""

    def __init__(self, why: str, keyword: str = "") -> None:
        super().__init__(why)
        self.keyword = keyword


def read_omm_kvn(text: str) -> ElementFile:
    """Messages in keyword = value notation, one after the other."""
    return _file(_kvn_messages(text))


def read_omm_xml(text: str) -> ElementFile:
    """Messages in XML, alone or in an `ndm`. Document type declarations are refused: no message needs one."""
    return _file(_xml_messages(text))


def read_omm_json(text: str) -> ElementFile:
    """One message as an object, or many as an array of objects."""
    return _file(_json_messages(text))


def read_omm_csv(text: str) -> ElementFile:
    """One message a row under a header of keywords."""
    return _file(_csv_messages(text))


def _file(messages: Iterator[_Message | BadLine]) -> ElementFile:
    elements: list[Elements] = []
    line_numbers: list[int] = []
    bad_lines: list[BadLine] = []
    for one in messages:
        if isinstance(one, BadLine):
            bad_lines.append(one)
            continue
        try:
            elements.append(_elements(one.fields))
            line_numbers.append(one.line)
        except _Refused as refused:
            bad_lines.append(BadLine(one.lines.get(refused.keyword, one.line), str(refused)))
    return ElementFile(tuple(elements), tuple(bad_lines), tuple(line_numbers))


def _elements(fields: Mapping[str, str]) -> Elements:
    for keyword, allowed in _FIXED.items():
        if fields.get(keyword, allowed[0]).upper() not in allowed:
            raise _Refused(f"{keyword} is {fields[keyword][:40]}, SGP4 needs {' or '.join(allowed)}", keyword)
    number = fields.get("NORAD_CAT_ID", "")
    if not number:
        raise _Refused("NORAD_CAT_ID is missing")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:10]) <= MAX_NORAD_ID):
        raise _Refused(f"NORAD_CAT_ID is {number[:40]!r}, it is a number up to {MAX_NORAD_ID}", "NORAD_CAT_ID")
    if not fields.get("EPOCH"):
        raise _Refused("EPOCH is missing")
    try:
        epoch = ndm_instant(fields["EPOCH"])
    except ValueError as wrong:
        raise _Refused(f"EPOCH: {wrong}", "EPOCH") from wrong
    values = {attribute: _number(fields, keyword) for keyword, attribute, *_ in KEYWORDS}
    mean = MeanElements(**values)
    fault = element_fault(mean, epoch)
    if fault:
        raise _Refused(fault[1], fault[0])
    return Elements(int(number), fields.get("OBJECT_NAME") or number, epoch, mean=mean)


def _number(fields: Mapping[str, str], keyword: str) -> float:
    text = fields.get(keyword, "")
    if not text:
        if keyword in _MAY_BE_LEFT_OUT:
            return 0.0
        raise _Refused(f"{keyword} is missing")
    try:
        return float(text)
    except ValueError as wrong:
        raise _Refused(f"{keyword} is {text[:40]!r}, which is no number", keyword) from wrong


def _kvn_messages(text: str) -> Iterator[_Message | BadLine]:
    message: _Message | None = None
    for line in kvn_lines(text):
        if isinstance(line, BadLine):
            yield line
        elif line.keyword == "CCSDS_OMM_VERS":
            if message:
                yield message
            message = _Message(line.number)
        elif line.keyword == COMMENT:
            continue
        elif message is None:
            yield BadLine(line.number, f"{line.keyword} stands before CCSDS_OMM_VERS")
        elif line.unit and not _is_unit(line.keyword, line.unit):
            meant = _UNITS.get(line.keyword) or "no unit"
            yield BadLine(line.number, f"{line.keyword} is in {line.unit[:20]}, it should be in {meant}")
        else:
            message.put(line.keyword, line.value, line.number)
    if message:
        yield message


def _is_unit(keyword: str, unit: str) -> bool:
    """Units of what is not used are not looked at."""
    said = unit.strip().upper()
    return keyword not in _UNITS or said in (_UNITS[keyword].upper(), *_OTHER_UNITS.get(keyword, ()))


def _csv_messages(text: str) -> Iterator[_Message | BadLine]:
    rows = csv.reader(text.splitlines())
    header: list[str] = []
    try:
        for row in rows:
            if not any(row):
                continue
            if not header:
                header = [one.strip() for one in row]
            elif len(row) != len(header):
                yield BadLine(rows.line_num, f"{len(row)} values, the header has {len(header)}")
            else:
                values = {keyword: value.strip() for keyword, value in zip(header, row, strict=True)}
                yield _Message(rows.line_num, values)
    except csv.Error as wrong:
        yield BadLine(rows.line_num, f"no CSV: {wrong}")


def _json_messages(text: str) -> Iterator[_Message | BadLine]:
    decoder = json.JSONDecoder()
    place = _skipped(text, 0, "")
    in_array = text[place : place + 1] == "["
    place = _skipped(text, place, "[") if in_array else place
    while place < len(text) and text[place] != "]":
        line = text.count("\n", 0, place) + 1
        try:
            one, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as wrong:
            yield BadLine(line, f"no JSON: {wrong}")
            return
        yield _json_message(one, line)
        place = _skipped(text, place, ",")
        if not in_array and place < len(text):
            yield BadLine(text.count("\n", 0, place) + 1, "something follows the message; many stand in an array")
            return
    if in_array and place >= len(text):
        yield BadLine(text.count("\n") + 1, "no JSON: the array is not closed")


def _json_message(one: object, line: int) -> _Message | BadLine:
    if not isinstance(one, dict):
        return BadLine(line, "an entry is no object")
    plain = {
        key: "" if value is None else str(value)
        for key, value in one.items()
        if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
    }
    return _Message(line, plain)


def _skipped(text: str, place: int, mark: str) -> int:
    """The place after blanks and one `mark`."""
    seen = False
    while place < len(text) and (text[place] in " \t\r\n\ufeff" or (text[place] == mark and not seen)):
        seen = seen or text[place] == mark
        place += 1
    return place


class _XmlReader(NdmXml):
    """Gathers the leaves of each `segment`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Message | BadLine] = []
        self._message: _Message | None = None
        self._in_other_unit = ""

    def opens(self, tag: str, unit: str | None, line: int) -> None:
        if tag == "segment":
            self._message = _Message(line)
        self._in_other_unit = ""
        if self._message and unit and not _is_unit(tag, unit):
            self.found.append(BadLine(line, f"{tag} is in {unit[:20]}, it should be in {_UNITS[tag] or 'no unit'}"))
            self._in_other_unit = tag  # then it is missing

    def closes(self, tag: str, said: str | None, line: int) -> None:
        if tag == "segment" and self._message:
            self.found.append(self._message)
            self._message = None
        elif self._message and said is not None and tag != self._in_other_unit:
            self._message.put(tag, said, line)


def _xml_messages(text: str) -> Iterator[_Message | BadLine]:
    reader = _XmlReader()
    fault = reader.read(text)
    yield from reader.found
    if fault:
        yield fault
