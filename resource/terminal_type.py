"""Terminal types as the operator enters and corrects them: which kinds of terminal he may put up.

A kind is known by its name: orders and price lists may call it so. What terminals at sites rest on stays.
"""

from sqlmodel import Session, col, select

from satcom.core.entity import change
from satcom.core.errors import RuleRefused
from satcom.core.security import Capability, Principal
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.resource.ground import Terminal, TerminalState, TerminalType


def enter_terminal_type(session: Session, kind: TerminalType, by: Principal) -> TerminalType:
    """Enter a kind of terminal. Raises `RuleRefused` when another has its name."""
    by.need(Capability.MIGRATE)
    _check_name(session, kind)
    kind.party_id = operator_of(session).organization_id
    session.add(kind)
    session.flush()
    return kind


def correct_terminal_type(session: Session, kind: TerminalType, patch: dict[str, Json], by: Principal) -> TerminalType:
    """Correct it.

    Raises as `enter_terminal_type`, and on the band and class of terminals that stand at sites: they are licensed so.
    """
    by.need(Capability.MIGRATE)
    before = {"band": kind.band, "terminalClass": kind.terminal_class}
    change(kind, patch)
    with session.no_autoflush:
        _check_name(session, kind)
        after = {"band": kind.band, "terminalClass": kind.terminal_class}
        changed = [name for name in before if before[name] != after[name]]
        if changed and _stands_somewhere(session, kind):
            why = "terminals of this type stand at sites; enter another type"
            raise RuleRefused(f"/{changed[0]}", why, "fixed", str(before[changed[0]]))
    session.flush()
    return kind


def _check_name(session: Session, kind: TerminalType) -> None:
    same = (col(TerminalType.name) == kind.name) & (col(TerminalType.id) != kind.id)
    if session.exec(select(TerminalType.id).where(same)).first() is not None:
        raise RuleRefused("/name", f"there is a terminal type {kind.name!r} already", "duplicate")


def _stands_somewhere(session: Session, kind: TerminalType) -> bool:
    there = (col(Terminal.terminal_type_id) == kind.id) & (col(Terminal.state) != TerminalState.REMOVED)
    return session.exec(select(Terminal.id).where(there)).first() is not None
