"""The inputs of a design: the facts that an answer follows from, and nothing else. They are its evidence."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter

from satcom.core.values import Json
from satcom.service.design.constellation_facts import PassingInputs
from satcom.service.design.facts import Assumptions, Fleet, Occupancy
from satcom.service.solution import Solution
from satcom.supplychain.partner_search import PartnerAnswer


@dataclass(frozen=True, eq=False)
class Inputs:
    """All that a design is computed from. `country` is that of the site, `None` at sea.

    Who asks for satellites that pass has the constellations, and nothing of the fleet that stands still.
    """

    at: datetime
    country: str | None
    fleet: Fleet
    occupancy: Occupancy
    assumed: Assumptions = field(default_factory=Assumptions)
    partners: tuple[PartnerAnswer, ...] = ()
    constellations: tuple[PassingInputs, ...] = ()

    def used_by(self, solutions: tuple[Solution, ...]) -> "Inputs":
        """Restricted to what the solutions rest on: computed again, they come out the same."""
        return Inputs(
            self.at,
            self.country,
            self.fleet.used_by(solutions, self.country),
            self.occupancy.used_by(solutions),
            self.assumed,
            self.partners,
            self.constellations,
        )

    def wire(self) -> Json:
        dumped: Json = _INPUTS.dump_python(self, mode="json", by_alias=True)
        return dumped

    @staticmethod
    def of(stored: Json) -> "Inputs":
        inputs = _INPUTS.validate_python(stored)
        assumed = stored.get("assumed") if isinstance(stored, dict) else None
        if not isinstance(assumed, dict):
            return inputs
        # what was not counted or told yet when the evidence was kept
        before = {name: False for name in (*_OF_THOSE_THAT_STAND, *_OF_ALL_KINDS) if name not in assumed}
        of_all = {name: False for name in _OF_ALL_KINDS if name in before}
        passing = tuple(replace(one, assumed=replace(one.assumed, **of_all)) for one in inputs.constellations)
        return replace(inputs, assumed=replace(inputs.assumed, **before), constellations=passing)


_OF_THOSE_THAT_STAND = ("within_limits", "over_footprint", "parts_apart")
_OF_ALL_KINDS = ("sources_told", "pointing_counted")  # limits over constellations have a mark of their own
_INPUTS = TypeAdapter(Inputs)
