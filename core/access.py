"""Access tokens: created, listed, revoked, and turned into a principal at the start of each request."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, SQLModel, String, col, select

from satcom.core.clock import wall_now
from satcom.core.entity import INSTANT, id_type, new_id
from satcom.core.errors import NotFound, Refused, Unauthenticated
from satcom.core.security import OUTSIDE, Principal, Role, new_token, token_hash


class AccessToken(SQLModel, table=True):
    """A token as kept: only its hash. The request role cannot read this table, only ask `satcom_authenticate`."""

    __tablename__ = "access_token"

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=id_type())
    name: str
    hash: bytes = Field(unique=True)
    roles: list[str] = Field(sa_type=ARRAY(String))
    party_id: str | None = Field(default=None, sa_type=id_type())
    created_at: datetime = Field(default_factory=wall_now, sa_type=INSTANT)
    expires_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


# Resolved in the database, once per request: the token, and every party below its own in the hierarchy.
AUTHENTICATE = """
CREATE FUNCTION satcom_authenticate(wanted bytea)
RETURNS TABLE (name text, roles text[], party_id uuid, parties uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH RECURSIVE below(id) AS (
    SELECT t.party_id FROM access_token t WHERE t.hash = wanted
    UNION
    SELECT h.child_id FROM party_hierarchy h JOIN below b ON h.parent_id = b.id
  )
  SELECT t.name, t.roles, t.party_id, (SELECT array_agg(id) FROM below WHERE id IS NOT NULL)
  FROM access_token t
  WHERE t.hash = wanted AND t.revoked_at IS NULL AND t.expires_at > now()
$$
"""


def principal_of(connection: Connection, token: str | None) -> Principal:
    """Who holds `token`. Raises `Unauthenticated` without saying whether it is unknown, expired or revoked."""
    if not token:
        raise Unauthenticated("an access token is needed")
    row = connection.execute(
        text("SELECT name, roles, party_id, parties FROM satcom_authenticate(:hash)"), {"hash": token_hash(token)}
    ).first()
    if row is None:
        raise Unauthenticated("the access token is not valid")
    roles = frozenset(Role(name) for name in row.roles)
    parties = frozenset(str(party) for party in row.parties or ())
    party_id = str(row.party_id) if row.party_id else None
    return Principal(row.name, roles, party_id, parties, all_parties=not roles & OUTSIDE)


def create_token(
    session: Session, name: str, roles: list[str], party_id: str | None, valid_for: timedelta
) -> tuple[AccessToken, str]:
    """A new token; the second value is the token itself, which is shown once and kept nowhere.

    Raises `Refused` on `role` and `party`.
    """
    unknown = [role for role in roles if role not in set(Role)]
    if unknown or not roles:
        raise Refused(
            "role", f"unknown role {', '.join(unknown)}" if unknown else "no role given", accepted=", ".join(Role)
        )
    if OUTSIDE & {Role(role) for role in roles} and party_id is None:
        raise Refused("party", "a customer's or partner's token needs its party")
    if valid_for <= timedelta(0):
        raise Refused("validFor", "a token must be valid for some time")
    secret = new_token()
    token = AccessToken(
        name=name, hash=token_hash(secret), roles=roles, party_id=party_id, expires_at=wall_now() + valid_for
    )
    session.add(token)
    session.flush()
    return token, secret


def list_tokens(session: Session) -> list[AccessToken]:
    return list(session.exec(select(AccessToken).order_by(col(AccessToken.created_at))))


def revoke_token(session: Session, identifier: str) -> AccessToken:
    """Revoke one by its id, or all of a name, and give the newest. Twice changes nothing. Raises `NotFound`."""
    found = [token for token in list_tokens(session) if identifier in (token.id, token.name)]
    if not found:
        raise NotFound("access token", identifier)
    for token in found:
        token.revoked_at = token.revoked_at or wall_now()
        session.add(token)
    return found[-1]
