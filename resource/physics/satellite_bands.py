"""Bands of satellites: which letter a downlink has, and which series of satellites are known to work in which.

Element sets tell no bands. Of series that serve weather, navigation, mobiles or relays, or one band alone, the name
tells; of all others a list of carriers on the air does. Who is not known may work in any.

Source: IEEE 521 (letters), as satellites use them; the operators' own public descriptions of their series.
"""

from collections.abc import Mapping
from typing import Final

# upper ends in GHz of what satellites transmit in
_LETTERS: Final = (
    (2.0, "L"), (3.4, "S"), (7.0, "C"), (10.7, "X"), (17.3, "Ku"), (33.0, "Ka"), (50.0, "Q"), (75.0, "V"),
)  # fmt: skip
SERIES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(bands.split())
    for name, bands in {
        "METEOSAT": "L", "MTG": "Ka", "GOES": "L S X", "HIMAWARI": "Ka", "FENGYUN": "L", "ELEKTRO-L": "L X",
        "BEIDOU": "L S", "IRNSS": "L S", "NVS-": "L S", "QZS-": "L",
        "INMARSAT": "L C", "INMARSAT 5": "Ka", "INMARSAT GX": "Ka", "THURAYA": "L C", "ECHOSTAR 21": "S Ka",
        "SIRIUS FM": "S", "SXM-": "S", "XM-": "S",
        "TIANLIAN": "S Ka", "EDRS": "Ka",
        "WGS": "X Ka", "SKYNET": "X", "COMSATBW": "X", "MUOS": "Ka", "AEHF": "Ka",
        "EUTELSAT KA-SAT": "Ka", "EUTELSAT KONNECT": "Ka", "VIASAT": "Ka", "SPACEWAY": "Ka",
    }.items()
}  # fmt: skip


def band_of(downlink_hz: float) -> str:
    """The letter of a downlink frequency; `V` above 50 GHz. Raises `ValueError` on one that is not above zero."""
    if not downlink_hz > 0:
        raise ValueError(f"downlink_hz: a frequency above 0 Hz, not {downlink_hz:g}")
    return next((letter for end_ghz, letter in _LETTERS if downlink_hz < end_ghz * 1e9), "V")


def works_in(name: str, band: str) -> bool | None:
    """Whether a satellite of this name transmits in the band; `None` where its name does not tell.

    Of series whose names begin alike the longer one counts.
    """
    known = [series for series in SERIES if name.upper().startswith(series)]
    return band in SERIES[max(known, key=len)] if known else None
