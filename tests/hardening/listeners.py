"""Programs that watch an installation, one at each of many hubs: whether what they were told is all that happened.

What happened is read from the change log, which every event is made from; how it ended, from the inventories.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from satcom.core.database import Database
from satcom.core.schema import entities
from satcom.core.tmf_document import tmf_document
from tests.core.an_inbox import Body, Inbox
from tests.crash.office import Office

# orders, what they bring about, what is held for them, and the bills
HUBS = ("TMF622", "TMF637", "TMF638", "TMF639", "TMF641", "TMF652", "TMF653", "TMF678", "TMF685")
ALLOWED = {"SATCOM_EVENT_NETWORKS": "127.0.0.0/8", "SATCOM_EVENT_DELIVERIES": "2"}
LOG = text(
    "SELECT sequence, CAST(id AS text), CAST(entity_id AS text), entity_type, event_type FROM change_log"
    " WHERE entity_type = ANY(:kinds) ORDER BY sequence"
)
Signed = Callable[[Webhook, dict[str, str], bytes], bool]


@dataclass(frozen=True)
class Happened:
    """A change that listeners are told of, by its place in the change log."""

    sequence: int
    event: str
    of: str
    kind: str
    type: str


def signed_just_now(secret: Webhook, headers: dict[str, str], raw: bytes) -> bool:
    """By the clock of this machine, as the guide tells listeners to look."""
    try:
        secret.verify(raw, headers)
    except WebhookVerificationError:
        return False
    return True


def signed_at_any_time(secret: Webhook, headers: dict[str, str], raw: bytes) -> bool:
    """As by a listener whose clock is that of the installation."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return secret.sign(headers["webhook-id"], at, raw.decode()) == headers["webhook-signature"]


class Listeners:
    """One at each of these hubs, all with the same inbox. What is not signed is refused."""

    def __init__(
        self,
        office: Office,
        inbox: Inbox,
        signed: Signed = signed_just_now,
        hubs: Collection[str] = HUBS,
    ) -> None:
        self.inbox, self._signed, self._secrets = inbox, signed, dict[str, Webhook]()
        known = [kind for kind in entities() if kind.api.document is not None and kind.api.document.name in hubs]
        self._kinds = [kind.__name__ for kind in known]
        inbox.genuine = self._genuine
        for base_path in (tmf_document(one).base_path for one in hubs):
            answer = office.ask("POST", f"{base_path}/hub", {"callback": inbox.url})
            assert answer.status_code == 201, answer.text
            self._secrets[base_path.split("/")[2]] = Webhook(answer.json()["secret"])
        self._after = max((one.sequence for one in self.happened(office.installation.operation.database)), default=0)

    def _genuine(self, headers: dict[str, str], raw: bytes) -> bool:
        return self._signed(self._secrets[json.loads(raw)["domain"]], headers, raw)

    def happened(self, database: Database) -> list[Happened]:
        """All that there is to tell, in order."""
        with database.as_worker() as session:
            return [Happened(*row) for row in session.connection().execute(LOG, {"kinds": self._kinds})]

    def told_amiss(self, database: Database, since: int = 0, within_s: float = 60) -> list[str]:
        """What was lost, or came out of order, once all that is on its way has come.

        What they were told before the `since`th event may be of another past: of what the backup did not know.
        """
        give_up = time.monotonic() + within_s
        while lost := list(untold(self.happened(database), self.inbox.events, self._after)):
            if time.monotonic() > give_up:
                return lost
            time.sleep(0.2)
        return list(mistold(self.happened(database), self.inbox.events[since:]))


def untold(log: Iterable[Happened], told: Iterable[Body], after: int) -> Iterator[str]:
    """What happened after a place in the log and was not told."""
    heard = {one["eventId"] for one in told}
    for one in log:
        if one.sequence > after and one.event not in heard:
            yield f"not told: {one.type} of {one.kind} {one.of}, change {one.sequence}"


def mistold(log: Sequence[Happened], told: Sequence[Body]) -> Iterator[str]:
    """What was told and did not happen so; of each object what was told for the first time after what came later."""
    known, last = {one.event: one for one in log}, dict[str, int]()
    for identifier, event in first_told(told).items():
        one = known.get(identifier)
        if one is None or (event["eventType"].lower(), of(event)) != (one.type.lower(), one.of):
            yield f"told, but did not happen: {event['eventType']} of {of(event)}"
        elif one.sequence < last.get(one.of, 0):
            yield f"told too late: {one.type} of {one.kind} {one.of}, change {one.sequence} after {last[one.of]}"
        else:
            last[one.of] = one.sequence


def first_told(told: Sequence[Body]) -> dict[str, Body]:
    """Each event once, in the order in which they came for the first time."""
    first: dict[str, Body] = {}
    for event in told:
        first.setdefault(event["eventId"], event)
    return first


def of(event: Body) -> str:
    """The object that an event tells of."""
    return str(next(iter(event["event"].values()))["id"])
