"""`satcom link-budget`: the table, the numbers for a program, the picture, and what is typed wrong."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from satcom.app.chain_level_diagram import hop_levels
from satcom.app.level_diagram import PLACES, level_range_dbw, levels_dbw, written
from satcom.core.clock import now
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.hop_chain import ChainInput, design_chain
from satcom.resource.physics.link_design import LinkInput, design_link
from satcom.resource.physics.orbit import element_age_days
from tests.app.the_command_line import CommandLine

EXAMPLE = Path(__file__).parents[2] / "examples" / "link_budget.yaml"
CHAIN = EXAMPLE.with_name("hop_chain.yaml")
ARC = Path(__file__).parents[1] / "data" / "geo_arc_1_to_17_east.tle"


@pytest.fixture
def satcom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    command_line = CommandLine(monkeypatch, capsys)
    command_line.set(COLUMNS="100", TERMINAL_WIDTH="100")
    return command_line


def flat(given: dict[str, Any]) -> list[str]:
    """The whole file as --set."""
    return [
        word
        for part, fields in given.items()
        for name, value in fields.items()
        for word in ("--set", f"{part}.{name}={json.dumps(value)}")
    ]


def test_the_table_has_the_lines_engineers_know_for_both_directions(satcom: CommandLine) -> None:
    said = satcom("link-budget", str(EXAMPLE))
    assert said.status == 0
    assert [said.out.count(one) for one in ("Gateway to terminal", "Terminal to gateway")] == [1, 1]
    for line in ("Uplink EIRP", "Satellite G/T", "C/I intermodulation", "Downlink C/N0", "Margin", "Power-equivalent"):
        assert said.out.count(line) >= 2
    assert "clear sky" in said.out
    assert "Availability with rain on both links" in said.out
    assert "It does not close" not in said.out


def test_numbers_on_the_command_line_are_as_good_as_a_file(satcom: CommandLine) -> None:
    of_file = satcom("link-budget", str(EXAMPLE), "--json")
    typed = satcom("link-budget", *flat(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))), "--json")
    assert json.loads(of_file.out) == json.loads(typed.out)
    told = json.loads(of_file.out)
    assert set(told) == {"forward", "return"}
    assert told["forward"]["closes"] is True
    assert all(line["source"] for line in told["return"]["lines"])
    assert told["forward"]["availabilityPercent"] > 99.7


def test_what_is_sold_with_a_confidence_is_less_than_the_average_year(satcom: CommandLine) -> None:
    told = json.loads(satcom("link-budget", str(EXAMPLE), "--confidence", "90", "--json").out)
    for direction in told.values():
        sure = direction["confident"]
        assert sure["availabilityPercent"] < direction["availabilityPercent"]
        assert sure["meetsAvailability"] is (sure["availabilityPercent"] >= 99.7)
        margins = [one["marginDb"] for one in sure["marginDbByConfidence"]]
        assert margins == sorted(margins, reverse=True)
    said = satcom("link-budget", str(EXAMPLE), "--confidence", "90")
    assert said.out.count("With 90 % confidence: availability") == 2
    assert json.loads(satcom("link-budget", str(EXAMPLE), "--json").out)["forward"]["confident"] is None
    assert satcom("link-budget", str(EXAMPLE), "--confidence", "99.9").out.count("With 99.9 % confidence") == 2
    refused = satcom("link-budget", str(EXAMPLE), "--confidence", "0.9")
    assert refused.status != 0
    assert "--confidence: 0.9 % is out of range" in refused.err
    assert "50 to 99.9 %" in refused.err


def test_what_does_not_close_says_why(satcom: CommandLine) -> None:
    said = satcom("link-budget", str(EXAMPLE), "--set", "terminal.amplifier_w=0.05")
    assert said.status == 0
    assert "It does not close: the station's amplifier is too weak." in said.out
    text = " ".join(said.out.split())
    assert "It does not close: 2 Mbit/s are not carried for 99.7 % of the year." in text
    assert text.count("Availability with rain on both links") == 1  # that of the direction that closes
    told = json.loads(satcom("link-budget", str(EXAMPLE), "--set", "terminal.amplifier_w=0.05", "--json").out)
    assert (told["return"]["closes"], told["return"]["limit"]) == (False, "stationPower")
    assert (told["forward"]["closes"], told["forward"]["limit"]) == (True, None)


def test_the_highest_availability_that_may_be_asked_is_worked_out(satcom: CommandLine) -> None:
    told = satcom("link-budget", str(EXAMPLE), "--set", "return.availability_percent=99.998", "--json")
    assert (told.status, told.err) == (0, "")
    assert json.loads(told.out)["return"]["limit"] is None or json.loads(told.out)["return"]["closes"] is False


def test_a_limit_that_is_not_kept_is_told_with_its_code(satcom: CommandLine) -> None:
    typed = ("--set", "coordination.uplink_eirp_density_dbw_per_hz=-20")
    said = satcom("link-budget", str(EXAMPLE), *typed)
    assert "coordination agreement is not kept (coordinatedUplinkDensity)" in " ".join(said.out.split())
    told = json.loads(satcom("link-budget", str(EXAMPLE), *typed, "--json").out)
    assert [one["code"] for one in told["return"]["breaches"]] == ["coordinatedUplinkDensity"]
    assert told["return"]["closes"] is True


def test_the_worst_place_of_the_beam_is_told_with_its_angle_and_excess(satcom: CommandLine) -> None:
    beam = "gateway.downlink_beam={latitude_deg: 55, longitude_deg: 8, width_deg: 3}"
    typed = ("--set", beam, "--set", "satellite.eirp_dbw=63")
    told = json.loads(satcom("link-budget", str(EXAMPLE), *typed, "--json").out)
    (found,) = told["return"]["breaches"]
    assert found["code"] == "powerFluxDensity"
    assert found["excessDb"] == pytest.approx(found["value"] - found["limit"])
    assert found["latitudeDeg"] > 70 > 10 > found["arrivalDeg"] > 0
    assert told["forward"]["breaches"] == []
    said = " ".join(satcom("link-budget", str(EXAMPLE), *typed).out.split())
    assert f"(powerFluxDensity), {found['excessDb']:.1f} dB over:" in said
    assert f"{found['arrivalDeg']:.1f} deg over the horizon" in said
    refused = satcom("link-budget", str(EXAMPLE), "--set", "gateway.downlink_beam={latitude_deg: 91}")
    assert refused.status != 0
    assert "gateway.downlink_beam.latitude_deg" in refused.err
    assert "deg" in refused.err


# own making, in the form of the list; at 12 E in another band
A_LIST = """<satellites>
<sat name="7.0E" position="70"><transponder frequency="11221000" symbol_rate="30000000" polarization="0" system="1"/></sat>
<sat name="9.0E" position="90"><transponder frequency="11727000" symbol_rate="27500000" polarization="1" system="0"/></sat>
<sat name="12.0E" position="120"><transponder frequency="3650000" symbol_rate="9000000" polarization="3" system="1"/></sat>
<sat name="13.0E" position="130"><transponder frequency="11727000" symbol_rate="27500000" polarization="1" system="0"/></sat>
</satellites>"""  # noqa: E501


def test_neighbours_come_from_element_sets(satcom: CommandLine, tmp_path: Path) -> None:
    given = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    del given["satellite"]["neighbours"]
    file = tmp_path / "link.yaml"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    said = satcom("link-budget", str(file), "--neighbours", str(ARC))
    told = " ".join(said.out.split())
    assert "West: EUTELSAT 9B at 8.99 deg, 1.01 away" in told
    assert "East: COSMOS 2539 at 12.01 deg" in told
    assert "nearer, but not in Ku band: ECHOSTAR 21, METEOSAT-11 (MSG-4), TIANLIAN 2-03, EUTELSAT KA-SAT 9A" in told
    on_the_air = tmp_path / "list.xml"
    on_the_air.write_text(A_LIST, encoding="utf-8")
    without = ("--leave-out", "eutelsat 9b")
    said = satcom("link-budget", str(file), "--neighbours", str(ARC), "--carriers", str(on_the_air), *without)
    listed = " ".join(said.out.split())
    assert re.search("West: .*EUTELSAT 7B.* at 7.0. deg", listed)
    assert re.search(
        r"East: EUTELSAT HOTBIRD 13[FG], EUTELSAT HOTBIRD 13[FG](, COMSATBW-2)? at 1[23]\.\d\d deg", listed
    )
    assert "COSMOS 2539" in listed.partition("not in Ku band: ")[2]
    spoilt = tmp_path / "spoilt.tle"
    spoilt.write_text(ARC.read_text(encoding="utf-8") + "NOBODY\n1 half a line\n", encoding="utf-8")
    both = satcom("link-budget", str(file), "--neighbours", str(spoilt), "--json")
    near = json.loads(both.out)
    ages = sorted(element_age_days(one, now()) for one in read_elements(ARC.read_text(encoding="utf-8")).elements)
    of_age = re.search(r"the elements are (\S+) to (\S+) days old", both.err)
    assert of_age is not None
    assert [float(one) for one in of_age.groups()] == pytest.approx([ages[0], ages[-1]], abs=0.1)
    assert re.search(r"spoilt.tle that are left out: 1, the first is line \d+: ", both.err)
    far = json.loads(satcom("link-budget", str(EXAMPLE), "--json").out)
    of_near, of_far = (
        {line["label"]: line["value"] for line in one["forward"]["lines"]}["C/I downlink adjacent satellite"]
        for one in (near, far)
    )
    assert of_near < of_far


@pytest.mark.parametrize(("days", "warned_of"), [(29.9, None), (30.2, (3, 30)), (45, (23, 45)), (-32, (23, 33))])
def test_whoever_takes_neighbours_of_old_elements_is_told_that_where_they_stand_is_a_guess(
    satcom: CommandLine, monkeypatch: pytest.MonkeyPatch, days: float, warned_of: tuple[int, int] | None
) -> None:
    """Three of the 23 satellites have sets of the evening before the others'."""
    first = min(one.epoch for one in read_elements(ARC.read_text(encoding="utf-8")).elements)
    typed = ("link-budget", str(EXAMPLE), "--set", "satellite.neighbours=[]", "--neighbours", str(ARC))
    monkeypatch.setattr("satcom.app.arc_neighbours.now", lambda: first + timedelta(days=days))
    shown, for_a_program = satcom(*typed), satcom(*typed, "--json")
    assert set(json.loads(for_a_program.out)) == {"forward", "return"}
    for told in (" ".join(shown.out.split()), " ".join(for_a_program.err.split())):
        if warned_of is None:
            assert "warning" not in told
        else:
            number, worst_days = warned_of
            assert f"warning: the elements of {number} of 23 satellites are more than 30 days from their epoch" in told
            assert f" {worst_days} days: where they stand is a guess. Take a newer file." in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--neighbours", "nowhere.tle"), "nowhere.tle cannot be read"),
        (("--neighbours", str(EXAMPLE)), "has no element set: line 1: unknown format"),
        (("--neighbours", "SPOILT"), "has no element set: line 2: checksum"),
        (("--neighbours", "ARC", "--leave-out", "ASTRA 9Z"), "no satellite of"),
        (("--leave-out", "ASTRA"), "--neighbours, which is not given"),
        (("--carriers", "list.xml"), "--neighbours, which is not given"),
        (("--neighbours", "ARC", "--carriers", str(EXAMPLE)), "it is no XML"),
    ],
)
def test_neighbours_that_cannot_be_are_refused(
    satcom: CommandLine, tmp_path: Path, typed: tuple[str, ...], said: str
) -> None:
    spoilt = tmp_path / "spoilt.tle"
    lines = ARC.read_text(encoding="utf-8").splitlines()[:3]
    spoilt.write_text("\n".join([lines[0], lines[1][:-1] + str((int(lines[1][-1]) + 1) % 10), lines[2]]) + "\n")
    words = [{"ARC": str(ARC), "SPOILT": str(spoilt)}.get(one, one) for one in typed]
    answer = satcom("link-budget", str(EXAMPLE), "--set", "satellite.neighbours=[]", *words)
    assert answer.status != 0
    assert said in " ".join((answer.out + answer.err).split())
    twice = satcom("link-budget", str(EXAMPLE), "--neighbours", str(ARC))
    assert "are given already" in " ".join((twice.out + twice.err).split())


@pytest.mark.parametrize(("link", "kind"), [(EXAMPLE, "png"), (EXAMPLE, "svg"), (CHAIN, "png")])
def test_the_level_diagram_is_drawn(satcom: CommandLine, tmp_path: Path, link: Path, kind: str) -> None:
    picture = tmp_path / f"levels.{kind}"
    assert satcom("link-budget", str(link), "--diagram", str(picture), "--json").status == 0
    begins = {"png": b"\x89PNG", "svg": b"<?xml"}[kind]
    assert picture.read_bytes().startswith(begins)
    assert picture.stat().st_size > 10_000


def test_the_axis_of_the_levels_holds_what_is_written_and_ends_on_round_numbers() -> None:
    made = design_link(LinkInput.model_validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))))
    designs = [one for one in (made.forward, made.return_link) if one is not None]
    low, high = level_range_dbw(designs)
    every = [level for one in designs for weather in levels_dbw(one).values() for level in weather]
    assert low <= min(every) - 45
    assert high >= max(every) + 45
    assert (low % 25, high % 25) == (0, 0)
    assert high - max(every) < 75
    assert written(-123.44) == "\N{MINUS SIGN}123.4"


def test_the_levels_fall_and_rise_by_the_lines_of_the_budget() -> None:
    design = design_link(LinkInput.model_validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))).return_link
    assert design is not None
    budget, told = design.budget, levels_dbw(design)
    clear, up, down = told["clear sky"], told["faded up"], told["faded down"]
    assert [len(one) for one in told.values()] == [len(PLACES)] * 3
    assert clear[1] == pytest.approx(float(budget.uplink_eirp_dbw))
    assert clear[3] == pytest.approx(float(budget.satellite_eirp_dbw))
    lost = float(budget.uplink_faded_attenuation_db - budget.uplink_clear_attenuation_db)
    assert [clear[2] - up[2], clear[5] - up[5]] == pytest.approx([lost, lost])  # a terminal without power control
    assert down[:4] == clear[:4]
    assert clear[5] - down[5] == pytest.approx(
        float(budget.downlink_faded_attenuation_db - budget.downlink_clear_attenuation_db)
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("terminal.diameter_m=0", "terminal.diameter_m: input should be greater than 0, not 0 m"),
        ("satellite.uplink_ghz=-14", "satellite.uplink_ghz: input should be greater than or equal to 1, not -14 GHz"),
        (
            "satellite.downlink_ghz=0.5",
            "satellite.downlink_ghz: input should be greater than or equal to 1, not 0.5 GHz",
        ),
        ("forward.availability_percent=100", "forward.availability_percent: input should be less than or equal to"),
        ("terminal.latitude_deg=.nan", "terminal.latitude_deg: input should be a finite number, not nan deg"),
        ("terminal.diameter_m=[1, 2]", "terminal.diameter_m: input should be a valid number, not [1, 2] m"),
        ("terminal.longitude_deg=179", "over the horizon"),
        ("forward.modcod=nothing", "forward.modcod: dvb-s2x has no 'nothing'"),
        ("terminal.dish=1", "terminal.dish: extra inputs are not permitted"),
        ("diameter=1", "--set: 'diameter=1' names no number"),
        ("terminal.diameter_m", "names no number"),
        ("terminal.diameter_m=[", "has no value that can be read"),
        ("forward.rate_mbps.x=1", "names no number"),
    ],
)
def test_what_is_typed_wrong_is_named_with_its_unit(satcom: CommandLine, typed: str, said: str) -> None:
    answer = satcom("link-budget", str(EXAMPLE), "--set", typed)
    assert answer.status == 1
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_file_that_is_none_and_a_picture_that_is_none_are_named(satcom: CommandLine, tmp_path: Path) -> None:
    assert "FILE: " in satcom("link-budget", str(tmp_path / "nothing.yaml")).err
    (tmp_path / "list.yaml").write_text("[1, 2]", encoding="utf-8")
    assert "holds no names" in satcom("link-budget", str(tmp_path / "list.yaml")).err
    assert "satellite: field required" in satcom("link-budget").err
    assert "is no picture" in satcom("link-budget", str(EXAMPLE), "--diagram", "levels.txt").err
    nowhere = str(tmp_path / "nowhere" / "levels.png")
    assert "--diagram: " in satcom("link-budget", str(EXAMPLE), "--diagram", nowhere).err


def test_a_chain_of_hops_is_shown_hop_by_hop(satcom: CommandLine) -> None:
    said = satcom("link-budget", str(CHAIN))
    assert said.status == 0
    names = ("gateway to satellite", "satellite to satellite", "satellite to terminal")
    assert [said.out.count(f"{one}: ") for one in names] == [2, 2, 2]
    assert said.out.count("of it rain") == 2  # there is none between satellites
    told = json.loads(satcom("link-budget", str(CHAIN), "--json").out)
    assert told["closes"] is True
    assert told["marginDb"] == min(one["marginDb"] for one in told["stretches"])
    assert f"with a margin of {told['marginDb']:.1f} dB" in said.out
    assert all(line["source"] for one in told["stretches"] for hop in one["hops"] for line in hop["lines"])


def test_the_levels_of_a_chain_are_those_of_its_table_and_the_carrier_stands_over_the_noise_by_es_n0() -> None:
    given = yaml.safe_load(CHAIN.read_text(encoding="utf-8"))
    given["hops"][1]["interference_ci0_db_hz"] = 101.0
    for stretch in design_chain(ChainInput.model_validate(given)).stretches:
        (hop,) = stretch.hops
        clear, rain = hop_levels(hop, stretch.carrier.symbol_rate_mbaud * 1e6)
        table = {line.label: line for line in hop.lines()}
        assert (clear.sent_dbw, clear.arrives_dbw) == (
            table["EIRP"].clear_sky,
            table["Level at an isotropic antenna"].clear_sky,
        )
        assert clear.arrives_dbw - clear.noise_dbw == pytest.approx(stretch.es_n0_clear_db)
        assert (rain is None) is (hop.asked.air is None)
        if rain is not None:
            lost_db = table["Other losses"].faded - table["Other losses"].clear_sky  # type: ignore[operator]
            assert clear.arrives_dbw - rain.arrives_dbw == pytest.approx(lost_db)
            assert rain.arrives_dbw - rain.noise_dbw == pytest.approx(stretch.es_n0_faded_db)


def test_a_chain_that_does_not_close_names_the_hop(satcom: CommandLine) -> None:
    said = satcom("link-budget", str(CHAIN), "--set", "hops.2.eirp_dbw=30")
    assert said.status == 0
    assert "It does not close: satellite to terminal" in said.out
    assert "The chain carries" not in said.out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--set", "hops.9.eirp_dbw=30"), "--set: 'hops.9.eirp_dbw=30' names no number"),
        (("--set", "hops.1.eirp_dbw=strong"), "hops.1.eirp_dbw"),
        (("--set", "hops.0.freq_ghz=-1"), "not -1 GHz"),
        (("--set", "hops.2.carrier=null"), "hops.2.carrier: the last hop ends where bits are decided"),
        (("--confidence", "90"), "--confidence: it is for a link through one satellite"),
        (("--diagram", "levels.txt"), "--diagram: levels.txt is no picture"),
    ],
)
def test_what_is_wrong_in_a_chain_names_its_field(satcom: CommandLine, typed: tuple[str, ...], told: str) -> None:
    refused = satcom("link-budget", str(CHAIN), *typed)
    assert refused.status != 0
    assert told in refused.err
