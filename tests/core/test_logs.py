"""Logs that a machine reads: one JSON object a line, of ours and of the libraries."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from satcom.core.logs import set_up_logs, tell
set_up_logs(True, "LEVEL")
log = structlog.get_logger("satcom.orchestration.engine")
with structlog.contextvars.bound_contextvars(order="PO-2026-000001"):
    log.info("task", task="hand_over", outcome="done")
    logging.getLogger("sqlalchemy.pool").warning("a connection %s", "broke")
tell("satcom.market.ordering", "productOrderCreateEvent", order="PO-2026-000001")
logging.getLogger("sqlalchemy.pool").debug("nobody asks for this")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broke")
"""


def said(level: str) -> list[dict[str, str]]:
    """The lines on standard error."""
    program = PROGRAM.replace("LEVEL", level)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_one_object_with_its_order_time_level_and_where_it_comes_from() -> None:
    ours, library, broke = said("INFO")
    assert {"event": "task", "order": "PO-2026-000001", "task": "hand_over", "level": "info"}.items() <= ours.items()
    assert ours["logger"] == "satcom.orchestration.engine"
    assert ours["timestamp"].endswith("Z")
    assert (library["event"], library["order"]) == ("a connection broke", "PO-2026-000001")
    assert "ZeroDivisionError" in broke["exception"]
    assert "order" not in broke


def test_whoever_looks_closely_sees_each_state_and_whoever_does_not_sees_trouble_only() -> None:
    _, _, created, _ = said("DEBUG")
    assert (created["event"], created["logger"]) == ("productOrderCreateEvent", "satcom.market.ordering")
    assert [line["level"] for line in said("WARNING")] == ["warning", "error"]
