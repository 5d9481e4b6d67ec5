"""Link budgets a second on one core, in one call, beside the PyPI package `link-budget` in the same run.

Ours: a hub and many terminals, both directions, clear sky beside rain on either link, the propagation of every site
computed. Theirs: one down link under rain at a site, so a budget of ours does several times the work of one of theirs.
Before anything is timed the answers are compared: with a given attenuation, with each one's own, and, for what they
work out of a budget, with four more packages. None is among our dependencies: `uv` brings them for the run;
`link-budget` wants a Skyfield that wants numpy below 2.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from benchmarks.measured import Row, Table, load, processor_seconds, publish
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, noise_temperature_k, parabola_gain_dbi
from satcom.resource.physics.attenuation import TotalAttenuation, sky_noise_temperature_k, total_attenuation
from satcom.resource.physics.hop import Hop, hop_budget
from satcom.resource.physics.link_budget import (
    BOLTZMANN_DBW_PER_K_HZ,
    BentPipeBudget,
    Carrier,
    Interference,
    Link,
    ReceiveStation,
    TransmitStation,
    Transponder,
    bent_pipe_budget,
    carrier_to_noise_density_db_hz,
    free_space_loss_db,
)
from satcom.resource.physics.link_budget import (
    Path as LinkPath,
)
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.receive_chain import Stage, chain_temperature_k

NAME = "link_budgets"
PEER = "link-budget==0.1.10"
OTHERS = ("opensatcom==0.7.0", "spacelink==0.1.12", "linkpredict==2.2.1", "lox-space==0.1.0a51")
SLOT_DEG, UP_HZ, DOWN_HZ, TILT_DEG, PERCENT = 10.0, 14.25e9, 11.7e9, 45.0, 0.1
DISH_M, EFFICIENCY, EIRP_DBW, WIDTH_HZ, LNB_DB = 1.2, 0.65, 50.0, 10e6, 0.7
HUB_M = 7.3
GIVEN_LOSS_DB, GIVEN_ANTENNA_K = 0.5, 35.0
ALIKE_DB, OWN_ALIKE_DB = 0.01, 3.0
Array = NDArray[np.float64]

# What the peer's Python runs: sites come in, seconds and C/N go out.
ASK_PEER = """
import json, logging, sys, time
from linkbudget import cli
logging.disable(logging.CRITICAL)
asked = json.load(sys.stdin)
parser = cli.get_parser()
def of(more):
    words = [str(one) for one in asked["words"]] + more
    return [parser.parse_args(words + ["--rx-lat", str(lat), "--rx-long", str(lon)]) for lat, lon in asked["sites"]]
given = [cli.analyze(one)["cnr_db"] for one in of(asked["given"])]
rained = of([])
def told(one):
    sky_k = one["noise_temp_k"]["system"] - one["noise_temp_k"]["effective_input"]
    return [float(one["cnr_db"]), float(one["atmospheric_loss_db"]), float(sky_k)]
own = [told(cli.analyze(one)) for one in rained]
began = time.process_time()
for one in rained:
    cli.analyze(one)
json.dump({"given": given, "own": own, "seconds": time.process_time() - began}, sys.stdout)
"""
# What each of the others works out of a down link, as [quantity, value] by package.
ASK_OTHERS = """
import json, sys
asked = json.load(sys.stdin)
range_m, freq_hz, dish_m, efficiency = (asked[name] for name in ("range_m", "freq_hz", "dish_m", "efficiency"))
eirp_dbw, system_k, gain_dbi, lnb_db = (asked[name] for name in ("eirp_dbw", "system_k", "gain_dbi", "lnb_db"))
LOSS, RATIO, GAIN, NOISE, DENSITY = asked["quantities"]
def opensatcom():
    from opensatcom.antenna.parametric import ParametricAntenna
    from opensatcom.core.models import LinkInputs, PropagationConditions, RFChainModel, Scenario, Terminal
    from opensatcom.link.engine import DefaultLinkEngine
    from opensatcom.propagation.fspl import FreeSpacePropagation
    end = Terminal("", 0.0, 0.0, 0.0)
    scenario = Scenario("", "downlink", freq_hz, 1e6, "RHCP", "cn0_dbhz", 0.0)
    chain = RFChainModel(10 ** (eirp_dbw / 10), 0, system_k)
    antennas = ParametricAntenna(0.0), ParametricAntenna(gain_dbi)
    link = LinkInputs(end, end, scenario, *antennas, FreeSpacePropagation(), chain)
    budget = DefaultLinkEngine().evaluate_snapshot(30.0, 0.0, range_m, link, PropagationConditions())
    return [[LOSS, budget.path_loss_db], [RATIO, budget.cn0_dbhz]]
def spacelink():
    import astropy.units as u, math
    from spacelink.core import antenna, noise, path
    density = noise.noise_power_density(system_k * u.K).to_value(u.W / u.Hz)
    return [[LOSS, path.free_space_path_loss(range_m * u.m, freq_hz * u.Hz).value],
            [GAIN, antenna.dish_gain(dish_m * u.m, freq_hz * u.Hz, efficiency * u.dimensionless).to_value(u.dB(1))],
            [NOISE, noise.noise_factor_to_temperature(lnb_db * u.dB(1)).to_value(u.K)],
            [DENSITY, 10 * math.log10(density)]]
def linkpredict():
    import linkpredict as lp
    channel = lp.Channel(freq_hz, modulation=lp.AnalogModulation(1e6))
    sender = lp.Transmitter(eirp_dbw), lp.OmniDirectionalAntenna(0.0)
    link = lp.Link.from_g_t_figure(channel, lp.SimpleGeometry(range_m), *sender, asked["figure"], False, 0.0)
    budget = link.calculate_link_budget()
    return [[LOSS, budget[lp.LinkBudgetKeys.free_space_path_loss]], [RATIO, budget[lp.LinkBudgetKeys.cno_ratio]]]
def lox_space():
    import lox_space as lox
    dish = lox.ParabolicPattern(dish_m * lox.m, efficiency)
    return [[LOSS, float(lox.fspl(range_m * lox.m, freq_hz * lox.Hz))], [GAIN, float(dish.peak_gain(freq_hz * lox.Hz))]]
json.dump({one.__name__: one() for one in (opensatcom, spacelink, linkpredict, lox_space)}, sys.stdout)
"""
QUANTITIES = ("free-space loss", "C/N0", "gain of the dish", "noise of the LNB in K", "noise density")


@dataclass(frozen=True, eq=False)
class Sites:
    """Places that see the slot, with their look angles."""

    latitude_deg: Array
    longitude_deg: Array
    elevation_deg: Array
    range_km: Array

    @classmethod
    def random(cls, count: int) -> "Sites":
        """All over the part of the Earth that sees the slot from 10 degrees up."""
        random = np.random.default_rng(1)
        latitude = np.degrees(np.arcsin(random.uniform(-0.8, 0.8, count)))
        longitude = SLOT_DEG + random.uniform(-45, 45, count)
        return cls.of(latitude, longitude)

    @classmethod
    def of(cls, latitude_deg: Array, longitude_deg: Array) -> "Sites":
        look = slot_angles(SLOT_DEG, latitude_deg, longitude_deg, 0.0)
        return cls(latitude_deg, longitude_deg, np.ravel(look.elevation_deg), np.ravel(look.range_km))


def both_ways(sites: Sites) -> tuple[BentPipeBudget, BentPipeBudget]:
    """Forward and return budget of every site, nothing known beforehand."""
    hub = Sites.of(np.array([48.8]), np.array([2.3]))
    (site_up, site_down), (hub_up, hub_down) = _paths(sites, DISH_M), _paths(hub, HUB_M)
    transponder = Transponder(UP_HZ, DOWN_HZ, 36e6, EIRP_DBW, 4.0, -88.0, 6.0, 3.5, 18.0)
    interference = Interference(28.0, 27.0, np.inf, 22.0, 27.0)
    hub_station = TransmitStation(_gain(HUB_M, UP_HZ), 23.0, 3.0, 0.3, 0.2, 6.0)
    terminal = TransmitStation(_gain(DISH_M, UP_HZ), 9.0, 1.0, 0.2, 0.4)
    forward = Link(hub_station, hub_up, transponder, site_down, _receiver(DISH_M), interference)
    back = Link(terminal, site_up, transponder, hub_down, _receiver(HUB_M), interference)
    return (
        bent_pipe_budget(forward, Carrier(10e6, 1.487473, 4.03 + 0.8, 0.2), 12.0),
        bent_pipe_budget(back, Carrier(2e6, 0.988858, 1.0 + 0.8, 0.2), 20.0),
    )


def down_link_db(sites: Sites, loss_db: float | Array, antenna_k: float | Array) -> Array:
    """C/N of the down link that the peer is asked for."""
    chain_k = chain_temperature_k([Stage.of_noise_figure(LNB_DB, 55.0), Stage.of_noise_figure(10.0, 0.0)])
    figure = _gain(DISH_M, DOWN_HZ) - 10 * np.log10(antenna_k + chain_k)
    return hop_budget.or_nan(Hop(EIRP_DBW, sites.range_km, DOWN_HZ, figure, loss_db)).es_n0_db(WIDTH_HZ)


def own_attenuation_db(sites: Sites) -> Array:
    """What we compute for these down links."""
    return _air(sites, DOWN_HZ, DISH_M).total_db


def own_down_link_db(sites: Sites) -> Array:
    """C/N under it; all of it warms the sky, as the peer has it."""
    loss_db = own_attenuation_db(sites)
    return down_link_db(sites, loss_db, sky_noise_temperature_k.or_nan(loss_db))


def by_peer(sites: Sites) -> tuple[Array, Array, float]:
    """The peer's C/N under a given attenuation; its C/N, attenuation (dB) and sky (K) in rain; its seconds."""
    words = ["--freq", DOWN_HZ, "--bw", WIDTH_HZ, "--eirp", EIRP_DBW, "--rx-dish-size", DISH_M]
    words += ["--rx-dish-efficiency", EFFICIENCY, "--lnb-noise-fig", LNB_DB, "--lnb-gain", 55, "--rx-noise-fig", 10]
    words += ["--coax-length", 0, "--sat-long", SLOT_DEG, "--polarization", "circular", "--availability", 100 - PERCENT]
    given = ["--atmospheric-loss", str(GIVEN_LOSS_DB), "--antenna-noise-temp", str(GIVEN_ANTENNA_K)]
    places = np.column_stack([sites.latitude_deg, sites.longitude_deg]).tolist()
    told = _asked((PEER, "numpy<2", "setuptools"), ASK_PEER, {"words": words, "given": given, "sites": places})
    return np.array(told["given"]), np.array(told["own"]).T, float(told["seconds"])


def compared(sites: Sites, given_db: Array, own: Array) -> Table:
    """How far the answers lie apart.

    Raises `ValueError` when they differ although attenuation and sky are the same: what does not answer alike is not
    timed.
    """
    own_db, loss_db, sky_k = own
    apart_db = {
        "attenuation given": np.abs(given_db - down_link_db(sites, GIVEN_LOSS_DB, GIVEN_ANTENNA_K)),
        "attenuation and sky that it computes": np.abs(own_db - down_link_db(sites, loss_db, sky_k)),
        "attenuation and sky computed by each": np.abs(own_db - own_down_link_db(sites)),
        "the attenuations themselves": np.abs(loss_db - own_attenuation_db(sites)),
    }
    for (name, one), most_db in zip(apart_db.items(), (ALIKE_DB, ALIKE_DB, OWN_ALIKE_DB, OWN_ALIKE_DB), strict=True):
        if not one.max() < most_db:
            raise ValueError(f"the answers differ by up to {one.max():.3f} dB: {name}")
    rows: list[Row] = [(name, float(np.median(one)), float(one.max())) for name, one in apart_db.items()]
    note = (
        "link-budget takes its attenuation from `itur` 0.4.0, editions before ours, and Boltzmann's constant as -228.6"
        " dB, which is the first line."
    )
    return Table(f"C/N of {len(own_db)} down links, apart by dB", ("", "median", "largest"), rows, note)


def of_one_down_link() -> dict[str, float]:
    """What the other packages are asked for, worked out by ours."""
    system_k, range_km = 120.0, 38_000.0
    gain_dbi, loss_db = _gain(DISH_M, DOWN_HZ), free_space_loss_db(range_km, DOWN_HZ)
    ratio = carrier_to_noise_density_db_hz.or_nan(EIRP_DBW, loss_db, gain_dbi - 10 * np.log10(system_k))
    density = BOLTZMANN_DBW_PER_K_HZ + 10 * np.log10(system_k)
    values = (loss_db, ratio, gain_dbi, noise_temperature_k(LNB_DB), density)
    return {name: float(value) for name, value in zip(QUANTITIES, values, strict=True)}


def by_others() -> dict[str, list[tuple[str, float]]]:
    """The same by the other packages, each what it has."""
    system_k, gain_dbi = 120.0, float(_gain(DISH_M, DOWN_HZ))
    asked = {
        "range_m": 38_000e3, "freq_hz": DOWN_HZ, "dish_m": DISH_M, "efficiency": EFFICIENCY, "eirp_dbw": EIRP_DBW,
        "system_k": system_k, "gain_dbi": gain_dbi, "lnb_db": LNB_DB, "figure": gain_dbi - 10 * np.log10(system_k),
        "quantities": QUANTITIES,
    }  # fmt: skip
    return {name: [(what, value) for what, value in told] for name, told in _asked(OTHERS, ASK_OTHERS, asked).items()}


def compared_with_others(told: dict[str, list[tuple[str, float]]]) -> Table:
    """Quantity by quantity. Raises `ValueError` when one differs."""
    mine = of_one_down_link()
    rows: list[Row] = []
    for name, quantities in told.items():
        for what, value in quantities:
            if not abs(value - mine[what]) < ALIKE_DB:
                raise ValueError(f"{what} is {value} by {name}, {mine[what]} by ours")
            rows.append((name, what, abs(value - mine[what])))
    return Table("Other packages: one down link", ("", "quantity", "apart by"), rows, f"They are {', '.join(OTHERS)}.")


def _asked(packages: tuple[str, ...], program: str, given: dict[str, object]) -> Any:
    """What a program says that runs with packages of its own."""
    command: list[str | Path] = [Path(sys.executable).with_name("uv"), "run", "--no-project", "--quiet"]
    command += ["--python", sys.executable, *(word for one in packages for word in ("--with", one))]
    done = subprocess.run(
        [*command, "python", "-c", program], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _air(sites: Sites, freq_hz: float | Array, dish_m: float) -> TotalAttenuation:
    return total_attenuation(
        sites.latitude_deg, sites.longitude_deg, freq_hz, sites.elevation_deg, PERCENT, TILT_DEG, dish_m, EFFICIENCY
    )


def _paths(sites: Sites, dish_m: float) -> tuple[LinkPath, LinkPath]:
    """Up and down; the maps are asked once for both."""
    air = _air(sites, np.array([[UP_HZ], [DOWN_HZ]]), dish_m)
    up, down = (
        LinkPath(sites.range_km, gas, total, 0.0, gas, cloud, rain, scintillation)
        for gas, cloud, rain, scintillation, total in zip(
            air.gas_db, air.cloud_db, air.rain_db, air.scintillation_db, air.total_db, strict=True
        )
    )
    return up, down


def _gain(dish_m: float, freq_hz: float) -> Array:
    return parabola_gain_dbi(dish_m, EFFICIENCY, freq_hz)


def _receiver(dish_m: float) -> ReceiveStation:
    return ReceiveStation(ReceiveAntenna.of_dish(dish_m, EFFICIENCY, DOWN_HZ, LNB_DB, 25.0, 0.2), 0.3)


def measured(count: int, repeats: int) -> tuple[Row, float]:
    """The row of ours, and its seconds a budget."""
    sites = Sites.random(count)
    forward, back = both_ways(sites)  # the maps are unpacked and read in
    known = np.isfinite(forward.margin_db) & np.isfinite(back.margin_db)
    taken_s = min(processor_seconds(lambda: both_ways(sites)) for _ in range(repeats)) / count
    return ("satcom, both ways, clear sky and faded", count, 1 / taken_s, float(known.mean()), 1.0), taken_s


def main(count: int = 100_000, repeats: int = 5, peer_count: int = 30, write: bool = False) -> None:
    began = load()
    asked = Sites.random(peer_count)
    given_db, own, theirs_s = by_peer(asked)
    alike = [compared(asked, given_db, own), compared_with_others(by_others())]
    ours, ours_s = measured(count, repeats)
    theirs_s /= peer_count
    rows: list[Row] = [ours, (f"{PEER}, one down link", peer_count, 1 / theirs_s, 1.0, theirs_s / ours_s)]
    columns = ("", "budgets", "a second of one core", "share with an answer", "satcom is faster by")
    timed = Table("Link budgets with the propagation of every site", columns, rows)
    publish(NAME, f"python -m benchmarks.{NAME}", began, [timed, *alike], write)


if __name__ == "__main__":
    typer.run(main)
