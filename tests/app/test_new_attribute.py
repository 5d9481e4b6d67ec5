"""A new attribute is one line, one migration and one test: shown on a copy that gets one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from satcom.core import migration
from tests.house.checkout import copy, files
from tests.postgres_server import drop_database, new_database

BESIDE = "    last_modified: datetime = Field(default_factory=now, sa_type=INSTANT)\n"
LINE = "    payment_status: str | None = Field(default=None, max_length=20)\n"
PROBE = """
import json, sys
from datetime import timedelta
from fastapi.testclient import TestClient
from satcom.app.http import create_app
from satcom.core import migration
from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.market.account import billing_account as account
from tests.enterprise.an_operator import an_operator, an_organization
from tests.market.a_market import a_buyer

url, told = sys.argv[1], {"code": account.__file__}
told["from"] = migration.current(url)
told["at"] = migration.upgrade(url)
database = Database(url, connections=2)
with database.as_worker() as session:
    an_operator(session)
    party = an_organization(session)
    a_buyer(session, party)
    secret = create_token(session, "ann", ["sales"], None, timedelta(days=1))[1]
client = TestClient(create_app(database), headers={"Authorization": f"Bearer {secret}"})
path = account.BillingAccount.api.path
party = {"id": party.id, "name": "Mine", "role": "customer", "@referredType": "Organization"}
for status in ("due", "paid"):
    sent = {"name": status, "relatedParty": [party], "paymentStatus": status}
    made = client.post(path, json=sent)
    told[status] = [made.status_code, made.json().get("paymentStatus")]
told["read"] = client.get(made.headers["Location"]).json()["paymentStatus"]
told["filtered"] = [row["name"] for row in client.get(f"{path}?paymentStatus=due").json()]
told["compared"] = [row["name"] for row in client.get(f"{path}?paymentStatus.gt=due").json()]
told["sorted"] = [row["name"] for row in client.get(f"{path}?sort=-paymentStatus&paymentStatus.regex=.").json()]
told["chosen"] = sorted(client.get(f"{path}?fields=paymentStatus&paymentStatus=due").json()[0])
long = client.post(path, json=sent | {"paymentStatus": "x" * 21})
told["too long"] = [long.status_code, long.json()["field"]]
changed = client.patch(made.headers["Location"], json={"paymentStatus": "late"})
told["changed"] = [changed.status_code, changed.json()["paymentStatus"]]
with database.as_worker() as session:
    told["logged"] = session.connection().exec_driver_sql(
        "SELECT after ->> 'paymentStatus' FROM change_log ORDER BY sequence DESC LIMIT 1"
    ).scalar_one()
schema = client.get("/openapi.json").json()["components"]["schemas"]["TMF666.BillingAccount"]
told["described"] = "paymentStatus" in schema["properties"]
database.close()
told["back"] = migration.downgrade(url, told["from"])
told["again"] = migration.upgrade(url)
print(json.dumps(told))
"""


def test_a_new_attribute_is_one_line_and_one_migration(postgres: str, tmp_path: Path) -> None:
    url = new_database(postgres)
    before = migration.upgrade(url)
    house = copy(files(), tmp_path / "house")
    account = house / "market" / "account" / "billing_account.py"
    source = account.read_text(encoding="utf-8")
    assert source.count(BESIDE) == 1
    account.write_text(source.replace(BESIDE, BESIDE + LINE), encoding="utf-8")

    python(house, "deploy/new_revision.py", "Accounts know whether they are paid")
    (revision,) = set((house / "core/migrations/versions").glob("*.py")) - set(revisions(house))
    assert "op.add_column('billing_account', sa.Column('payment_status'" in revision.read_text(encoding="utf-8")
    assert "op.drop_column('billing_account', 'payment_status')" in revision.read_text(encoding="utf-8")

    (house / "probe.py").write_text(PROBE, encoding="utf-8")
    told: dict[str, Any] = json.loads(python(house, "probe.py", url).splitlines()[-1])
    drop_database(url)
    assert Path(told["code"]).resolve() == account.resolve()
    assert (told["from"], told["at"], told["back"], told["again"]) == (before, told["at"], before, told["at"])
    assert told["at"] != before
    assert (told["due"], told["paid"], told["read"]) == ([201, "due"], [201, "paid"], "paid")
    assert (told["filtered"], told["compared"], told["sorted"]) == (["due"], ["paid"], ["paid", "due"])
    assert told["chosen"] == ["href", "id", "paymentStatus"]
    assert told["too long"] == [400, "/paymentStatus"]
    assert (told["changed"], told["logged"], told["described"]) == ([200, "late"], "late", True)


def revisions(house: Path) -> list[Path]:
    """Those that are committed."""
    return [house / path for path in files() if path.startswith("core/migrations/versions/")]


def python(house: Path, *command: str) -> str:
    """Run the copy's own code, as a contributor would, and give what it says."""
    environment = os.environ | {"PYTHONPATH": f"{house / 'src'}{os.pathsep}{house}"}
    done = subprocess.run(
        [sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
