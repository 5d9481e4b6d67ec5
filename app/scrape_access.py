"""Who may scrape: the figures tell the business of the whole operator, so a token of a role that reads the network."""

from hmac import compare_digest

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlmodel import Session, select

from satcom.core.database import Database
from satcom.core.errors import NotAllowed
from satcom.core.security import Capability, Principal, token_hash
from satcom.enterprise.party import Operator

AWAY = (OperationalError, NoConnectionFree)


def _must_be_of_the_operator(session: Session, principal: Principal) -> None:
    """Raises `NotAllowed` for the staff of a virtual operator or reseller: the figures are not theirs."""
    operator = session.exec(select(Operator)).first()
    if operator is not None and principal.party_id not in (None, operator.party_id, operator.organization_id):
        raise NotAllowed(f"{principal.name} is not of the operator, whose business the metrics tell")


class ScrapeAccess:
    """Lets in by token; while the database is away, whoever was let in last."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._let_in_last = b""

    def check(self, token: str | None) -> None:
        """Raises `Unauthenticated`, `NotAllowed`; and what the driver raises (`AWAY`) when the database is away and
        the caller is not the one that was let in last.
        """
        try:
            with self.database.request(token) as (session, principal):
                principal.need(Capability.READ_NETWORK)
                _must_be_of_the_operator(session, principal)
        except AWAY:
            if token is None or not compare_digest(self._let_in_last, token_hash(token)):
                raise
        else:
            self._let_in_last = token_hash(token or "")
