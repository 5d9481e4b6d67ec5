"""`satcom spectrum`, `satellite plan` and `qualify-lease`: a number that is none is told in the unit of its option."""

import pytest

from tests.app.the_command_line import CommandLine

ACCEPTED = "(accepted: 0.000001 to 5000 MHz)"


@pytest.fixture
def satcom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("spectrum", "repack", "--transponder", "Ku 1"),
            [("--mhz", "nan", f"--mhz: nan MHz is out of range {ACCEPTED}")],
        ),
        (("spectrum", "free"), [("--mhz", "-3", f"--mhz: -3 MHz is out of range {ACCEPTED}")]),
        (
            ("spectrum", "free"),
            [
                ("--mhz", "6000", f"--mhz: 6000 MHz is out of range {ACCEPTED}"),
                ("--power-mhz", "inf", "--power-mhz: inf MHz is out of range (accepted: 0 to 5000 MHz)"),
            ],
        ),
        (
            ("satellite", "plan", "Testsat"),
            [
                ("--guard-mhz", "nan", "--guard-mhz: nan MHz is out of range (accepted: 0 to 5000 MHz)"),
                ("--least-ci-db", "-1", "--least-ci-db: -1 dB is out of range (accepted: 0 to 60 dB)"),
            ],
        ),
        (
            ("spectrum", "import", "satellites.xml"),
            [
                ("--rolloff", "nan", "--rolloff: nan is out of range (accepted: 0.05 to 0.35)"),
                ("--power-percent", "-1", "--power-percent: -1 % is out of range (accepted: 0 to 200 %)"),
            ],
        ),
        (("qualify-lease",), [("--mhz", "-3", f"--mhz: -3 MHz is no bandwidth {ACCEPTED}")]),
    ],
)
def test_what_is_no_width_is_told_in_the_unit_of_its_option(
    satcom: CommandLine, words: tuple[str, ...], told: list[tuple[str, str, str]]
) -> None:
    """No server is asked, and no database opened."""
    typed = [word for option, value, _ in told for word in (option, value)]
    said = satcom(*words, *typed)
    assert (said.status, said.err.splitlines()) == (1, [line for _, _, line in told])
