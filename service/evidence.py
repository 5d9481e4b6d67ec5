"""Evidence: what a qualification was computed from, so that years later it can be computed again.

It keeps the demand, the facts that the solutions rest on (elements, radio values, what was taken, licences), the
digests of tables and maps, the version of the program, and the answer. A recomputation reads nothing else: the fleet
may have changed, the numbers stay. Why the losers lost is kept as it was told.
It is for engineers: payload data stand in it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import inf
from typing import ClassVar

from fastapi import Request, Response
from sqlmodel import Field, Session

from satcom.core.database import find, principal_in
from satcom.core.entity import INSTANT, Entity, JsonOf, own
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes, database_of, json_response, token_of
from satcom.core.values import Json
from satcom.service.demand import Demand
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import solve
from satcom.service.qualification import Design, choose, design
from satcom.service.solution import Qualification, Solution
from satcom.supplychain.partner_search import PartnerAnswer

SAME_TO = 1e-9  # what another processor's last digits may make


class QualificationEvidence(Entity, table=True):
    """One qualification with all that it was computed from. It belongs to the party that asked; it never changes."""

    __tablename__ = "qualification_evidence"

    at: datetime = Field(sa_type=INSTANT)
    demand: Demand = Field(sa_type=JsonOf(Demand))
    inputs: dict[str, Json] = Field(sa_type=JsonOf(dict[str, Json]))
    standards: dict[str, str] = Field(sa_type=JsonOf(dict[str, str]))
    result: Qualification = Field(sa_type=JsonOf(Qualification))

    api: ClassVar = own("service/v1", "qualificationEvidence", Capability.READ_NETWORK)


def qualify_on_record(
    session: Session,
    demand: Demand,
    party_id: str | None = None,
    without: Sequence[str] = (),
    partners: Sequence[PartnerAnswer] = (),
    in_place: bool = False,
) -> Qualification:
    """As `qualify`, with its evidence kept for `party_id`, by default the party of who asks.

    The holds `without` which it is asked count as free; a service that changes is `in_place`.
    """
    made = design(session, demand, without=without, partners=partners, in_place=in_place)
    return made.qualification.model_copy(update={"evidence_id": keep(session, made, party_id).id})


def qualify_solution_on_record(
    session: Session, demand: Demand, preferred: Solution | None = None, party_id: str | None = None
) -> tuple[Solution, str]:
    """As `qualify_solution`, and the id of the evidence. Raises `RuleRefused` when nothing is feasible."""
    made = design(session, demand)
    solution = choose(made.qualification, preferred)
    return solution, keep(session, made, party_id).id


def keep(session: Session, made: Design, party_id: str | None = None) -> QualificationEvidence:
    """Write the evidence of a design."""
    stored = made.inputs.used_by(made.qualification.solutions).wire()
    evidence = QualificationEvidence(
        party_id=party_id or principal_in(session).party_id,
        at=made.inputs.at,
        demand=made.qualification.demand,
        inputs=stored if isinstance(stored, dict) else {},
        standards=standards(),
        result=made.qualification,
    )
    session.add(evidence)
    session.flush()
    return evidence


def recompute(evidence: QualificationEvidence) -> Qualification:
    """The answer from the kept inputs alone; what cannot deliver, and what was left out, as it was told."""
    again = solve(Inputs.of(evidence.inputs), evidence.demand)
    told = {name: getattr(evidence.result, name) for name in ("losers", "lost_ways", "lost_left_out", "left_out")}
    return again.model_copy(update=told | {"evidence_id": evidence.id})


def largest_difference(recorded: Qualification, again: Qualification) -> float:
    """The largest difference of any two numbers, relative to the larger; `inf` where words or counts differ."""
    one, other = (
        [way.wire() for way in (*answer.solutions, *answer.partner_solutions)] for answer in (recorded, again)
    )
    return max(_differences(list(one), list(other)), default=0.0)


@lru_cache(maxsize=1)
def standards() -> dict[str, str]:
    """Editions and digests of what the numbers rest on beside the facts."""
    physics = files("satcom.resource.physics")
    return {
        "attenuation": "ITU-R P.618-14",
        "modcods": _digest([physics.joinpath("data/dvbs2_dvbs2x_modcods.csv")]),
        "digitalMaps": _digest(sorted(physics.joinpath("digital_maps").iterdir(), key=lambda one: one.name)),
        "program": version("satcom"),
    }


def _digest(held: list[Traversable]) -> str:
    digest = hashlib.sha256()
    for one in held:
        if one.is_file():
            digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return digest.hexdigest()


def _differences(one: Json, other: Json) -> Iterator[float]:
    if isinstance(one, dict) and isinstance(other, dict):
        yield 0.0 if one.keys() == other.keys() else inf
        for name in one.keys() & other.keys():
            yield from _differences(one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list):
        yield 0.0 if len(one) == len(other) else inf
        for left, right in zip(one, other, strict=False):
            yield from _differences(left, right)
    elif isinstance(one, int | float) and isinstance(other, int | float):
        yield abs(one - other) / max(abs(one), abs(other), 1.0)
    else:
        yield 0.0 if one == other else inf


def _recompute_over_http(request: Request, id: str) -> Response:
    """Compute kept evidence again; nothing is written."""
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(Capability.READ_NETWORK)
        evidence = find(session, QualificationEvidence, id)
        again = recompute(evidence)
        difference = largest_difference(evidence.result, again)
        changed = [name for name, value in standards().items() if evidence.standards.get(name) != value]
    body: dict[str, Json] = {
        "evidence": {"id": evidence.id, "href": evidence.href, "@referredType": "QualificationEvidence"},
        "recomputed": again.wire(),
        "sameNumbers": difference <= SAME_TO,
        "largestDifference": min(difference, 1e308),
        "changedStandards": list(changed),
    }
    return json_response(body)


evidence_routes = TmfRoutes(QualificationEvidence)
evidence_routes.own.add(
    "POST",
    f"{QualificationEvidence.api.path}/{{id}}/recomputation",
    _recompute_over_http,
    "recompute qualificationEvidence",
)
