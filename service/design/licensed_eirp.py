"""Licensed EIRP: a terminal that could send enough, were it not for what its licence lets it send in all."""

from dataclasses import dataclass, replace

import numpy as np

from satcom.service.design.lanes import Layout
from satcom.service.design.links import Ground
from satcom.service.design.survey import Setback
from satcom.service.way import Reason


@dataclass(frozen=True)
class LicensedEirp:
    """The limit, and the reference of the licence that sets it."""

    reference: str
    limit_dbw: float

    def exceeded(self, subject: str, asked_dbw: float) -> Setback:
        """Why a return link is not sold that would close with what is asked."""
        text = f"return: {asked_dbw:.1f} dBW EIRP asked, {self.limit_dbw:g} dBW allowed (licence {self.reference})"
        value, missed_by = round(asked_dbw, 3), asked_dbw - self.limit_dbw
        return Setback(Reason.LICENSED_EIRP, subject, text, value, self.limit_dbw, "dBW", missed_by=missed_by)


def licensed_eirp(plan: Layout, terminal: int) -> LicensedEirp | None:
    """Of a terminal type, by its row; `None` where no licence limits it."""
    licence = plan.licences.get(plan.fleet.terminal_types[terminal].id)
    if licence is None or licence.eirp_limit_dbw is None:
        return None
    return LicensedEirp(licence.reference, licence.eirp_limit_dbw)


def without_licensed_eirp(ground: Ground) -> Ground:
    """As if no licence limited it: terminals send what they can."""
    terminals = ground.terminals
    return replace(ground, terminals=replace(terminals, eirp_limit_dbw=np.full_like(terminals.eirp_limit_dbw, np.inf)))
