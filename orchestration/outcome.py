"""What came of one run of a task: as the task keeps it, as a metric, and as a line of the log."""

import time
from typing import Any, Final

import structlog

from satcom.core import metrics
from satcom.core.errors import Fault, InHouse, Refused
from satcom.orchestration.plan import TaskFlow
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, PortTaken

PORT_TAKEN: Final = "portTaken"
OF_THE_HUB = {DriverRefused: "driverRefused", DriverUnavailable: "driverUnavailable", PortTaken: PORT_TAKEN}
log = structlog.get_logger()


def fault_of(error: Exception) -> dict[str, Any]:
    """An error as a task keeps it."""
    if isinstance(error, Refused):
        first: Fault = error.faults[0]
        fault: dict[str, Any] = {"field": first.field, "why": first.why, "code": first.code}
        return fault | ({"told": error.told} if isinstance(error, InHouse) else {})
    code = OF_THE_HUB.get(type(error), "bug")
    fault = {"field": "task", "why": f"{type(error).__name__}: {error}"[:500], "code": code}
    # whose the port is at the hub, the customer does not learn
    return fault | ({"told": "its port at the hub has to be cleared first"} if isinstance(error, PortTaken) else {})


def timed(task: TaskFlow, began: float, error: Exception | None, undo: bool = False) -> None:
    """Measure and log one run of a task; its name is from a flow file, so the label set stays small."""
    seconds, name = time.perf_counter() - began, task.task_flow_specification
    if error is None:
        outcome = "undone" if undo else "done"
        log.info("task", task=name, outcome=outcome, seconds=round(seconds, 4))
    else:
        fault = fault_of(error)
        outcome = fault["code"]
        log.warning("task", task=name, outcome=outcome, undo=undo, seconds=round(seconds, 4), why=fault["why"])
    metrics.task_seconds.labels(name, outcome).observe(seconds)
