"""Sun and Moon by Skyfield from JPL's DE421, Earth-fixed: the peer of what `satcom.resource.physics.sun` computes."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import skyfield_data
from skyfield.api import load, load_file
from skyfield.framelib import itrs
from skyfield.jpllib import SpiceKernel
from skyfield.timelib import Time

from satcom.resource.physics.orbit import Array

TIMESCALE = load.timescale(builtin=True)


@lru_cache(maxsize=1)
def ephemeris() -> SpiceKernel:
    return load_file(str(Path(skyfield_data.__file__).parent / "data" / "de421.bsp"))


def times(at_s: Array) -> Time:
    days = np.floor(at_s / 86400)
    return TIMESCALE.utc(1970, 1, 1 + days.astype(int), 0, 0, at_s - days * 86400)


def apparent_sun_km(at_s: Array) -> Array:
    time = times(at_s)
    sun = ephemeris()["earth"].at(time).observe(ephemeris()["sun"]).apparent()
    return _earth_fixed(sun.position.km, time)


def moon_km(at_s: Array) -> Array:
    time = times(at_s)
    return _earth_fixed((ephemeris()["moon"].at(time) - ephemeris()["earth"].at(time)).position.km, time)


def _earth_fixed(gcrs_km: Array, time: Time) -> Array:
    turned: Array = np.einsum("ijn,jn->ni", itrs.rotation_at(time), gcrs_km)
    return turned
