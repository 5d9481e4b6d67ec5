"""Geometry along a plan: what Skyfield sees from the site and from the gateway at the same instants."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from skyfield.api import EarthSatellite, wgs84

from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.leg_geometry import leg_geometry
from tests.resource.physics.test_passes import MASK_DEG, O3B, PLACE, START, STATIONS, a_plan

SITE, GATEWAYS = sites_on(*PLACE, 20.0), sites_on(*STATIONS, MASK_DEG)


def test_every_instant_is_seen_as_skyfield_sees_it_from_site_and_gateway() -> None:
    legs = a_plan().legs
    found = leg_geometry(O3B, legs, SITE, GATEWAYS, START, 1800.0)
    scale = timescale()
    for row in range(len(found)):
        one = O3B[int(legs.satellite[found.leg[row]])]
        gateway = int(legs.gateway[found.leg[row]])
        satellite = EarthSatellite(one.line1, one.line2, one.name, scale)
        at = scale.from_datetime(START + timedelta(seconds=float(found.after_s[row])))
        places = (PLACE, (STATIONS[0][gateway], STATIONS[1][gateway], STATIONS[2]))
        told = (
            (found.site_elevation_deg[row], found.site_range_km[row]),
            (found.gateway_elevation_deg[row], found.gateway_range_km[row]),
        )
        for place, (elevation_deg, range_km) in zip(places, told, strict=True):
            elevation, _, distance = (satellite - wgs84.latlon(*place)).at(at).altaz()
            assert elevation.degrees == pytest.approx(elevation_deg, abs=1e-3)
            assert distance.km == pytest.approx(range_km, abs=0.1)
    assert len(found) > 10


@pytest.mark.parametrize("every_s", [60.0, 1e6])
def test_the_instants_stand_for_the_whole_time_that_is_served(every_s: float) -> None:
    legs = a_plan().legs
    found = leg_geometry(O3B, legs, SITE, GATEWAYS, START, every_s)
    each_s = np.bincount(found.leg, found.weight_s)
    assert each_s == pytest.approx(legs.end_s - legs.begin_s)
    assert np.all(found.site_elevation_deg > 20 - 0.01)
    assert np.all(found.gateway_elevation_deg > MASK_DEG - 0.01)


def test_a_plan_without_gateways_and_more_than_one_site_are_refused() -> None:
    legs = a_plan(bent=False).legs
    with pytest.raises(ValueError, match="no gateway"):
        leg_geometry(O3B, legs, SITE, GATEWAYS, START, 60.0)
    bent = replace(legs, gateway=np.zeros(len(legs), np.int64))
    with pytest.raises(ValueError, match="made for one"):
        leg_geometry(O3B, bent, GATEWAYS, GATEWAYS, START, 60.0)
