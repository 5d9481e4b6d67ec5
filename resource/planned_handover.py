"""Handovers as planned events: who carries from when to when, who takes over from whom, and when nobody carries.

They follow from a plan of passes (`resource.physics.passes`), of a site or of a service, and are told in an answer and
as entries of a calendar. A handover is an instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from satcom.core.values import Json, instant_text
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.passes import Named, PassPlan


@dataclass(frozen=True)
class Stay:
    """A satellite carries from `start` to `end`, through an earth station where one must see it, too."""

    satellite: Named
    station: Named | None
    start: datetime
    end: datetime

    @property
    def carrier(self) -> str:
        return f"{self.satellite.name} by {self.station.name}" if self.station else self.satellite.name

    def is_like(self, other: "Stay") -> bool:
        """The same satellite through the same earth station."""
        return (self.satellite, self.station) == (other.satellite, other.station)

    def body(self) -> dict[str, Json]:
        told: dict[str, Json] = {"satellite": self.satellite.reference}
        return told | ({"earthStation": self.station.reference} if self.station else {})


@dataclass(frozen=True)
class Handover:
    """From one satellite or earth station to another, without a break."""

    before: Stay
    after: Stay

    @property
    def at(self) -> datetime:
        return self.after.start


@dataclass(frozen=True)
class Gap:
    """Nobody carries, and why."""

    start: datetime
    end: datetime
    reason: str


def joined(stays: Sequence[Stay]) -> list[Stay]:
    """Those that follow each other with the same satellite and earth station are one."""
    found: list[Stay] = []
    for one in stays:
        if found and found[-1].end == one.start and found[-1].is_like(one):
            found[-1] = replace(found[-1], end=one.end)
        else:
            found.append(one)
    return found


def joined_gaps(gaps: Sequence[Gap]) -> list[Gap]:
    """Those that follow each other for the same reason are one."""
    found: list[Gap] = []
    for one in gaps:
        if found and (found[-1].end, found[-1].reason) == (one.start, one.reason):
            found[-1] = replace(found[-1], end=one.end)
        else:
            found.append(one)
    return found


def handovers(stays: Sequence[Stay]) -> list[Handover]:
    """Between stays that follow each other without a break."""
    return [Handover(one, other) for one, other in pairwise(stays) if one.end == other.start and not one.is_like(other)]


def stays_of(found: PassPlan) -> list[Stay]:
    """The legs of a plan of passes."""
    legs = found.plan.legs
    return [
        Stay(
            found.satellite(int(legs.satellite[number])),
            found.gateway(int(legs.gateway[number])),
            found.at(float(legs.begin_s[number])),
            found.at(float(legs.end_s[number])),
        )
        for number in range(len(legs))
    ]


def gaps_of(found: PassPlan) -> list[Gap]:
    """When nobody serves in a plan of passes."""
    begin_s, end_s = found.plan.gaps.begin_s, found.plan.gaps.end_s
    return [
        Gap(found.at(float(begin)), found.at(float(end)), reason.value)
        for begin, end, reason in zip(begin_s, end_s, found.plan.reasons, strict=True)
    ]


def plan_entries(found: PassPlan, place: str) -> list[CalendarEntry]:
    """A plan of passes as a calendar: every leg, every handover, every gap, by time."""
    stays = stays_of(found)
    entries = [stay_entry(one, place) for one in stays]
    entries += [handover_entry(one, place) for one in handovers(stays)]
    entries += [gap_entry(one, place) for one in gaps_of(found)]
    return sorted(entries, key=lambda one: one.start)


def handover_body(one: Handover) -> dict[str, Json]:
    at = instant_text(one.at)
    return {"start": at, "end": at, "from": one.before.body(), "to": one.after.body()}


def gap_body(one: Gap) -> dict[str, Json]:
    return {
        "start": instant_text(one.start),
        "end": instant_text(one.end),
        "durationS": round((one.end - one.start).total_seconds(), 1),
        "reason": one.reason,
    }


def stay_entry(one: Stay, place: str) -> CalendarEntry:
    return CalendarEntry(
        subject=f"served {place} {one.carrier}",
        summary=f"Served: {place} by {one.satellite.name}" + (f" through {one.station.name}" if one.station else ""),
        description=f"From {one.start:%H:%M:%S} to {one.end:%H:%M:%S} UTC.",
        start=one.start,
        end=one.end,
        day=one.start + (one.end - one.start) / 2,
    )


def handover_entry(one: Handover, place: str) -> CalendarEntry:
    return CalendarEntry(
        subject=f"handover {place} {one.before.carrier} {one.after.carrier}",
        summary=f"Handover: {place}, {one.before.carrier} to {one.after.carrier}",
        description=f"At {one.at:%H:%M:%S} UTC; {one.after.satellite.name} carries until"
        f" {one.after.end:%Y-%m-%d %H:%M:%S} UTC or longer.",
        start=one.at,
        end=one.at,
        day=one.at,
    )


def gap_entry(one: Gap, place: str) -> CalendarEntry:
    return CalendarEntry(
        subject=f"gap {place} {one.reason}",
        summary=f"Nobody carries: {place}, {(one.end - one.start).total_seconds():.0f} s",
        description=f"From {one.start:%Y-%m-%d %H:%M:%S} to {one.end:%Y-%m-%d %H:%M:%S} UTC: {one.reason}.",
        start=one.start,
        end=one.end,
        day=one.start + (one.end - one.start) / 2,
    )
