"""Of which kind a flow is, as whoever asked for it wrote on it: for blows that are to fall on each kind."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from satcom.core.database import Database
from tests.crash.sold import Sold

WRITTEN: Final = text(
    "SELECT o.external_id, s.reason FROM process_flow f LEFT JOIN product_order o ON o.id = f.subject_id"
    " LEFT JOIN terminal_swap s ON s.id = f.subject_id WHERE f.id = :flow"
)


class Part(StrEnum):
    """What of a product is changed by one order."""

    RATE = "downlinkRateBps"
    BANDWIDTH = "bandwidthHz"
    AVAILABILITY = "availabilityPercent"
    TERMINAL = "terminalType"


PARTS: Final = {
    Sold.LINK: (Part.TERMINAL, Part.RATE, Part.AVAILABILITY),
    Sold.ACCESS: (Part.RATE, Part.TERMINAL, Part.AVAILABILITY),
    Sold.LEASE: (Part.BANDWIDTH,),
    Sold.PARTNER: (Part.RATE,),
}


def new(sold: Sold) -> str:
    return f"{sold}, new"


def another(part: Part, sold: Sold) -> str:
    return f"{sold}, another {part}"


def end(sold: Sold) -> str:
    return f"{sold}, end"


def swap(sold: Sold) -> str:
    return f"{sold}, swap"


def kinds_of_flows(url: str) -> Callable[[str], str | None]:
    """What is written on the order or the swap of a flow, by its id; nothing while there is no database to ask.

    Asked once, over a connection of its own: the flow's own is in the middle of what it does.
    """
    database, known = Database(url, connections=2), dict[str, str | None]()

    def kind_of(flow_id: str) -> str | None:
        if flow_id not in known:
            try:
                with database.as_worker() as session:
                    row = session.connection().execute(WRITTEN, {"flow": flow_id}).one_or_none()
            except DBAPIError:
                return None
            if row is None:
                return None
            known[flow_id] = row[0] or row[1]
        return known[flow_id]

    return kind_of
