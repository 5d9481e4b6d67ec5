"""The events of a service are told only where its ends see the satellite."""

from dataclasses import replace

import pytest

from satcom.core.errors import RuleRefused
from satcom.resource.physics.sun_outage import Receiver
from satcom.service.planned_event import End, ServiceLink, check_seen

DISH = Receiver(1.8, 0.65, 11.2e9, 120.0)
SITE = End("Kamoto", -10.7, 25.4, 1400.0, 0.0, DISH, 3.0)
TELEPORT = replace(SITE, name="Hartebeesthoek", latitude_deg=-25.89, longitude_deg=27.69)


def test_an_end_that_does_not_see_the_satellite_is_named_with_how_high_it_stands() -> None:
    check_seen(ServiceLink("Testsat", 17.0, SITE, TELEPORT))
    far = replace(TELEPORT, name="Hawaii", latitude_deg=20.0, longitude_deg=-155.0)
    with pytest.raises(
        RuleRefused, match=r"Testsat is below the horizon of Hawaii: it stands -\d\d\.\d degrees high"
    ) as no:
        check_seen(ServiceLink("Testsat", 17.0, SITE, far))
    assert [(one.field, one.code) for one in no.value.faults] == [("serviceId", "belowHorizon")]
