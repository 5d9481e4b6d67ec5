"""Who sees to an overdue wait next: the rules of `orchestration.escalation`."""

from satcom.app.loading.files import Values
from satcom.app.loading.loading import Kind, Load
from satcom.app.loading.network import Listed, load_list
from satcom.market.order_item import FaultsFound
from satcom.orchestration.escalation import EscalationRule, correct_rule, enter_rule

REMARKED = frozenset({"source", "illustrative"})


def _remarked(load: Load, values: Values, found: FaultsFound) -> None:
    """Remarks in the file: who comes next is decided, not found out."""
    for key in REMARKED:
        values.pop(key, None)


ESCALATIONS = Listed("escalations", Kind(EscalationRule, enter_rule, correct_rule), shape=_remarked, further=REMARKED)


def load_escalations(load: Load) -> None:
    load_list(load, ESCALATIONS)
