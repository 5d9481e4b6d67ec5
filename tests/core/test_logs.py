"""Logs that a machine reads: one JSON object a line, of ours and of the libraries."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from satcom.core.logs import set_up_logs
set_up_logs(True)
log = structlog.get_logger("satcom.orchestration.engine")
with structlog.contextvars.bound_contextvars(order="PO-2026-000001"):
    log.info("task", task="hand_over", outcome="done")
    logging.getLogger("sqlalchemy.pool").warning("a connection %s", "broke")
log.debug("nobody asked")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broke")
"""


def test_every_line_is_one_object_with_its_order_time_level_and_where_it_comes_from() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    ours, library, broke = (json.loads(line) for line in done.stderr.splitlines())
    assert done.stdout == ""
    assert {"event": "task", "order": "PO-2026-000001", "task": "hand_over", "level": "info"}.items() <= ours.items()
    assert ours["logger"] == "satcom.orchestration.engine"
    assert ours["timestamp"].endswith("Z")
    assert (library["event"], library["order"]) == ("a connection broke", "PO-2026-000001")
    assert "ZeroDivisionError" in broke["exception"]
    assert "order" not in broke
