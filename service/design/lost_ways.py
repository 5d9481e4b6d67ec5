"""Lost ways: over a satellite that serves, the bands, gateways, carrier pools, transponders and terminal types that do
not, each with the reason that decided and its number.

Those that came furthest are told first, and no more than `MOST_LOST_WAYS`: of the rest only how many they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from satcom.service.design.facts import Fleet
from satcom.service.design.survey import LostPart, Setback
from satcom.service.way import LostWay, PathPart

MOST_LOST_WAYS = 30


@dataclass(frozen=True)
class LostWays:
    """What is told, and how many more there are."""

    told: tuple[LostWay, ...] = ()
    left_out: int = 0


def bands_lost(setbacks: dict[int, Setback], feasible: Iterable[int]) -> list[LostPart]:
    """Of the satellites that serve the band that came furthest of those that do not; none that was not asked for."""
    return [
        LostPart(row, PathPart.BAND, setbacks[row].subject, setbacks[row])
        for row in sorted(feasible)
        if row in setbacks and setbacks[row].asked_for
    ]


def illustrative_satellites(fleet: Fleet) -> set[str]:
    """The ids of those whose payload rests on something that is made up."""
    made_up = {one.id for one in fleet.satellites if one.illustrative}
    made_up |= {one.satellite_id for one in fleet.transponders if one.illustrative}
    return made_up | {one.satellite_id for one in fleet.beams if one.illustrative}


def lost_ways(fleet: Fleet, lost: Sequence[LostPart]) -> LostWays:
    """As they go out."""
    made_up = illustrative_satellites(fleet)
    ranked = sorted(lost, key=lambda one: (-one.setback.progress[0], -one.setback.progress[1]))
    told = tuple(
        LostWay.model_validate(
            {
                "satellite_id": fleet.satellites[one.satellite].id,
                "satellite_name": fleet.satellites[one.satellite].name,
                "part": one.part,
                "part_name": one.name,
                "illustrative": fleet.satellites[one.satellite].id in made_up,
            }
            | one.setback.told()
        )
        for one in ranked[:MOST_LOST_WAYS]
    )
    return LostWays(told, len(ranked) - len(told))
