"""Access tokens: known by their hash alone, useless at once when revoked, and bound to a party outside of the house."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from satcom.core.access import AccessToken, create_token, list_tokens, revoke_token
from satcom.core.clock import clock, wall_now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import NotFound, Refused, Unauthenticated
from satcom.core.security import token_hash
from tests.app.conftest import House

ORGANIZATIONS = "/tmf-api/party/v4/organization"
DAY = timedelta(days=1)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_only_the_hash_of_a_secret_is_kept(database: Database) -> None:
    with database.as_worker() as session:
        _, secret = create_token(session, "ann", ["noc"], None, DAY)
    with database.as_worker() as session:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for table in session.connection().execute(text(tables)).scalars().all():
            rows = session.connection().execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert not any(secret in row or secret.removeprefix("satcom_") in row for row in rows), table
        assert session.connection().execute(text("SELECT hash FROM access_token")).scalar_one() == token_hash(secret)


def test_a_list_of_tokens_shows_no_secret(database: Database) -> None:
    with database.as_worker() as session:
        secrets = [create_token(session, name, ["noc"], None, DAY)[1] for name in ("ann", "bob")]
    with database.as_worker() as session:
        shown = json.dumps([token.model_dump(exclude={"hash"}) for token in list_tokens(session)], default=str)
        names = [token.name for token in list_tokens(session)]
    assert names == ["ann", "bob"]
    assert not any(secret in shown for secret in secrets)


def test_two_tokens_never_share_a_secret(database: Database) -> None:
    with database.as_worker() as session:
        secrets = {create_token(session, "ann", ["noc"], None, DAY)[1] for _ in range(50)}
    assert len(secrets) == 50
    assert min(map(len, secrets)) >= 43  # 256 bits


def test_a_token_ends_by_the_wall_clock_whatever_day_it_is_for_the_business(house: House) -> None:
    headers = house.token("noc")
    with clock.at(wall_now() + timedelta(days=4000)):
        assert house.http.get(ORGANIZATIONS, headers).status_code == 200
    with house.database.as_worker() as session:
        token, secret = create_token(session, "brief", ["noc"], None, timedelta(seconds=5))
        assert house.http.get(ORGANIZATIONS, bearer(secret)).status_code == 401  # not committed yet
    assert house.http.get(ORGANIZATIONS, bearer(secret)).status_code == 200
    with house.database.as_worker() as session:
        session.get_one(AccessToken, token.id).expires_at = wall_now() - timedelta(milliseconds=1)
    with clock.at(wall_now() - timedelta(days=4000)):
        assert house.http.get(ORGANIZATIONS, bearer(secret)).status_code == 401


def test_a_revoked_token_is_useless_at_once(house: House) -> None:
    with house.database.as_worker() as session:
        token, secret = create_token(session, "ann", ["noc"], None, DAY)
    assert house.http.get(ORGANIZATIONS, bearer(secret)).status_code == 200
    with house.database.as_worker() as session:
        revoke_token(session, token.id)
    assert house.http.get(ORGANIZATIONS, bearer(secret)).status_code == 401


def test_a_name_revokes_every_token_of_that_name(house: House) -> None:
    with house.database.as_worker() as session:
        secrets = [create_token(session, "portal", ["noc"], None, DAY)[1] for _ in range(2)]
        other = create_token(session, "cockpit", ["noc"], None, DAY)[1]
    with house.database.as_worker() as session:
        revoke_token(session, "portal")
    assert [house.http.get(ORGANIZATIONS, bearer(one)).status_code for one in (*secrets, other)] == [401, 401, 200]


def test_a_token_is_replaced_by_one_of_the_same_name_without_a_moment_in_which_neither_is_valid(house: House) -> None:
    with house.database.as_worker() as session:
        old, old_secret = create_token(session, "portal", ["noc"], None, DAY)
        new_secret = create_token(session, "portal", ["noc"], None, DAY)[1]
    both = (old_secret, new_secret)
    assert [house.http.get(ORGANIZATIONS, bearer(one)).status_code for one in both] == [200, 200]
    with house.database.as_worker() as session:
        revoke_token(session, old.id)
    assert [house.http.get(ORGANIZATIONS, bearer(one)).status_code for one in both] == [401, 200]


def test_a_token_revoked_twice_keeps_the_time_of_the_first(database: Database) -> None:
    with database.as_worker() as session:
        token, _ = create_token(session, "ann", ["noc"], None, DAY)
        first = revoke_token(session, token.id).revoked_at
        assert revoke_token(session, token.id).revoked_at == first
        with pytest.raises(NotFound):
            revoke_token(session, "nobody")


@pytest.mark.parametrize("role", ["customer", "partner"])
def test_a_token_for_outside_needs_its_party(database: Database, role: str) -> None:
    with database.as_worker() as session:
        for roles in ([role], ["administrator", role]):
            with pytest.raises(Refused) as refused:
                create_token(session, "ann", roles, None, DAY)
            assert refused.value.faults[0].field == "party"
        assert create_token(session, "ann", [role], new_id(), DAY)[0].party_id is not None


@pytest.mark.parametrize(
    ("roles", "valid_for", "field"),
    [([], DAY, "role"), (["emperor"], DAY, "role"), (["noc", "emperor"], DAY, "role"), (["noc"], -DAY, "validFor")],
)
def test_a_token_that_makes_no_sense_is_not_made(
    database: Database, roles: list[str], valid_for: timedelta, field: str
) -> None:
    with database.as_worker() as session:
        with pytest.raises(Refused) as refused:
            create_token(session, "ann", roles, None, valid_for)
        assert refused.value.faults[0].field == field
        assert list_tokens(session) == []


def test_requests_cannot_read_the_table_of_tokens(database: Database) -> None:
    with database.as_worker() as session:
        _, secret = create_token(session, "ann", ["administrator"], None, DAY)
    for statement in ("SELECT * FROM access_token", "UPDATE access_token SET revoked_at = NULL"):
        with pytest.raises(ProgrammingError, match="permission denied"), database.request(secret) as (session, _):
            session.connection().execute(text(statement))


@pytest.mark.parametrize("token", [None, "", "satcom_", "satcom_guessed", "' OR true --", "x" * 100_000, "naïve\x00"])
def test_a_guessed_token_is_told_nothing(database: Database, token: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused, database.request(token):
        pass
    assert refused.value.faults[0].field == "Authorization"
    assert token is None or len(token) < 3 or token not in str(refused.value)


def test_secrets_stand_in_no_answer_and_no_log(house: House) -> None:
    headers = house.token("administrator")
    secret = headers["Authorization"].removeprefix("Bearer ")
    answers = [house.http.get(f"{ORGANIZATIONS}?{secret}=1", headers), house.http.post(ORGANIZATIONS, {}, headers)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert secret not in answers[1].text + str(answers[1].headers)
    assert secret not in str(house.logged)
