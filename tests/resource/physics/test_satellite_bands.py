"""Which band a downlink is in, and which satellites work in another."""

import pytest

from satcom.resource.physics.satellite_bands import band_of, works_in


@pytest.mark.parametrize(
    ("downlink_ghz", "band"),
    [(1.54, "L"), (2.3, "S"), (3.7, "C"), (7.5, "X"), (10.7, "Ku"), (12.75, "Ku"), (17.7, "Ka"), (20.2, "Ka"),
     (39.0, "Q"), (71.0, "V"), (90.0, "V")],
)  # fmt: skip
def test_downlinks_have_the_letters_of_the_trade(downlink_ghz: float, band: str) -> None:
    assert band_of(downlink_ghz * 1e9) == band


def test_a_frequency_that_cannot_be_has_no_letter() -> None:
    with pytest.raises(ValueError, match="above 0 Hz"):
        band_of(float("nan"))


def test_only_names_that_tell_decide() -> None:
    assert works_in("METEOSAT-11 (MSG-4)", "Ku") is False
    assert works_in("INMARSAT GX5", "Ka") is True
    assert works_in("INMARSAT 4-F2", "Ka") is False
    assert works_in("EUTELSAT 9B", "Ku") is None
