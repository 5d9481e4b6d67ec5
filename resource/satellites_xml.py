"""Carriers on the air as receivers know them: the list `satellites.xml` of enigma2 and tuxbox.

A `sat` is a position, its `transponder` entries are carriers: `position` in tenths of a degree, East positive;
`frequency` in kHz, of the downlink; `symbol_rate` in symbols a second; `polarization` 0 horizontal, 1 vertical, 2 left,
3 right; `system` 0 DVB-S, 1 DVB-S2. Roll-off is 0.35 in DVB-S (ETSI EN 300 421, 4.5); of DVB-S2 (EN 302 307-1, 5.6) the
list does not tell it. Several entries of one frequency and symbol rate are streams of one carrier (`is_id`, `t2mi_`).
Power, uplink and beam are not in the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

from satcom.core.errors import Refused
from satcom.resource.payload import MAX_BANDWIDTH_HZ, MAX_FREQUENCY_HZ
from satcom.resource.resource import Polarisation

POLARISATIONS = (Polarisation.HORIZONTAL, Polarisation.VERTICAL, Polarisation.LHCP, Polarisation.RHCP)
SYSTEMS = ("DVB-S", "DVB-S2")
DVB_S_ROLLOFF = 0.35


@dataclass(frozen=True)
class ListedCarrier:
    """One carrier of the list. `rolloff` is `None` where the list does not tell it."""

    line: int
    position: str
    orbital_longitude_deg: float
    downlink_center_hz: int
    polarisation: Polarisation
    symbol_rate_baud: int
    system: str

    @property
    def rolloff(self) -> float | None:
        return DVB_S_ROLLOFF if self.system == SYSTEMS[0] else None

    @property
    def place(self) -> str:
        """The position as people write it."""
        side = "W" if self.orbital_longitude_deg < 0 else "E"
        return f"{abs(self.orbital_longitude_deg):.1f}{side}"


@dataclass(frozen=True)
class CarrierList:
    """What the file holds: its carriers in their order, and entries that are no carriers by line and reason."""

    carriers: tuple[ListedCarrier, ...]
    wrong: tuple[tuple[int, str], ...]


class _Unlike(Exception):
    """The file is something else."""


def read_satellites_xml(content: bytes, name: str) -> CarrierList:
    """Read the file called `name`. Raises `Refused` on what is no list of this form."""
    parser = expat.ParserCreate()
    reader = _Reader(parser)
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refused(f"{name}: line {error.lineno}", f"it is no XML: {expat.ErrorString(error.code)}") from error
    except _Unlike as error:
        raise Refused(f"{name}: line {parser.CurrentLineNumber}", str(error)) from error
    if not reader.carriers and not reader.wrong:
        raise Refused(name, "there is no carrier in it", "notFound", "<sat position=...> with <transponder .../>")
    return CarrierList(tuple(reader.carriers), tuple(reader.wrong))


class _Reader:
    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.carriers: list[ListedCarrier] = []
        self.wrong: list[tuple[int, str]] = []
        self._path: list[str] = []
        self._satellite: tuple[str, float] | str = ""  # its name and place, or what is wrong with it

    def doctype(self, *_: object) -> None:
        raise _Unlike("a document type is not read: the list has none")

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._path and tag != "satellites":
            raise _Unlike(f"it is a list of {tag[:80]!r}, not of satellites")
        self._path.append(tag)
        if self._path == ["satellites", "sat"]:
            self._satellite = self._read_satellite(attributes)
        elif self._path == ["satellites", "sat", "transponder"]:
            self._read_carrier(attributes)

    def end(self, _: str) -> None:
        self._path.pop()

    def _read_satellite(self, attributes: Mapping[str, str]) -> tuple[str, float] | str:
        try:
            tenths = _whole(attributes, "position", -1800, 3600)
        except ValueError as error:
            self.wrong.append((self.parser.CurrentLineNumber, str(error)))
            return f"of its satellite, {error}"
        longitude_deg = tenths / 10 if tenths <= 1800 else tenths / 10 - 360
        return attributes.get("name", "").strip()[:200], longitude_deg

    def _read_carrier(self, attributes: Mapping[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        if isinstance(self._satellite, str):
            self.wrong.append((line, self._satellite))
            return
        try:
            carrier = ListedCarrier(
                line,
                *self._satellite,
                downlink_center_hz=1000 * _whole(attributes, "frequency", 1, MAX_FREQUENCY_HZ // 1000),
                polarisation=POLARISATIONS[_whole(attributes, "polarization", 0, 3)],
                symbol_rate_baud=_whole(attributes, "symbol_rate", 1, MAX_BANDWIDTH_HZ // 2),
                system=SYSTEMS[_whole(attributes, "system", 0, 1)],
            )
        except ValueError as error:
            self.wrong.append((line, str(error)))
        else:
            self.carriers.append(carrier)


def _whole(attributes: Mapping[str, str], name: str, least: int, most: int) -> int:
    """A whole number of an attribute. Raises `ValueError` that names it."""
    text = attributes.get(name)
    if text is None:
        raise ValueError(f"{name} is missing")
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 16) or not least <= int(text) <= most:
        raise ValueError(f"{name} is {text[:40]!r}, not a whole number from {least} to {most}")
    return int(text)
