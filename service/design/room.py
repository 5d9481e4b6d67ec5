"""Room: from when on a transponder has what is asked for, where it has not in all of the period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from satcom.resource.free_spectrum import TakenSpectrum, free_capacity
from satcom.resource.hold import Period
from satcom.service.design.facts import Fleet, Occupancy


@dataclass(frozen=True, eq=False)
class Room:
    """What is taken in a period, by row of the fleet's transponders."""

    fleet: Fleet
    occupancy: Occupancy
    period: Period

    def free_at(self, transponder: int, widths_hz: Sequence[int], power_hz: int) -> datetime | None:
        """The first instant from which on one or two slots and their power are free until the period ends.

        `None` where there is none: what is asked for is more than the transponder has, or what takes it has no end.
        """
        facts, taken = self.fleet.transponders[transponder], self.occupancy.taken
        if facts.id not in self.occupancy.transponder_ids:
            return None
        mine = taken.row == self.occupancy.transponder_ids.index(facts.id)
        end_s = np.inf if self.period.stop_at is None else self.period.stop_at.timestamp()
        begin_s = self.period.start_at.timestamp()
        ends = np.unique(taken.stop_s[mine & (taken.stop_s > begin_s) & (taken.stop_s < end_s)])
        edges = (np.array([one], dtype=np.int64) for one in (facts.low_edge_hz, facts.bandwidth_hz))
        low_hz, bandwidth_hz = edges
        for end in ends.tolist():
            later = mine & (taken.stop_s > end)
            still = TakenSpectrum(
                np.zeros(int(later.sum()), dtype=np.int64),
                taken.start_hz[later],
                taken.stop_hz[later],
                taken.power_share_hz[later],
                taken.start_s[later],
                taken.stop_s[later],
            )
            begin = datetime.fromtimestamp(end, UTC)
            guard_hz = np.array([facts.guard_band_hz], dtype=np.int64)
            free = free_capacity(low_hz, bandwidth_hz, guard_hz, still, Period(begin, self.period.stop_at))
            one_hz, other_hz = (*widths_hz, 0)[:2]
            fits = free.both_slots_fit(one_hz, other_hz) if other_hz else free.widest_hz >= one_hz
            if bool(fits[0]) and int(free.power_hz[0]) >= power_hz:
                return begin
        return None
