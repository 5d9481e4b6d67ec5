"""A search of any size takes the memory of its blocks, not of its answer: windows looked at as they come are few."""

import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "data" / "orbit_sample.tle"
LIMIT_MIB = 2048  # whatever the size
SEARCH = r"""
import re, sys
from datetime import timedelta
import numpy as np
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.visibility import windows_by_block
low = [one for one in read_tle(open(sys.argv[1]).read()).elements if one.name[:6] in ("ONEWEB", "STARLI")]
fleet = low * (int(sys.argv[2]) // len(low))
latitude, longitude = np.meshgrid(np.linspace(-60, 60, int(sys.argv[3])), np.arange(-180.0, 180.0, 9.0))
sites = sites_on(latitude.ravel(), longitude.ravel(), 0.0, 10.0)
start = max(one.epoch for one in low) + timedelta(hours=1)
found = sum(len(one) for one in windows_by_block(fleet, sites, start, 86_400.0))
# not what getrusage tells: that of a program begins with the memory of whoever started it
most = re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())
print(len(fleet) * len(sites), found, int(most[1]) // 1024)
"""


def searched(satellites: int, latitudes: int) -> tuple[int, int, int]:
    """Satellite-site-days, windows, and the most memory of the process in MiB."""
    command = [sys.executable, "-c", SEARCH, str(SAMPLE), str(satellites), str(latitudes)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    days, windows, most_mib = (int(one) for one in told)
    return days, windows, most_mib


def test_a_search_ten_times_as_large_takes_hardly_more_memory() -> None:
    few_days, few, small_mib = searched(200, 5)
    many_days, many, large_mib = searched(500, 20)
    assert many_days > 8 * few_days
    assert many > 8 * few
    assert large_mib < small_mib + 200
    assert large_mib < LIMIT_MIB
