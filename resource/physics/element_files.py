"""Files of element sets in any notation: which it is, and what is doubled in it.

One satellite may stand in a file many times, with sets of many epochs: all are kept, they are its history.
The same set twice is one set. Two different sets of one epoch cannot both be right: the later in the file is refused.

Words: CelesTrak (TLE), CCSDS 502.0-B-3 (OMM).
"""

from datetime import timedelta

from satcom.resource.physics.mean_elements import MeanElements
from satcom.resource.physics.omm import read_omm_csv, read_omm_json, read_omm_kvn, read_omm_xml
from satcom.resource.physics.orbit import BadLine, ElementFile, Elements, mean_elements, read_tle

SAME_EPOCH = timedelta(milliseconds=1)  # two lines tell the epoch to 0.9 ms, a message to the microsecond
_SAME_DEG, _SAME_SHARE = 1e-4, 1e-6  # the last digit of two lines
_NO_ELEMENTS = "it is an ephemeris (OEM), not elements: sun-outages and eclipses take it as --ephemeris"
_NOTATIONS = "two-line elements, or an OMM in KVN, XML, JSON or CSV"


def read_elements(text: str) -> ElementFile:
    """Read element sets in whatever notation they are. Nothing is raised: what cannot be read is a bad line."""
    notation = notation_of(text)
    reader = {"OMM/KVN": read_omm_kvn, "OMM/XML": read_omm_xml, "OMM/JSON": read_omm_json, "OMM/CSV": read_omm_csv}
    if notation == "TLE":
        return _without_doubles(read_tle(text))
    if notation in reader:
        return _without_doubles(reader[notation](text))
    if notation == "OEM":
        return ElementFile((), (BadLine(1, _NO_ELEMENTS),))
    return ElementFile((), (BadLine(1, f"unknown format; known are {_NOTATIONS}"),))


def notation_of(text: str) -> str | None:
    """TLE, OMM/KVN, OMM/XML, OMM/JSON, OMM/CSV or OEM; nothing when it is none of them."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("COMMENT")]
    if not told:
        return None
    if told[0].startswith("<"):
        return "OEM" if "<oem" in text[:2000].lower() else "OMM/XML"
    if told[0][0] in "[{":
        return "OMM/JSON"
    if told[0].startswith(("CCSDS_OMM_VERS", "CCSDS_OEM_VERS")):
        return "OMM/KVN" if told[0].startswith("CCSDS_OMM") else "OEM"
    if "," in told[0] and "NORAD_CAT_ID" in told[0]:
        return "OMM/CSV"
    return "TLE" if any(line.startswith(("1 ", "2 ")) for line in lines) else None


def _without_doubles(file: ElementFile) -> ElementFile:
    kept: list[Elements] = []
    lines: list[int] = []
    contradicted: list[BadLine] = []
    doubles = 0
    by_epoch: dict[tuple[int, int], int] = {}
    for one, line in zip(file.elements, file.line_numbers, strict=True):
        place = next((by_epoch[key] for key in epoch_keys(one) if key in by_epoch), None)
        if place is None:
            by_epoch[epoch_keys(one)[0]] = len(kept)
            kept.append(one)
            lines.append(line)
        elif same_elements(mean_elements(one), mean_elements(kept[place])):
            doubles += 1
        else:
            why = f"satellite {one.norad_id} has another set of the same epoch in line {lines[place]}"
            contradicted.append(BadLine(line, why))
    bad = sorted([*file.bad_lines, *contradicted], key=lambda one: one.line_number)
    return ElementFile(tuple(kept), tuple(bad if contradicted else file.bad_lines), tuple(lines), doubles)


def epoch_keys(one: Elements) -> tuple[tuple[int, int], ...]:
    """Satellite and epoch, and the neighbours of the epoch that mean the same one; its own comes first."""
    tick = round(one.epoch.timestamp() / SAME_EPOCH.total_seconds())
    return (one.norad_id, tick), (one.norad_id, tick - 1), (one.norad_id, tick + 1)


def same_elements(one: MeanElements, other: MeanElements) -> bool:
    """Whether they are the same but for the last digit of two lines."""
    angles = ("inclination_deg", "ra_of_asc_node_deg", "arg_of_pericenter_deg", "mean_anomaly_deg")
    apart = [abs((getattr(one, name) - getattr(other, name) + 180) % 360 - 180) for name in angles]
    return (
        max(apart) <= _SAME_DEG
        and abs(one.eccentricity - other.eccentricity) <= _SAME_SHARE
        and abs(one.mean_motion_rev_per_day - other.mean_motion_rev_per_day) <= _SAME_SHARE
    )
